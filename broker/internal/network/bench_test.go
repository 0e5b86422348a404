package network

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
)

// skipUnderRace skips what measures memory: the race detector adds its own, and makes pools forget.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector changes what is measured")
	}
}

// answerOf is a handler that decodes nothing: what is left is the network.
func answerOf(body []byte) Handler {
	return handlerFunc(func(x *Exchange) { x.RespondRaw(net.Buffers{body}, nil) })
}

func skipFrame(r *bufio.Reader) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	_, err := r.Discard(int(binary.BigEndian.Uint32(length[:])))
	return err
}

func benchmark(b *testing.B, h Handler, request []byte, pipelined int) {
	s := serveTCP(b, Config{}, h)
	c := s.dial(b)
	r := bufio.NewReaderSize(c, 64<<10)
	var batch []byte
	for range pipelined {
		batch = append(batch, request...)
	}
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for sent := 0; b.Loop(); sent++ {
		if sent%pipelined == 0 {
			c.send(batch)
			for range pipelined {
				if err := skipFrame(r); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

func BenchmarkSmallRequest(b *testing.B) {
	benchmark(b, answerOf([]byte("a small answer")), encode(metadataOf("a-topic"), 1), 1)
}

func BenchmarkSmallRequestPipelined16(b *testing.B) {
	benchmark(b, answerOf([]byte("a small answer")), encode(metadataOf("a-topic"), 1), 16)
}

func BenchmarkSmallRequestDecodedAndEncoded(b *testing.B) {
	benchmark(b, echo, encode(metadataOf("a-topic"), 1), 1)
}

func BenchmarkSmallRequestAnsweredByAnotherGoroutine(b *testing.B) {
	requests := make(chan *Exchange)
	go func() {
		for x := range requests {
			x.RespondRaw(net.Buffers{[]byte("a small answer")}, nil)
		}
	}()
	defer close(requests)
	benchmark(b, handlerFunc(func(x *Exchange) { requests <- x }), encode(metadataOf("a-topic"), 1), 1)
}

func BenchmarkProduce16K(b *testing.B) {
	benchmark(b, answerOf([]byte("a small answer")), encode(produceOf(1, make([]byte, 16<<10)), 1), 1)
}

func BenchmarkProduce1M(b *testing.B) {
	benchmark(b, answerOf([]byte("a small answer")), encode(produceOf(1, make([]byte, 1<<20)), 1), 1)
}

func BenchmarkFetch1M(b *testing.B) {
	benchmark(b, answerOf(make([]byte, 1<<20)), encode(metadataOf("a-topic"), 1), 1)
}

func TestSmallRequestAllocatesItsExchangeAndLittleElse(t *testing.T) {
	skipUnderRace(t)
	body := net.Buffers{[]byte("a small answer")}
	s := serveTCP(t, Config{}, handlerFunc(func(x *Exchange) { x.RespondRaw(body, nil) }))
	c := s.dial(t)
	request, got := encode(metadataOf("a-topic"), 1), make([]byte, 4+5+len(body[0]))
	n := testing.AllocsPerRun(500, func() {
		c.send(request)
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
	})
	if n > 2 {
		t.Errorf("a request takes %v allocations", n)
	}
}

func TestAStreamOfLargeProduceRequestsAllocatesNothingLarge(t *testing.T) {
	skipUnderRace(t)
	s := serveTCP(t, Config{}, echo)
	c := s.dial(t)
	request := encode(produceOf(1, make([]byte, 1<<20)), 1)
	once := func() {
		c.send(request)
		c.correlation()
	}
	for range 5 {
		once()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		once()
	}
	runtime.ReadMemStats(&after)
	if perRequest := (after.TotalAlloc - before.TotalAlloc) / 100; perRequest > 16<<10 {
		t.Errorf("a request of 1 MiB takes %d bytes", perRequest)
	}
}

func TestIdleConnectionsAreSmall(t *testing.T) {
	skipUnderRace(t)
	const n = 500
	s := serveTCP(t, Config{}, echo)
	measure := func() uint64 {
		runtime.GC()
		runtime.GC() // stacks shrink in one and pools empty in two
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := measure()
	clients := make([]client, n)
	produce := encode(produceOf(1, make([]byte, 200<<10)), 2)
	for i := range clients {
		clients[i] = s.dial(t)
		clients[i].send(encode(metadataOf("t"), 1), produce)
		clients[i].correlation()
		clients[i].correlation()
	}
	perConnection := (measure() - before) / n
	t.Logf("%d bytes a connection, the client's half included", perConnection)
	if perConnection > 16<<10 {
		t.Errorf("an idle connection takes %d bytes", perConnection)
	}
}
