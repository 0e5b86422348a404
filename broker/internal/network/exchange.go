package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// Handler answers requests.
type Handler interface {
	// Handle is called with the requests of one connection in order, from its reading goroutine. It returns soon: what
	// waits answers later, from any goroutine. Answers leave in request order.
	Handle(x *Exchange)
}

// Exchange is a request and the place of its answer. Exactly one of Respond, RespondRaw, Skip and Close is called,
// exactly once; a second call panics. Until then Request.Body, and every slice of it, is valid; afterwards its memory
// belongs to another request.
type Exchange struct {
	Request wire.Request // its body has passed the guard
	Conn    *Conn

	// Token says that Request has only Body and Size: a bare SASL token (see Conn.ExpectTokens). Its answer is RespondRaw,
	// which then writes no header either.
	Token bool

	frame    *frame
	received time.Time
	throttle time.Duration // that the client is told

	// The answer. Its fields are written before state leaves pending, and then belong to whoever writes.
	head    *frame // length, header and, from Respond, the body
	body    net.Buffers
	release func()
	reason  error // of closing, or of hanging up behind the answer
	size    int

	state state     // guarded by Conn.mu
	next  *Exchange // guarded by Conn.mu
}

// state goes from pending to one of the others, once.
type state uint8

const (
	pending  state = iota
	answered       // there is something to write
	skipped        // there is nothing to write
	closing        // the connection ends here
)

// Context ends with the connection.
func (x *Exchange) Context() context.Context { return x.Conn.ctx }

// Respond answers with r in r's own version. R is encoded before Respond returns, so it may hold slices of the request.
func (x *Exchange) Respond(r kmsg.Response) {
	s := x.Conn.server
	if t, ok := r.(kmsg.SetThrottleResponse); ok && x.throttle > 0 {
		t.SetThrottle(x.ThrottleMillis())
	}
	f := newFrame(s.responseSize(x.Request.Key))
	b := wire.AppendResponseHeader(f.b[:4], r.Key(), r.GetVersion(), x.Request.CorrelationID)
	f.b = r.AppendTo(b)
	x.size = len(f.b)
	binary.BigEndian.PutUint32(f.b, uint32(len(f.b)-4))
	s.noteResponseSize(x.Request.Key, len(f.b))
	x.head = f
	x.finish(answered)
}

// RespondRaw answers with a body that is encoded already, in the request's version. Its buffers are written as they are
// and must not change before release is called, which happens exactly once: after the write, or when the connection is
// gone. They must not be slices of the request. Release may be nil; it must not block.
func (x *Exchange) RespondRaw(body net.Buffers, release func()) {
	f := newFrame(16)
	f.b = f.b[:4]
	if !x.Token {
		f.b = wire.AppendResponseHeader(f.b, x.Request.Key, x.Request.Version, x.Request.CorrelationID)
	}
	x.size = len(f.b)
	for _, b := range body {
		x.size += len(b)
	}
	binary.BigEndian.PutUint32(f.b, uint32(x.size-4))
	x.head, x.body, x.release = f, body, release
	x.finish(answered)
}

// Skip answers nothing: produce with acks=0 has no response frame (APP-9).
func (x *Exchange) Skip() { x.finish(skipped) }

// Close hangs up once the answers before this one have left. The reason is counted and logged.
func (x *Exchange) Close(reason error) {
	x.reason = reason
	x.Conn.hangup.Store(true)
	x.finish(closing)
}

// Throttle holds a client back: Respond tells it for how long, and the connection is not read for that time from now on, so
// that the client is held to what it was told after its answer has left (KIP-219). Of several times the longest counts. To
// be called before the answer, by one goroutine at a time.
func (x *Exchange) Throttle(d time.Duration) {
	if d > x.throttle {
		x.throttle = d
		x.Conn.mute(d)
	}
}

// ThrottleMillis is what an answer that is not given by Respond has to tell.
func (x *Exchange) ThrottleMillis() int32 {
	return int32(min(x.throttle.Milliseconds(), 1<<31-1))
}

// finish frees the request and hands the answer to whoever writes.
func (x *Exchange) finish(s state) {
	c := x.Conn
	c.mu.Lock()
	if x.state != pending {
		c.mu.Unlock()
		panic(fmt.Sprintf("network: request %d (key %d) of %s is answered twice", x.Request.CorrelationID, x.Request.Key, c.id))
	}
	x.state = s
	gone := c.closed
	write := !gone && x == c.head && !c.writing && !c.handling
	if write {
		// The reading goroutine lives until the connection is closed, so Run waits: adding is safe.
		c.writing = true
		c.server.running.Add(1)
	}
	c.inFlightBytes -= x.Request.Size
	c.mu.Unlock()

	x.frame.free()
	x.frame, x.Request.Body = nil, nil
	switch {
	case gone:
		x.releaseAnswer()
	case write:
		go func() {
			defer c.server.running.Done()
			c.flush()
		}()
	default:
		c.signalRoom()
	}
}

// releaseAnswer gives back what the answer held, written or not.
func (x *Exchange) releaseAnswer() {
	x.head.free()
	x.head, x.body = nil, nil
	if release := x.release; release != nil {
		x.release = nil
		release()
	}
}
