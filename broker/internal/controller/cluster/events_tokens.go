package cluster

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// CreateToken makes a delegation token (KIP-48), whose id the caller made. Times are milliseconds. Reply: Token.
type CreateToken struct {
	ID, Owner, Requester string // principals as Type:name
	Renewers             []string
	MaxLifetime          int64 // after which it cannot be renewed; below 0: LongestLifetime
	LongestLifetime      int64 // delegation.token.max.lifetime.ms
	Expiry               int64 // delegation.token.expiry.time.ms
}

// ExtendToken moves the end of a token: its renewal, or its expiration. Reply: Token.
type ExtendToken struct {
	ID, Caller string
	Period     int64 // from now; below 0: for a renewal Expiry, for an expiration the token ends now
	Expiry     int64 // delegation.token.expiry.time.ms
	Expire     bool
}

// ExpireTokens removes the tokens that have ended. Reply: the number of them.
type ExpireTokens struct{}

// Token answers with the token as it is now; nil beside an error, and when it ended at once.
type Token struct {
	Result
	Record  *metadata.DelegationTokenRecord
	Expires int64
}

func (CreateToken) event()  {}
func (ExtendToken) event()  {}
func (ExpireTokens) event() {}
