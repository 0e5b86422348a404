package network

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// SecurityProtocol is how a listener's connections are secured.
type SecurityProtocol string

const (
	Plaintext     SecurityProtocol = "PLAINTEXT"
	SSL           SecurityProtocol = "SSL"
	SASLPlaintext SecurityProtocol = "SASL_PLAINTEXT"
	SASLSSL       SecurityProtocol = "SASL_SSL"
)

// sasl says whether a connection has to authenticate itself above the transport.
func (p SecurityProtocol) sasl() bool { return p == SASLPlaintext || p == SASLSSL }

// Listener is one place to listen on.
type Listener struct {
	Name     string
	Protocol SecurityProtocol // empty: PLAINTEXT
	Address  string           // host:port to bind; port 0 lets the system choose
	Listener net.Listener     // used instead of Address when set; Server closes it

	MaxConnections int `kafka:"max.connections"` // of this listener alone; 0: only the limit of all

	// Upgrade wraps an accepted connection and shakes hands, for TLS. It runs in the connection's own goroutine, within
	// RequestTimeout. Nil leaves the connection as it is.
	Upgrade func(net.Conn) (net.Conn, error)
}

// Config says where to listen and where the limits are. A zero limit means its default.
type Config struct {
	Listeners []Listener
	Table     wire.Table // requests outside of it close the connection; zero: everything in wire.Served
	Logger    *slog.Logger
	Metrics   Metrics // nil counts nothing

	MaxRequestBytes     int            `kafka:"socket.request.max.bytes"`         // 100 MiB; longer frames hang up
	MaxQueuedBytes      int64          `kafka:"queued.max.request.bytes"`         // 128 MiB over all connections, then nobody is read
	MaxConnections      int            `kafka:"max.connections"`                  // unlimited; at the limit nobody is accepted
	MaxConnectionsPerIP int            `kafka:"max.connections.per.ip"`           // unlimited; above it connections are closed at once
	PerIPOverrides      map[string]int `kafka:"max.connections.per.ip.overrides"` // by address
	IdleTimeout         time.Duration  `kafka:"connections.max.idle.ms"`          // 10 minutes without a request in flight; below 0 never

	// Admit is asked about each new connection from an address on the internet. A connection that is refused is closed
	// unserved after that time, so that its client is slow to come again; during a pause nobody is accepted (KIP-612). Nil
	// admits everybody. It must not block.
	Admit func(from netip.Addr) (refuse, pause time.Duration)

	// Before authentication (WIRE-5).
	MaxRequestBytesBeforeAuth int   `kafka:"sasl.server.max.receive.size"` // 512 KiB, one request at a time
	MaxQueuedBytesBeforeAuth  int64 `kafka:"mainstem.preauth.max.bytes"`   // 64 MiB over all such connections

	RequestTimeout  time.Duration // 30 seconds for each 64 KiB of a request once its first byte came
	WriteTimeout    time.Duration // 30 seconds in which the peer must take something
	ShutdownTimeout time.Duration // 10 seconds for requests in flight when Run's context ends

	// Per connection: requests read but not answered, and their bytes. A single larger request is let through.
	MaxInFlight      int // 64
	MaxInFlightBytes int // 16 MiB
}

// Metrics is told what happens on the sockets. Calls come from many goroutines and must not block.
type Metrics interface {
	ConnectionOpened(listener string)
	ConnectionClosed(listener string)
	ConnectionRefused(listener string) // by a limit
	Received(listener string, key, version int16, bytes int)
	Sent(listener string, key, version int16, bytes int, sinceReceived time.Duration)
	Unsupported(listener string, key, version int16)
	Malformed(listener string)
}

type noMetrics struct{}

func (noMetrics) ConnectionOpened(string)                       {}
func (noMetrics) ConnectionClosed(string)                       {}
func (noMetrics) ConnectionRefused(string)                      {}
func (noMetrics) Received(string, int16, int16, int)            {}
func (noMetrics) Sent(string, int16, int16, int, time.Duration) {}
func (noMetrics) Unsupported(string, int16, int16)              {}
func (noMetrics) Malformed(string)                              {}

func (c Config) withDefaults() Config {
	if c.Table == (wire.Table{}) {
		c.Table = wire.Served
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	setDefault(&c.MaxRequestBytes, 100<<20)
	setDefault(&c.MaxQueuedBytes, 128<<20)
	setDefault(&c.MaxRequestBytesBeforeAuth, 512<<10)
	setDefault(&c.MaxQueuedBytesBeforeAuth, 64<<20)
	setDefault(&c.IdleTimeout, 10*time.Minute)
	setDefault(&c.RequestTimeout, 30*time.Second)
	setDefault(&c.WriteTimeout, 30*time.Second)
	setDefault(&c.ShutdownTimeout, 10*time.Second)
	setDefault(&c.MaxInFlight, 64)
	setDefault(&c.MaxInFlightBytes, 16<<20)
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Validate returns every fault of the configuration at once.
func (c Config) Validate() error {
	var errs []error
	if len(c.Listeners) == 0 {
		errs = append(errs, errors.New("listeners: there is none"))
	}
	names := map[string]bool{}
	for _, l := range c.Listeners {
		switch {
		case l.Name == "":
			errs = append(errs, errors.New("listeners: one has no name"))
		case names[l.Name]:
			errs = append(errs, fmt.Errorf("listeners: %s is there twice", l.Name))
		}
		names[l.Name] = true
		if l.Address == "" && l.Listener == nil {
			errs = append(errs, fmt.Errorf("listeners: %s has no address", l.Name))
		}
		switch l.Protocol {
		case "", Plaintext, SSL, SASLPlaintext, SASLSSL:
		default:
			errs = append(errs, fmt.Errorf("listeners: %s has the unknown protocol %q", l.Name, l.Protocol))
		}
	}
	for _, limit := range []struct {
		key   string
		value int64
	}{
		{"socket.request.max.bytes", int64(c.MaxRequestBytes)},
		{"queued.max.request.bytes", c.MaxQueuedBytes},
		{"max.connections", int64(c.MaxConnections)},
		{"max.connections.per.ip", int64(c.MaxConnectionsPerIP)},
		{"sasl.server.max.receive.size", int64(c.MaxRequestBytesBeforeAuth)},
		{"mainstem.preauth.max.bytes", c.MaxQueuedBytesBeforeAuth},
	} {
		if limit.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is below 0", limit.key, limit.value))
		}
	}
	return errors.Join(errs...)
}
