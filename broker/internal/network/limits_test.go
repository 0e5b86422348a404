package network

import (
	"bytes"
	"context"
	"io"
	"math"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestIdleConnectionIsClosedButALongPollIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{IdleTimeout: time.Minute}, handlerFunc(func(x *Exchange) {
			time.AfterFunc(10*time.Minute, func() { x.Respond(kmsg.NewPtrMetadataResponse()) })
		}))
		idle, polling := s.dial(t), s.dial(t)
		polling.send(encode(metadataOf(), 1))
		started := time.Now()
		if !idle.isClosed() || time.Since(started) != time.Minute {
			t.Errorf("idle connection was closed after %v", time.Since(started))
		}
		if got := polling.correlation(); got != 1 || time.Since(started) != 10*time.Minute {
			t.Errorf("got %d after %v", got, time.Since(started))
		}
		if !polling.isClosed() || time.Since(started) > 12*time.Minute {
			t.Errorf("polling connection was closed after %v", time.Since(started))
		}
	})
}

func TestAByteASecondOnAThousandConnectionsBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, echo)
		request := encode(metadataOf("some", "topics"), 1)
		for range 1000 {
			slow := s.dial(t)
			go func() {
				for _, b := range append(request, make([]byte, 100)...) {
					if _, err := slow.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
		}
		time.Sleep(10 * time.Second)
		c := s.dial(t)
		started := time.Now()
		c.send(encode(apiVersions(), 5))
		if got := c.correlation(); got != 5 || time.Since(started) != 0 {
			t.Errorf("got %d after %v", got, time.Since(started))
		}
		time.Sleep(25 * time.Second)
		if n := len(s.Conns()); n != 1 {
			t.Errorf("%d connections are open; the slow ones had their 30 seconds", n)
		}
	})
}

func TestALongRequestMayBeSlowButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, echo)
		request := encode(produceOf(1, make([]byte, 1<<20)), 3)
		upload := func(c client, bytesPerSecond int) {
			for part := range slices.Chunk(request, bytesPerSecond) {
				if _, err := c.Write(part); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}
		var uploads sync.WaitGroup
		defer uploads.Wait()
		fair, slow := s.dial(t), s.dial(t)
		uploads.Go(func() { upload(fair, 32<<10) })
		if got := fair.correlation(); got != 3 {
			t.Errorf("got %d", got)
		}
		started := time.Now()
		uploads.Go(func() { upload(slow, 4<<10) }) // 64 KiB in 16 s, but 1 MiB in 256 s
		if !slow.isClosed() || time.Since(started) > time.Minute {
			t.Errorf("closed after %v", time.Since(started))
		}
	})
}

func TestAClientThatNeverReadsIsCutOffAndItsAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(counts)
		s := serve(t, Config{MaxInFlight: 8, Metrics: m}, handlerFunc(func(x *Exchange) {
			x.RespondRaw(net.Buffers{make([]byte, 50<<10)}, nil)
		}))
		c := s.dial(t)
		go func() {
			for {
				if _, err := c.Write(encode(metadataOf("t"), 1)); err != nil {
					return
				}
			}
		}()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := m.get(&m.received); n > 2+8+1 {
			t.Errorf("%d requests were handled for a client that reads nothing", n)
		}
		time.Sleep(45 * time.Second)
		if n := len(s.Conns()); n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

func TestAClientThatReadsSlowlyIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			x.RespondRaw(net.Buffers{make([]byte, 1<<20), []byte("end")}, nil)
		}))
		c := s.dial(t)
		c.send(encode(metadataOf("t"), 1))
		got := make([]byte, 0, 1<<20)
		for part := make([]byte, 32<<10); len(got) < 4+5+1<<20+3; time.Sleep(10 * time.Second) {
			n, err := c.Read(part)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, part[:n]...)
		}
		if !bytes.HasSuffix(got, []byte("end")) {
			t.Error("the end is missing")
		}
	})
}

func TestOnlySoManyRequestsAndBytesAreInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held []*Exchange
		s := serve(t, Config{MaxInFlight: 5, MaxInFlightBytes: 100 << 10}, handlerFunc(func(x *Exchange) { held = append(held, x) }))
		small, large := s.dial(t), s.dial(t)
		for range 9 {
			small.send(encode(metadataOf("t"), 1))
		}
		synctest.Wait()
		if len(held) != 5 {
			t.Errorf("%d requests are in flight", len(held))
		}
		for _, x := range held {
			x.Skip()
		}
		synctest.Wait()
		if len(held) != 9 {
			t.Errorf("%d requests came", len(held))
		}
		held = nil
		go func() {
			for range 3 { // each is above the bound and so alone
				large.Write(encode(produceOf(1, make([]byte, 110<<10)), 1))
			}
		}()
		synctest.Wait()
		for i := range 3 {
			if len(held) != i+1 {
				t.Fatalf("%d requests came, want %d", len(held), i+1)
			}
			held[i].Skip()
			synctest.Wait()
		}
	})
}

func TestMemoryOfAllRequestsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, clients = 300 << 10, 12
		held := make(chan *Exchange, clients)
		most := 0
		s := serve(t, Config{MaxQueuedBytes: 1 << 20}, handlerFunc(func(x *Exchange) { held <- x }))
		for range clients {
			c := s.dial(t)
			go c.Write(encode(produceOf(1, make([]byte, size)), 1))
		}
		for done := range clients {
			synctest.Wait()
			most = max(most, 1<<20-int(s.memory.free.Load()))
			select {
			case x := <-held:
				x.Skip()
			default:
				t.Fatalf("stuck after %d requests, %d bytes left", done, s.memory.free.Load())
			}
		}
		if most > 1<<20+2*size {
			t.Errorf("%d bytes were taken at once", most)
		}
		synctest.Wait()
		if left := s.memory.free.Load(); left != 1<<20 {
			t.Errorf("%d bytes are left of %d", left, 1<<20)
		}
	})
}

func TestHalfReadRequestsDoNotLockEachOtherOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{MaxQueuedBytes: 256 << 10}, echo)
		request := encode(produceOf(1, make([]byte, 600<<10)), 1)
		var clients []client
		for range 6 { // each gets its first buffer, and together they hold all there is
			c := s.dial(t)
			clients = append(clients, c)
			c.send(request[:60<<10])
		}
		synctest.Wait()
		for _, c := range clients {
			go c.Write(request[60<<10:])
		}
		for _, c := range clients {
			c.correlation()
		}
		synctest.Wait()
		if left := s.memory.free.Load(); left != 256<<10 {
			t.Errorf("%d bytes are left", left)
		}
	})
}

func TestGivenUpRequestsReturnTheirMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{MaxQueuedBytes: 128 << 10}, echo)
		request := encode(produceOf(1, make([]byte, 600<<10)), 1)
		for range 10 {
			c := s.dial(t)
			go func() {
				c.Write(request[:500<<10])
				time.Sleep(10 * time.Second)
				c.Close()
			}()
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if left := s.memory.free.Load(); left != 128<<10 || len(s.Conns()) != 0 {
			t.Errorf("%d bytes are left, %d connections", left, len(s.Conns()))
		}
	})
}

func TestBeforeAuthenticationLittleIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := NewPipeListener()
		s := serve(t, Config{Listeners: []Listener{{Name: "SASL", Protocol: SASLPlaintext, Listener: pipe}}},
			handlerFunc(func(x *Exchange) {
				if x.Request.Key == 36 {
					x.Conn.Authenticated()
				}
				echo(x)
			}))
		s.pipe = pipe
		large := encode(produceOf(1, make([]byte, 600<<10)), 9)
		refused := s.dial(t)
		refused.send(large[:1000])
		if !refused.isClosed() {
			t.Error("a request above 512 KiB was taken before authentication")
		}
		c := s.dial(t)
		authenticate := kmsg.NewPtrSASLAuthenticateRequest()
		authenticate.Version = 2
		c.send(encode(authenticate, 1))
		c.correlation()
		go c.Write(large)
		if got := c.correlation(); got != 9 {
			t.Errorf("got %d", got)
		}
	})
}

func TestConnectionsPerAddressAreLimited(t *testing.T) {
	m := new(counts)
	s := serveTCP(t, Config{MaxConnectionsPerIP: 2, Metrics: m}, echo)
	one, two := s.dial(t), s.dial(t)
	for i, c := range []client{one, two} {
		c.send(encode(apiVersions(), int32(i)))
		c.correlation()
	}
	if !s.dial(t).isClosed() {
		t.Error("the third connection is open")
	}
	one.Close()
	for deadline := time.Now().Add(5 * time.Second); len(s.Conns()) > 1 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	again := s.dial(t)
	again.send(encode(apiVersions(), 7))
	if got := again.correlation(); got != 7 {
		t.Errorf("got %d", got)
	}
	if n := m.get(&m.refused); n != 1 {
		t.Errorf("%d refused", n)
	}
}

func TestAtMaxConnectionsTheNextOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{MaxConnections: 1}, echo)
		one := s.dial(t)
		one.send(encode(apiVersions(), 1))
		one.correlation()
		two := s.dial(t)
		two.send(encode(apiVersions(), 2))
		time.Sleep(time.Minute)
		if n := len(s.Conns()); n != 1 {
			t.Errorf("%d connections are served", n)
		}
		one.Close()
		if got := two.correlation(); got != 2 {
			t.Errorf("got %d", got)
		}
	})
}

// outOfFiles is a listener of a process that has no descriptors left for a while.
type outOfFiles struct {
	*PipeListener
	failures int64
	calls    atomic.Int64
}

func (l *outOfFiles) Accept() (net.Conn, error) {
	if l.calls.Add(1) <= l.failures {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.PipeListener.Accept()
}

func TestAcceptBacksOffWithoutFileDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &outOfFiles{PipeListener: NewPipeListener(), failures: 20}
		s := serve(t, Config{Listeners: []Listener{{Name: "PIPE", Listener: l}}}, echo)
		s.pipe = l.PipeListener
		started := time.Now()
		c := s.dial(t)
		if d := time.Since(started); d < 10*time.Second || d > 20*time.Second {
			t.Errorf("20 failures took %v", d)
		}
		c.send(encode(apiVersions(), 2))
		if got := c.correlation(); got != 2 || l.calls.Load() > 22 {
			t.Errorf("got %d after %d calls", got, l.calls.Load())
		}
	})
}

func TestADeclaredLengthAllocatesNothing(t *testing.T) {
	least := uint64(math.MaxUint64)
	for range 3 { // the count is of the whole process: what others allocate meanwhile only adds to it
		s := serveTCP(t, Config{}, echo)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 50 {
			c := s.dial(t)
			c.send([]byte{6, 0, 0, 0, 0, 18, 0, 0}) // 96 MiB to come
		}
		for len(s.Conns()) < 50 || s.memory.free.Load() > s.cfg.MaxQueuedBytes-50*readStep {
			runtime.Gosched()
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 50*(readStep+32<<10) {
		t.Errorf("50 connections that promised 96 MiB each took %d bytes", least)
	}
}

func TestUpgradeWrapsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := NewPipeListener()
		s := serve(t, Config{Listeners: []Listener{{Name: "X", Listener: pipe, Upgrade: func(c net.Conn) (net.Conn, error) {
			var hello [2]byte
			_, err := io.ReadFull(c, hello[:])
			return c, err
		}}}}, echo)
		s.pipe = pipe
		c, silent := s.dial(t), s.dial(t)
		c.send([]byte("hi"), encode(apiVersions(), 2))
		if got := c.correlation(); got != 2 {
			t.Errorf("got %d", got)
		}
		started := time.Now()
		if !silent.isClosed() || time.Since(started) != 30*time.Second {
			t.Errorf("a handshake that never came was given %v", time.Since(started))
		}
	})
}

func TestConfigFaultsComeAtOnce(t *testing.T) {
	_, err := New(Config{MaxRequestBytes: -1, Listeners: []Listener{{Name: "A"}, {Name: "A", Address: "x", Protocol: "SMOKE"}, {}}}, echo)
	for _, want := range []string{"socket.request.max.bytes", "A has no address", "A is there twice", "SMOKE", "no name"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestDialEndsWithItsContextAndItsListener(t *testing.T) {
	l := NewPipeListener()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Dial(ctx); err == nil {
		t.Error("dialed with an ended context")
	}
	l.Close()
	if _, err := l.Dial(t.Context()); err == nil {
		t.Error("dialed a closed listener")
	}
}
