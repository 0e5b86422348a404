package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// handshakeError wraps what went wrong before the first frame.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "secure the connection: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// accept accepts until the listener is closed. When the process has no file descriptor left (EMFILE), or accepting fails
// otherwise, it pauses: a loop that spins would take the time that closing connections needs (WIRE-8).
func (s *Server) accept(ctx context.Context, l *listener) {
	pause := time.Duration(0)
	for {
		nc, err := l.bound.Accept()
		if err == nil {
			pause = 0
			if s.takeSlot(ctx, l) {
				if s.welcome(ctx, l, nc) {
					s.admit(ctx, l, nc)
				}
				continue
			}
			nc.Close()
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if pause == 0 {
			s.cfg.Logger.Warn("accepting connections fails", "listener", l.Name, "error", err)
		}
		pause = min(max(2*pause, firstPause), longestPause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// takeSlot waits until one more connection may be open, of the listener and of all; the next clients wait in the backlog
// meanwhile, as with Kafka. False means that ctx has ended.
func (s *Server) takeSlot(ctx context.Context, l *listener) bool {
	if !take(ctx, l.slots) {
		return false
	}
	if !take(ctx, s.slots) {
		give(l.slots)
		return false
	}
	return true
}

func (s *Server) giveSlot(l *listener) {
	give(s.slots)
	give(l.slots)
}

func take(ctx context.Context, slots chan struct{}) bool {
	if slots == nil {
		return true
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func give(slots chan struct{}) {
	if slots != nil {
		<-slots
	}
}

// welcome asks Config.Admit. A refused connection keeps its slot until it is closed.
func (s *Server) welcome(ctx context.Context, l *listener, nc net.Conn) bool {
	ip, ok := addrIP(nc.RemoteAddr())
	if s.cfg.Admit == nil || !ok {
		return true
	}
	refuse, pause := s.cfg.Admit(ip)
	if refuse > 0 {
		s.cfg.Metrics.ConnectionRefused(l.Name)
		s.running.Go(func() {
			sleep(ctx, refuse)
			nc.Close()
			s.giveSlot(l)
		})
		return false
	}
	sleep(ctx, pause)
	return true
}

// sleep waits for a while, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// admit starts serving a connection, unless its address has too many.
func (s *Server) admit(ctx context.Context, l *listener, nc net.Conn) {
	c := &Conn{
		listener: l, server: s, raw: nc, socket: nc, local: nc.LocalAddr(), remote: nc.RemoteAddr(), opened: time.Now(),
		room: make(chan struct{}, 1),
		in:   reader{buf: make([]byte, readAhead)},
	}
	c.id = fmt.Sprintf("%s-%s-%d", c.local, c.remote, s.lastID.Add(1))
	c.authed.Store(!l.Protocol.sasl())
	// The connection outlives Run's context while it drains.
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if !s.register(c) {
		c.cancel()
		nc.Close()
		s.giveSlot(l)
		s.cfg.Metrics.ConnectionRefused(l.Name)
		return
	}
	s.cfg.Metrics.ConnectionOpened(l.Name)
	s.running.Go(c.serve)
}

func (s *Server) register(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	if ip, ok := addrIP(c.remote); ok {
		limit := s.cfg.MaxConnectionsPerIP
		if own, ok := s.cfg.PerIPOverrides[ip.String()]; ok {
			limit = own
		}
		if limit > 0 && s.perIP[ip] >= limit {
			return false
		}
		s.perIP[ip]++
	}
	s.conns[c] = struct{}{}
	return true
}

// addrIP returns the address of a peer on the internet, false for pipes and the like.
func addrIP(a net.Addr) (netip.Addr, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	return ip.Unmap(), ok
}
