package api

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// SaslHandshake (key 17), versions 0-1. KIP-43, KIP-152.
//
//	v0  the next frames are bare tokens without headers, until the client is in
//	v1  tokens come in SaslAuthenticate
//
// Begins an authentication, or another one of a session that has an end (KIP-368). An unknown mechanism is answered with
// the known ones, after the delay of failed authentications, and the connection ends. A handshake that is not expected is
// ILLEGAL_SASL_STATE: of a client that is in it ends nothing.
func (s *Server) saslHandshake(x *network.Exchange, req *kmsg.SASLHandshakeRequest) {
	resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
	c := s.client(x)
	if c.login == nil {
		resp.ErrorCode = kerr.IllegalSaslState.Code
		x.Respond(resp)
		return
	}
	offer := c.listener.SASL()
	resp.SupportedMechanisms = offer.Names()
	switch err := c.login.Handshake(s.Now(), offer, req.Mechanism); {
	case err == nil:
		x.Conn.ExpectTokens(req.Version == 0)
		x.Respond(resp)
	case errors.Is(err, security.ErrMechanism):
		resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		x.RespondLast(s.failedLogin(x, req.Mechanism, err), resp, err)
	case c.login.Failed():
		resp.ErrorCode = kerr.IllegalSaslState.Code
		x.RespondLast(s.failedLogin(x, req.Mechanism, err), resp, err)
	default:
		resp.ErrorCode = kerr.IllegalSaslState.Code
		x.Respond(resp)
	}
}
