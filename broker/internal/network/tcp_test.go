package network

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What synctest shows on pipes, the kernel's sockets must do as well.

func TestTCPAnswersStayInOrderUnderLoad(t *testing.T) {
	s := serveTCP(t, Config{MaxInFlight: 16}, handlerFunc(func(x *Exchange) {
		switch rand.IntN(3) {
		case 0:
			x.Respond(kmsg.NewPtrMetadataResponse())
		case 1:
			go x.RespondRaw(net.Buffers{make([]byte, rand.IntN(100<<10))}, nil)
		case 2:
			time.AfterFunc(time.Duration(rand.IntN(200))*time.Microsecond, func() { x.Respond(kmsg.NewPtrMetadataResponse()) })
		}
	}))
	var clients sync.WaitGroup
	for range 8 {
		c := s.dial(t)
		clients.Go(func() {
			go func() {
				for i := range int32(500) {
					request := metadataOf("t")
					if i%10 == 0 {
						request = produceOf(1, make([]byte, rand.IntN(300<<10)))
					}
					if _, err := c.Write(encode(request, i)); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			for i := range int32(500) {
				b, err := c.receive()
				if err != nil || int32(b[2])<<8|int32(b[3]) != i {
					t.Errorf("answer %d: %x, %v", i, b[:min(4, len(b))], err)
					return
				}
			}
		})
	}
	clients.Wait()
	if left := s.memory.free.Load(); left != s.cfg.MaxQueuedBytes {
		t.Errorf("%d bytes were not given back", s.cfg.MaxQueuedBytes-left)
	}
}

func TestTCPClientThatNeverReadsIsCutOff(t *testing.T) {
	s := serveTCP(t, Config{WriteTimeout: 200 * time.Millisecond}, handlerFunc(func(x *Exchange) {
		x.RespondRaw(net.Buffers{make([]byte, 8<<20)}, nil)
	}))
	c := s.dial(t)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := c.Write(encode(metadataOf("t"), 1)); err != nil {
				return
			}
		}
	}()
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Error("it is still served")
	}
}

func TestTCPShutdownHangsUpEverywhere(t *testing.T) {
	s := serveTCP(t, Config{}, echo)
	var clients []client
	for i := range int32(20) {
		c := s.dial(t)
		c.send(encode(apiVersions(), i))
		c.correlation()
		clients = append(clients, c)
	}
	clients[0].send(encode(produceOf(1, make([]byte, 100)), 1)[:50]) // half a request does not hold it up
	started := time.Now()
	s.stop()
	if d := time.Since(started); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	for _, c := range clients {
		if !c.isClosed() {
			t.Error("still open")
		}
	}
	if _, err := net.Dial("tcp", s.Addr("TCP").String()); err == nil {
		t.Error("still listening")
	}
}
