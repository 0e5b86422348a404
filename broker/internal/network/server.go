package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// Server accepts connections and serves them.
type Server struct {
	cfg       Config
	handler   Handler
	listeners []*listener

	memory           *budget
	memoryBeforeAuth *budget
	responseSizes    [128]atomic.Int32 // of the last answer by API key
	drainingSoon     chan struct{}     // closed when Run's context ends
	running          sync.WaitGroup    // every goroutine of Run, of connections and of their writers
	lastID           atomic.Uint64

	slots chan struct{} // one token a connection, up to max.connections; nil: unlimited

	mu       sync.Mutex // guards the fields below
	conns    map[*Conn]struct{}
	perIP    map[netip.Addr]int
	draining bool
}

// listener is a bound Listener.
type listener struct {
	Listener
	bound net.Listener
	slots chan struct{} // one token a connection, up to its own max.connections; nil: unlimited
}

// New checks the configuration and binds the listeners. It starts nothing; clients that connect before Run wait.
func New(cfg Config, h Handler) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure the network: %w", err)
	}
	s := &Server{
		cfg: cfg, handler: h,
		memory: newBudget(cfg.MaxQueuedBytes), memoryBeforeAuth: newBudget(cfg.MaxQueuedBytesBeforeAuth),
		drainingSoon: make(chan struct{}),
		conns:        map[*Conn]struct{}{}, perIP: map[netip.Addr]int{}, slots: slots(cfg.MaxConnections),
	}
	for _, l := range cfg.Listeners {
		if l.Protocol == "" {
			l.Protocol = Plaintext
		}
		bound := l.Listener
		if bound == nil {
			var err error
			if bound, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", l.Address); err != nil {
				s.closeListeners()
				return nil, fmt.Errorf("bind listener %s: %w", l.Name, err)
			}
		}
		s.listeners = append(s.listeners, &listener{l, bound, slots(l.MaxConnections)})
	}
	return s, nil
}

// slots is a semaphore: its capacity is the limit. Nil without one.
func slots(limit int) chan struct{} {
	if limit <= 0 {
		return nil
	}
	return make(chan struct{}, limit)
}

// Addr returns where a listener is bound, nil for an unknown name.
func (s *Server) Addr(name string) net.Addr {
	for _, l := range s.listeners {
		if l.Name == name {
			return l.bound.Addr()
		}
	}
	return nil
}

// Conns returns the open connections, in no order.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Close closes the listeners of a server that was never run.
func (s *Server) Close() { s.closeListeners() }

// Run serves until ctx ends. Then it accepts and reads no more, gives the requests in flight ShutdownTimeout to be
// answered, hangs up, and returns when all its goroutines have ended.
func (s *Server) Run(ctx context.Context) error {
	for _, l := range s.listeners {
		s.running.Go(func() { s.accept(ctx, l) })
	}
	<-ctx.Done()
	s.closeListeners()
	close(s.drainingSoon)
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	for _, c := range s.Conns() {
		c.draining.Store(true)
		_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // wakes the reading goroutine; one that cannot be told is closed below
	}
	late := time.AfterFunc(s.cfg.ShutdownTimeout, func() {
		for _, c := range s.Conns() {
			c.close(errDraining)
		}
	})
	s.running.Wait()
	late.Stop()
	return nil
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.bound.Close()
	}
}

// responseSize guesses the size of an answer by the last one to the same API.
func (s *Server) responseSize(key int16) int {
	return max(256, int(s.responseSizes[key&127].Load()))
}

func (s *Server) noteResponseSize(key int16, n int) {
	if last := &s.responseSizes[key&127]; int(last.Load()) != n {
		last.Store(int32(min(n, batchBytes)))
	}
}

// forget drops a closed connection, and logs and counts why it was closed when that is not the peer's usual goodbye.
func (s *Server) forget(c *Conn, reason error) {
	s.mu.Lock()
	delete(s.conns, c)
	if ip, ok := addrIP(c.remote); ok {
		if s.perIP[ip]--; s.perIP[ip] <= 0 {
			delete(s.perIP, ip)
		}
	}
	s.mu.Unlock()
	s.giveSlot(c.listener)
	m := s.cfg.Metrics
	m.ConnectionClosed(c.listener.Name)
	level := slog.LevelInfo
	var unsupported *wire.UnsupportedError
	switch {
	case reason == nil || errors.Is(reason, io.EOF) || errors.Is(reason, errDraining) || errors.Is(reason, errIdle) ||
		errors.Is(reason, syscall.ECONNRESET) || errors.Is(reason, syscall.EPIPE) || errors.Is(reason, io.ErrClosedPipe):
		level = slog.LevelDebug
	case errors.As(reason, &unsupported):
		m.Unsupported(c.listener.Name, unsupported.Key, unsupported.Version)
	case isMalformed(reason):
		m.Malformed(c.listener.Name)
		level = slog.LevelWarn
	}
	s.cfg.Logger.Log(context.Background(), level, "connection closed",
		"listener", c.listener.Name, "connection", c.id, "reason", reason)
}

func isMalformed(err error) bool {
	var shape *wire.MalformedError
	var length *frameError
	return errors.As(err, &shape) || errors.As(err, &length)
}
