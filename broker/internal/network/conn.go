package network

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one connection of a client or of another broker.
type Conn struct {
	id       string
	listener *listener
	server   *Server
	raw      net.Conn // as accepted: deadlines and closing
	socket   net.Conn // as the listener's Upgrade left it: reading and writing
	local    net.Addr
	remote   net.Addr
	opened   time.Time

	ctx    context.Context //nolint:containedctx // the connection's life, which Exchange.Context hands out
	cancel context.CancelFunc

	in  reader // the reading goroutine's
	out writer // of whoever has set writing

	hangup     atomic.Bool  // an answer will close the connection: nothing more is read
	draining   atomic.Bool  // the server is shutting down
	authed     atomic.Bool  // past SASL, or needs none
	tokens     atomic.Bool  // frames are bare SASL tokens
	mutedUntil atomic.Int64 // Unix nanoseconds
	answered   atomic.Int64 // when the last answer had left, Unix nanoseconds; 0 before the first

	room chan struct{} // something was answered, for a reading goroutine that waits for room

	mu            sync.Mutex // guards the fields below
	head, tail    *Exchange  // requests not yet answered, in order
	inFlight      int        // requests whose answer has not left
	inFlightBytes int        // of requests not yet answered
	handling      bool       // the reading goroutine is busy and will write what is ready before it waits
	writing       bool       // somebody is writing
	closed        bool
	softwareName  string
	softwareVer   string
	session       any
}

// ID is local address, remote address and a number that no other connection of this process has.
func (c *Conn) ID() string { return c.id }

// ListenerName is the name of the listener that accepted the connection.
func (c *Conn) ListenerName() string { return c.listener.Name }

// Protocol is that listener's security protocol.
func (c *Conn) Protocol() SecurityProtocol { return c.listener.Protocol }

func (c *Conn) RemoteAddr() net.Addr { return c.remote }
func (c *Conn) LocalAddr() net.Addr  { return c.local }

// Opened is when the connection was accepted.
func (c *Conn) Opened() time.Time { return c.opened }

// Socket is the connection below the frames, for the state of its TLS. To be called from Handle; nobody else reads,
// writes or closes it.
func (c *Conn) Socket() net.Conn { return c.socket }

// SetSoftware keeps what ApiVersions told about the client (WIRE-12).
func (c *Conn) SetSoftware(name, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.softwareName, c.softwareVer = name, version
}

// Software returns name and version of the client, empty when it did not tell.
func (c *Conn) Software() (name, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.softwareName, c.softwareVer
}

// SetSession puts something of the handler's beside the connection: its principal, its SASL state.
func (c *Conn) SetSession(s any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
}

// Session returns what SetSession was given last.
func (c *Conn) Session() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Authenticated lifts the limits that hold on a SASL listener before authentication (WIRE-5).
func (c *Conn) Authenticated() { c.authed.Store(true) }

// ExpectTokens says whether the frames from the next one on are bare SASL tokens without headers, as they are behind a
// SaslHandshake of version 0. To be called from Handle, before the answer.
func (c *Conn) ExpectTokens(on bool) { c.tokens.Store(on) }

// InFlight is the number of requests whose answer has not left.
func (c *Conn) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inFlight
}

// Close hangs up at once, whatever is in flight.
func (c *Conn) Close(reason error) { c.close(reason) }

func (c *Conn) mute(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		was := c.mutedUntil.Load()
		if was >= until || c.mutedUntil.CompareAndSwap(was, until) {
			return
		}
	}
}

// serve is the reading goroutine: it lives as long as the connection.
func (c *Conn) serve() {
	err := c.upgrade()
	for err == nil {
		err = c.next()
	}
	switch {
	case errors.Is(err, errHangup):
		c.handOver()
		<-c.ctx.Done() // the writer gets there
	case errors.Is(err, errDraining):
		c.drained()
	}
	c.close(err)
}

func (c *Conn) upgrade() error {
	up := c.listener.Upgrade
	if up == nil {
		return nil
	}
	if err := c.raw.SetDeadline(time.Now().Add(c.server.cfg.RequestTimeout)); err != nil {
		return err
	}
	secured, err := up(c.raw)
	if err != nil {
		return &handshakeError{err}
	}
	c.socket = secured
	return c.raw.SetDeadline(time.Time{})
}

// next reads one request and has it handled.
func (c *Conn) next() error {
	if c.hangup.Load() {
		return errHangup
	}
	if err := c.unmuted(); err != nil {
		return err
	}
	f, err := c.readFrame()
	if err != nil {
		var malformed *frameError
		if errors.As(err, &malformed) {
			return c.refuse(&Exchange{Conn: c}, err)
		}
		return err
	}
	x := &Exchange{Conn: c, frame: f, received: time.Now()}
	if err := c.parse(x); err != nil {
		return c.refuse(x, err)
	}
	if c.hangup.Load() {
		f.free()
		return errHangup
	}
	c.server.cfg.Metrics.Received(c.listener.Name, x.Request.Key, x.Request.Version, x.Request.Size)
	c.enqueue(x)
	c.server.handler.Handle(x)
	return nil
}

// parse reads the header and runs the guard, so that what a handler decodes is sound. What the decoded message will take
// beside its bytes is charged too, so that the budget bounds memory and not only input.
func (c *Conn) parse(x *Exchange) error {
	r := &x.Request
	if c.tokens.Load() {
		x.Token = true
		r.Key, r.Body, r.Size = -1, x.frame.b, len(x.frame.b)
		return nil
	}
	r.ClientID = c.in.clientID
	if err := r.Parse(x.frame.b, c.server.cfg.Table); err != nil {
		return err
	}
	c.in.clientID = r.ClientID
	if !c.server.cfg.Table.Supported(r.Key, r.Version) {
		return nil // ApiVersions of a version we do not know: its handler answers without decoding (KIP-511)
	}
	if err := r.Check(); err != nil {
		return err
	}
	if extra := int64(r.DecodedSize()); extra > freeDecodedBytes && x.frame.budget != nil {
		x.frame.budget.force(extra)
		x.frame.charged += extra
	}
	return nil
}

// freeDecodedBytes is what a request may decode to without being charged.
const freeDecodedBytes = 64 << 10

// refuse puts the end of the connection behind the answers that are still due.
func (c *Conn) refuse(x *Exchange, err error) error {
	c.enqueue(x)
	x.Close(err)
	return errHangup
}

func (c *Conn) enqueue(x *Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tail == nil {
		c.head = x
	} else {
		c.tail.next = x
	}
	c.tail = x
	c.inFlight++
	c.inFlightBytes += x.Request.Size
	c.handling = true
}
