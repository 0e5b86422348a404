package api

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// client is who sits at the other end of a connection. It is made with the first request; afterwards the reading goroutine
// alone writes to login, and nobody to the rest once the client is in: a re-authentication may not change the principal.
type client struct {
	listener  *security.Listener // nil: a plain listener that nothing is known about
	login     *security.Login    // nil: the listener has no SASL
	principal security.Principal
	subject   security.Subject
	in        bool // past authentication
}

var (
	errNotIn       = errors.New("a request came before authentication")
	errSessionOver = errors.New("the session has ended and was not renewed (connections.max.reauth.ms)")
)

// client answers who is at the other end.
func (s *Server) client(x *network.Exchange) *client {
	if c, ok := x.Conn.Session().(*client); ok {
		return c
	}
	c := &client{in: true}
	if s.Gate != nil {
		c.listener = s.Gate.Listeners[x.Conn.ListenerName()]
	}
	switch p := x.Conn.Protocol(); {
	case p == network.SASLPlaintext || p == network.SASLSSL:
		c.login, c.in = &security.Login{}, false
	case p == network.SSL && c.listener != nil && c.listener.TLS != nil:
		who, err := c.listener.TLS.Principal(x.Conn.Socket())
		if err != nil {
			c.in = false
			s.Logger.Warn("a certificate names nobody", "connection", x.Conn.ID(), "error", err)
		}
		c.become(x, who)
	default:
		c.become(x, security.Anonymous)
	}
	x.Conn.SetSession(c)
	return c
}

// become gives the client its principal.
func (c *client) become(x *network.Exchange, who security.Principal) {
	c.principal = who
	c.subject = security.Subject{Principal: who.String(), Host: host(x.Conn.RemoteAddr())}
}

// host is an address as ACLs have it; a connection in memory comes from this machine.
func host(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ip, _ := netip.AddrFromSlice(tcp.IP)
		return ip.Unmap()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// beforeLogin are the only requests of a client that is not in (WIRE-5).
func beforeLogin(key int16) bool {
	return key == kmsg.ApiVersions.Int16() || key == kmsg.SASLHandshake.Int16() || key == kmsg.SASLAuthenticate.Int16()
}

// admitted lets a request pass, or ends it: bare tokens, requests before authentication, and those after the end of a
// session, of which only a new handshake is taken (KIP-368).
func (s *Server) admitted(x *network.Exchange) bool {
	if x.Conn.Protocol() == network.Plaintext {
		return true
	}
	c := s.client(x)
	switch {
	case x.Token:
		s.bareToken(x, c)
		return false
	case !c.in && (c.login == nil || !beforeLogin(x.Request.Key)):
		x.Close(errNotIn)
		return false
	case c.in && c.login != nil && x.Request.Key != kmsg.SASLHandshake.Int16() && x.Request.Key != kmsg.SASLAuthenticate.Int16() && c.login.Expired(s.Now()):
		x.Close(errSessionOver)
		return false
	}
	return true
}

// entered tells the network that a client is in.
func (c *client) entered(x *network.Exchange) {
	if c.in {
		return
	}
	c.become(x, c.login.Identity().Principal)
	c.in = true
	x.Conn.Authenticated()
}

// failedLogin records a login that failed and answers how long its answer is held back.
func (s *Server) failedLogin(x *network.Exchange, mechanism string, reason error) time.Duration {
	s.Gate.Audit.Failed(x.Conn.RemoteAddr().String(), mechanism, reason)
	return s.Gate.FailedDelay
}
