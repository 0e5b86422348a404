package network

import (
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pipeBytes is what each direction of a pipe holds before writing blocks, as a socket's buffers do.
const pipeBytes = 64 << 10

// PipeListener is a listener in memory: no ports, and everything in it blocks in a way that testing/synctest sees.
type PipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
	dialed   atomic.Int64
}

var (
	_ net.Listener = (*PipeListener)(nil)
	_ net.Conn     = (*pipeConn)(nil)
)

// NewPipeListener makes one. Give it to Config.Listeners and dial it.
func NewPipeListener() *PipeListener {
	return &PipeListener{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects, as soon as the other side accepts.
func (l *PipeListener) Dial(ctx context.Context) (net.Conn, error) {
	client := pipeAddr("pipe-client-" + strconv.FormatInt(l.dialed.Add(1), 10))
	near, far := newPipe(client, l.Addr())
	select {
	case l.accepted <- far:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: l.Addr(), Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: l.Addr(), Err: ctx.Err()}
	}
}

// Accept waits for Dial.
func (l *PipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; connections stay.
func (l *PipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the same for all of them.
func (l *PipeListener) Addr() net.Addr { return pipeAddr("pipe") }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// pipeConn is one end of two streams.
type pipeConn struct {
	in, out       *stream
	local, remote net.Addr
}

func newPipe(a, b net.Addr) (near, far *pipeConn) {
	ab, ba := newStream(), newStream()
	return &pipeConn{in: ba, out: ab, local: a, remote: b}, &pipeConn{in: ab, out: ba, local: b, remote: a}
}

func (p *pipeConn) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipeConn) Write(b []byte) (int, error) { return p.out.write(b) }
func (p *pipeConn) LocalAddr() net.Addr         { return p.local }
func (p *pipeConn) RemoteAddr() net.Addr        { return p.remote }

// Close ends both directions; the peer still reads what was written.
func (p *pipeConn) Close() error {
	p.in.close(true)
	p.out.close(false)
	return nil
}

func (p *pipeConn) SetDeadline(t time.Time) error {
	p.in.readLimit.set(p.in, t)
	p.out.writeLimit.set(p.out, t)
	return nil
}

func (p *pipeConn) SetReadDeadline(t time.Time) error {
	p.in.readLimit.set(p.in, t)
	return nil
}

func (p *pipeConn) SetWriteDeadline(t time.Time) error {
	p.out.writeLimit.set(p.out, t)
	return nil
}

// stream is one direction.
type stream struct {
	mu         sync.Mutex // guards the fields below
	changed    *sync.Cond
	buf        []byte
	noReader   bool
	noWriter   bool
	readLimit  limit
	writeLimit limit
}

// limit is a deadline, guarded by the stream's lock.
type limit struct {
	passed  bool
	timer   *time.Timer
	setting int // counts them, so that a timer that lost its race does nothing
}

func newStream() *stream {
	s := new(stream)
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.noReader:
			return 0, io.ErrClosedPipe
		case s.readLimit.passed:
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(b, s.buf)
			s.buf = s.buf[:copy(s.buf, s.buf[n:])]
			s.changed.Broadcast()
			return n, nil
		case s.noWriter:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.noWriter || s.noReader:
			return n, io.ErrClosedPipe
		case s.writeLimit.passed:
			return n, os.ErrDeadlineExceeded
		}
		if room := min(pipeBytes-len(s.buf), len(b)); room > 0 {
			s.buf = append(s.buf, b[:room]...)
			b, n = b[room:], n+room
			s.changed.Broadcast()
		}
		if len(b) == 0 {
			return n, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) close(reader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reader {
		s.noReader = true
	} else {
		s.noWriter = true
	}
	s.readLimit.stop()
	s.writeLimit.stop()
	s.changed.Broadcast()
}

func (l *limit) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// set makes t the deadline, none when it is zero.
func (l *limit) set(s *stream, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.stop()
	l.setting++
	now := l.setting
	wait := time.Until(t)
	l.passed = !t.IsZero() && wait <= 0
	if !t.IsZero() && wait > 0 {
		l.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if l.setting == now {
				l.passed = true
				s.changed.Broadcast()
			}
		})
	}
	s.changed.Broadcast()
}
