package network

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var errEnough = errors.New("enough")

// A last answer comes late, behind those that are due, and ends the connection; what was sent meanwhile is not read.
func TestALastAnswerComesLateAndEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handled := 0
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			if handled++; handled == 1 {
				echo(x)
				return
			}
			req, err := x.Request.Decode()
			if err != nil {
				t.Error(err)
			}
			x.RespondLast(time.Second, req.ResponseKind(), errEnough)
		}))
		c := s.dial(t)
		began := time.Now()
		c.send(encode(apiVersions(), 1), encode(apiVersions(), 2), encode(apiVersions(), 3))
		if got := c.correlation(); got != 1 || time.Since(began) != 0 {
			t.Errorf("answer %d after %v", got, time.Since(began))
		}
		if got := c.correlation(); got != 2 || time.Since(began) != time.Second {
			t.Errorf("answer %d after %v", got, time.Since(began))
		}
		if !c.isClosed() || handled != 2 {
			t.Errorf("%d requests were handled", handled)
		}
	})
}

func TestCloseAfterAnswersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) { x.CloseAfter(time.Second, errEnough) }))
		c := s.dial(t)
		began := time.Now()
		c.send(encode(apiVersions(), 1))
		if !c.isClosed() || time.Since(began) != time.Second {
			t.Errorf("closed after %v", time.Since(began))
		}
	})
}

// A client that leaves during the delay leaves nothing behind: goleak would find it.
func TestAClientThatDoesNotWaitForItsLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) { x.RespondLast(time.Minute, kmsg.NewPtrApiVersionsResponse(), errEnough) }))
		c := s.dial(t)
		c.send(encode(apiVersions(), 1))
		synctest.Wait()
		c.Close()
		time.Sleep(2 * time.Minute)
	})
}

func TestThrottleIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			x.Throttle(2 * time.Second)
			x.Throttle(time.Second) // the longest counts
			resp := kmsg.NewPtrApiVersionsResponse()
			resp.Version = 3
			x.Respond(resp)
		}))
		c := s.dial(t)
		began := time.Now()
		c.send(encode(apiVersions(), 1), encode(apiVersions(), 2))
		for want := range 2 {
			b, err := c.receive()
			if err != nil {
				t.Fatal(err)
			}
			resp := kmsg.NewPtrApiVersionsResponse()
			resp.Version = 3
			if err := resp.ReadFrom(b[4:]); err != nil || resp.ThrottleMillis != 2000 {
				t.Errorf("throttle %d, %v", resp.ThrottleMillis, err)
			}
			if took := time.Since(began); took != time.Duration(want)*2*time.Second {
				t.Errorf("answer %d after %v", want+1, took)
			}
		}
	})
}

func TestAListenerHasItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		narrow, wide := NewPipeListener(), NewPipeListener()
		s := serve(t, Config{Listeners: []Listener{{Name: "NARROW", Listener: narrow, MaxConnections: 1}, {Name: "WIDE", Listener: wide}}}, echo)
		for _, l := range []*PipeListener{narrow, narrow, wide, wide, wide} { // a third one of narrow would wait to be accepted
			s.pipe = l
			s.dial(t)
		}
		time.Sleep(time.Minute)
		if n := len(s.Conns()); n != 4 {
			t.Errorf("%d connections are served, want one and three", n)
		}
	})
}

// A refused connection is not served, keeps its place for a while, and is closed then (KIP-612).
func TestARefusedConnectionIsClosedLate(t *testing.T) {
	s := serveTCP(t, Config{Admit: func(netip.Addr) (refuse, pause time.Duration) { return 100 * time.Millisecond, 0 }}, echo)
	c := s.dial(t)
	began := time.Now()
	c.send(encode(apiVersions(), 1))
	if !c.isClosed() || time.Since(began) < 90*time.Millisecond {
		t.Errorf("closed after %v", time.Since(began))
	}
}

// layer is a connection under another one, as TLS: it must be written to step by step.
type layer struct {
	net.Conn
	longest int
}

func (l *layer) Write(p []byte) (int, error) {
	l.longest = max(l.longest, len(p))
	return l.Conn.Write(p)
}

func TestAnswersThroughALayerGoInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pieces := net.Buffers{[]byte("small"), nil, make([]byte, 100_000), []byte("s"), make([]byte, secureStep), []byte("end")}
		total := 0
		for i, p := range pieces {
			for j := range p {
				if len(p) > 10 {
					p[j] = byte(i + j)
				}
			}
			total += len(p)
		}
		secured := &layer{}
		pipe := NewPipeListener()
		s := serve(t, Config{WriteTimeout: time.Second, Listeners: []Listener{{Name: "L", Listener: pipe, Upgrade: func(c net.Conn) (net.Conn, error) {
			secured.Conn = c
			return secured, nil
		}}}}, handlerFunc(func(x *Exchange) {
			body := append(net.Buffers{}, pieces...)
			x.RespondRaw(body, nil)
		}))
		s.pipe = pipe
		c := s.dial(t)
		c.send(encode(apiVersions(), 1))
		b, err := c.receive()
		if err != nil || len(b) != 4+total {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		rest := b[4:]
		for i, p := range pieces {
			if string(rest[:len(p)]) != string(p) {
				t.Fatalf("piece %d is another", i)
			}
			rest = rest[len(p):]
		}
		synctest.Wait()
		if secured.longest > secureStep {
			t.Errorf("%d bytes were written at once", secured.longest)
		}
	})
}
