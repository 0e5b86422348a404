package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	readAhead = 4 << 10  // held while idle; some forty small requests fit
	readStep  = 64 << 10 // a buffer starts with that, and a step must come within RequestTimeout (WIRE-4, WIRE-7)
	slowest   = 64 << 10 // bytes a second that a long request must come with on the whole

	longestTrusted = 4 << 20
)

var (
	errHangup   = errors.New("an answer ends the connection")
	errDraining = errors.New("the server is shutting down")
	errIdle     = errors.New("the connection was idle for too long")
	errSlow     = errors.New("the rest of a request did not come in time")
)

// frameError is a length that no frame has.
type frameError struct{ length, max int }

func (e *frameError) Error() string {
	return fmt.Sprintf("a frame of %d bytes is not between 0 and %d", e.length, e.max)
}

// reader is what the reading goroutine keeps between frames.
type reader struct {
	buf      []byte // read but not yet used: buf[from:to]
	from, to int
	clientID *string // of the last request
	trusted  int     // bytes of the last frame: a peer that sent so many may have a buffer for so many at once

	armed    armed
	deadline time.Time // as set on the socket
	came     int       // bytes since it was set
	frameEnd time.Time // when the frame being read has to be whole
}

// armed is what the deadline on the socket is for.
type armed uint8

const (
	notArmed armed = iota
	forIdle
	forRest // of a request
)

func (r *reader) buffered() int { return r.to - r.from }

// readFrame returns the next frame without its length.
func (c *Conn) readFrame() (*frame, error) {
	n, err := c.readLength()
	if err != nil {
		return nil, err
	}
	if err := c.waitForRoom(n); err != nil {
		return nil, err
	}
	r := &c.in
	first := n
	if n > max(r.trusted, readStep) {
		first = readStep
	}
	f, err := c.buffer(first)
	if err != nil {
		return nil, err
	}
	have := copy(f.b[:min(n, cap(f.b))], r.buf[r.from:r.to])
	f.b = f.b[:have]
	r.from += have
	if have < n {
		f, err = c.readRest(f, n)
	}
	if err != nil {
		f.free()
		return nil, err
	}
	r.trusted = min(n, longestTrusted)
	return f, nil
}

func (c *Conn) readLength() (int, error) {
	r := &c.in
	if r.from == r.to {
		r.from, r.to = 0, 0
	}
	for r.buffered() < 4 {
		if len(r.buf)-r.from < 4 {
			r.to = copy(r.buf, r.buf[r.from:r.to])
			r.from = 0
		}
		n, err := c.read(r.buf[r.to:], r.buffered() == 0)
		if err != nil {
			return 0, err
		}
		r.to += n
	}
	n := int(int32(binary.BigEndian.Uint32(r.buf[r.from:])))
	limit := c.server.cfg.MaxRequestBytes
	if !c.authed.Load() {
		limit = min(limit, c.server.cfg.MaxRequestBytesBeforeAuth)
	}
	if n < 0 || n > limit || n == 0 && !c.tokens.Load() {
		return 0, &frameError{n, limit}
	}
	r.from += 4
	return n, nil
}

// buffer returns a frame for n bytes, charged to the budget of all connections.
func (c *Conn) buffer(n int) (*frame, error) {
	b := c.budget()
	f := newFrame(n)
	charge := int64(cap(f.b))
	if !b.tryTake(charge) {
		c.handOver()
		if err := b.take(c.ctx, &claim{n: charge}); err != nil {
			f.free()
			return nil, err
		}
	}
	f.budget, f.charged = b, charge
	return f, nil
}

func (c *Conn) budget() *budget {
	if c.authed.Load() {
		return c.server.memory
	}
	return c.server.memoryBeforeAuth
}

// readRest reads straight into the frame until it has n bytes. The frame grows to at most twice what came. It returns
// the frame also with an error.
func (c *Conn) readRest(f *frame, n int) (*frame, error) {
	r := &c.in
	r.frameEnd = time.Now().Add(c.server.cfg.RequestTimeout + time.Duration(n)*time.Second/slowest)
	defer func() { r.frameEnd = time.Time{} }()
	for len(f.b) < n {
		if len(f.b) == cap(f.b) {
			next := min(2*cap(f.b), n)
			if err := c.takeMore(f, int64(capFor(next))-int64(cap(f.b))); err != nil {
				return f, err
			}
			f = f.grow(next)
		}
		got, err := c.read(f.b[len(f.b):min(n, cap(f.b))], false)
		f.b = f.b[:len(f.b)+got]
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// takeMore charges a half-read frame for more. The time it waits is not the peer's.
func (c *Conn) takeMore(f *frame, n int64) error {
	if !f.budget.tryTake(n) {
		c.handOver()
		started := time.Now()
		more := &claim{n: n, half: true, overdraft: f.overdraft}
		if err := f.budget.take(c.ctx, more); err != nil {
			return err
		}
		f.overdraft = more.overdraft
		c.in.frameEnd = c.in.frameEnd.Add(time.Since(started))
		c.in.armed = notArmed
	}
	f.charged += n
	return nil
}

// read reads what there is. Idle says that nothing of a request has come yet.
func (c *Conn) read(p []byte, idle bool) (int, error) {
	c.handOver()
	for {
		if err := c.arm(idle); err != nil {
			return 0, err
		}
		n, err := c.socket.Read(p)
		if n > 0 {
			c.in.came += n
			return n, nil
		}
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		case c.draining.Load():
			return 0, errDraining
		case !idle:
			return 0, errSlow
		case c.InFlight() == 0:
			return 0, errIdle
		default:
			c.in.armed = notArmed // a long poll is not idleness
		}
	}
}

// arm sets the deadline of the next read. One that is nearly right stays: a busy connection sets one a minute and not one
// a request.
func (c *Conn) arm(idle bool) error {
	r, cfg, now := &c.in, &c.server.cfg, time.Now()
	var want time.Time
	kind := forRest
	switch {
	case !idle:
		if r.armed == forRest && r.came < readStep {
			return nil
		}
		want = now.Add(cfg.RequestTimeout)
		if !r.frameEnd.IsZero() && r.frameEnd.Before(want) {
			want = r.frameEnd
		}
	case cfg.IdleTimeout < 0:
		if kind = forIdle; r.armed == forIdle {
			return nil
		}
	default:
		kind, want = forIdle, now.Add(cfg.IdleTimeout)
		if r.armed == forIdle && want.Sub(r.deadline) <= cfg.IdleTimeout/8 {
			return nil
		}
	}
	r.armed, r.deadline, r.came = kind, want, 0
	if err := c.raw.SetReadDeadline(want); err != nil {
		return err
	}
	// Whoever drains sets its flag first and the deadline then: the flag is seen here, or the deadline stays.
	if c.draining.Load() {
		return errDraining
	}
	return nil
}
