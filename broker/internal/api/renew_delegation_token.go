package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// RenewDelegationToken (key 39), versions 1-2 (2 flexible). KIP-48.
//
// Moves the end of a token to a time from now, at most delegation.token.expiry.time.ms, never past the end of its life. Its
// owner, its requester and its renewers may.
func (s *Server) renewDelegationToken(x *network.Exchange, req *kmsg.RenewDelegationTokenRequest) {
	resp := req.ResponseKind().(*kmsg.RenewDelegationTokenResponse)
	resp.ErrorCode, resp.ExpiryTimestamp = s.extendToken(x, req.HMAC, req.RenewTimeMillis, false)
	x.Respond(resp)
}

func (s *Server) extendToken(x *network.Exchange, mac []byte, period int64, expire bool) (code int16, expires int64) {
	if err := s.tokensAllowed(x); err != nil {
		return s.code(err), -1
	}
	found := s.Gate.Tokens.Find(mac)
	if found == nil {
		return kerr.DelegationTokenNotFound.Code, -1
	}
	t, err := s.token(x, cluster.ExtendToken{
		ID: found.TokenID, Caller: s.client(x).principal.String(), Period: period, Expiry: s.Gate.TokenExpiry.Milliseconds(), Expire: expire,
	})
	switch {
	case err != nil:
		return s.code(err), -1
	case t.Code != 0:
		return t.Code, -1
	}
	return 0, t.Expires
}
