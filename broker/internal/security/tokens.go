package security

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Tokens signs and finds delegation tokens (KIP-48). A token is an id and the HMAC of that id under the cluster's secret,
// which is the token's password: the metadata log holds no secret. A nil *Tokens has none.
type Tokens struct {
	secret []byte
	image  func() *metadata.Image
}

// NewTokens answers nil without a secret (delegation.token.secret.key): tokens are off then.
func NewTokens(secret string, image func() *metadata.Image) *Tokens {
	if secret == "" {
		return nil
	}
	return &Tokens{[]byte(secret), image}
}

// HMAC is a token's password in bytes.
func (t *Tokens) HMAC(id string) []byte {
	m := hmac.New(sha512.New, t.secret)
	m.Write([]byte(id))
	return m.Sum(nil)
}

// Find answers the token that an HMAC belongs to, or nil. Every token is compared, in constant time.
func (t *Tokens) Find(mac []byte) (found *metadata.DelegationTokenRecord) {
	for _, r := range t.image().DelegationTokens() {
		if subtle.ConstantTimeCompare(t.HMAC(r.TokenID), mac) == 1 {
			found = r
		}
	}
	return found
}

// credential is what SCRAM asks of a token's bearer, who is then the token's owner until it ends. An unknown token, one
// that has ended and a broker without tokens answer nil.
func (t *Tokens) credential(now time.Time, h ScramHash, id string) (*metadata.UserScramCredentialRecord, Identity) {
	if t == nil {
		return nil, Identity{}
	}
	r := t.image().DelegationToken(id)
	if r == nil || now.UnixMilli() >= r.ExpirationTimestamp {
		return nil, Identity{}
	}
	owner, err := ParsePrincipal(r.Owner)
	if err != nil {
		return nil, Identity{}
	}
	mac := t.HMAC(id)
	salt := SHA512.mac(mac, "salt", h.Name())[:fakeSaltBytes]
	c, err := h.credential(id, base64.StdEncoding.EncodeToString(mac), salt, MinScramIterations)
	if err != nil {
		return nil, Identity{}
	}
	return c, Identity{Principal: owner, Expires: time.UnixMilli(r.ExpirationTimestamp), Token: true}
}
