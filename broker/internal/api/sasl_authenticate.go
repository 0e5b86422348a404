package api

import (
	"errors"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// SaslAuthenticate (key 36), versions 0-2. KIP-152; v1 session lifetime (KIP-368); v2 flexible.
//
// Carries the tokens of the mechanism that SaslHandshake chose. A failed authentication is SASL_AUTHENTICATION_FAILED
// after connection.failed.authentication.delay.ms, then the connection ends. A token before the handshake ends it at once,
// as Kafka does; one of a client that is in is ILLEGAL_SASL_STATE.
//
// Differs: Kafka hangs up without an answer on some malformed SCRAM messages; here they are failed authentications.
func (s *Server) saslAuthenticate(x *network.Exchange, req *kmsg.SASLAuthenticateRequest) {
	resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	resp.SASLAuthBytes = []byte{}
	c := s.client(x)
	illegal := func() {
		resp.ErrorCode = kerr.IllegalSaslState.Code
		resp.ErrorMessage = kmsg.StringPtr("SaslAuthenticate request received after successful authentication")
		x.Respond(resp)
	}
	if c.login == nil {
		illegal()
		return
	}
	answer, lifetime, done, err := c.login.Authenticate(s.Now(), req.SASLAuthBytes)
	var failed *security.AuthError
	switch {
	case err == nil:
		if done {
			c.entered(x)
		}
		resp.SASLAuthBytes, resp.SessionLifetimeMillis = answer, lifetime.Milliseconds()
		x.Respond(resp)
	case errors.As(err, &failed):
		resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr(failed.Text)
		x.RespondLast(s.failedLogin(x, "", err), resp, err)
	case c.login.Failed():
		x.Close(err)
	default:
		illegal()
	}
}

// bareToken is a token behind a handshake of version 0. A failure has no answer: there is no place for one.
func (s *Server) bareToken(x *network.Exchange, c *client) {
	answer, _, done, err := c.login.Authenticate(s.Now(), x.Request.Body)
	if err != nil {
		x.CloseAfter(s.failedLogin(x, "", err), err)
		return
	}
	if done {
		c.entered(x)
		x.Conn.ExpectTokens(false)
	}
	x.RespondRaw(net.Buffers{answer}, nil)
}
