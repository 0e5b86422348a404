package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ExpireDelegationToken (key 40), versions 1-2 (2 flexible). KIP-48.
//
// Ends a token after a time from now; below 0 ends it at once. Who may renew it may end it.
func (s *Server) expireDelegationToken(x *network.Exchange, req *kmsg.ExpireDelegationTokenRequest) {
	resp := req.ResponseKind().(*kmsg.ExpireDelegationTokenResponse)
	resp.ErrorCode, resp.ExpiryTimestamp = s.extendToken(x, req.HMAC, req.ExpiryPeriodMillis, true)
	x.Respond(resp)
}
