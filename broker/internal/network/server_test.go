package network

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAnswersLeaveInTheOrderOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Every request is answered after a time of its own, the first ones last.
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			go func() {
				time.Sleep(time.Duration(20-x.Request.CorrelationID) * time.Second)
				x.Respond(kmsg.NewPtrMetadataResponse())
			}()
		}))
		c := s.dial(t)
		for i := range int32(20) {
			c.send(encode(metadataOf("t"), i))
		}
		for i := range int32(20) {
			if got := c.correlation(); got != i {
				t.Fatalf("answer %d has correlation id %d", i, got)
			}
		}
	})
}

func TestMixedEndsOfExchangesKeepTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var released sync.WaitGroup
		released.Add(100)
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			end := func() {
				switch x.Request.CorrelationID % 4 {
				case 0, 1:
					x.Respond(kmsg.NewPtrMetadataResponse())
				case 2:
					x.Skip()
				case 3:
					x.RespondRaw(net.Buffers{[]byte("one"), []byte("two")}, released.Done)
				}
			}
			if x.Request.CorrelationID%3 == 0 {
				go end()
			} else {
				end()
			}
		}))
		c := s.dial(t)
		go func() {
			for i := range int32(400) {
				c.Write(encode(metadataOf("t"), i))
			}
		}()
		for i := range int32(400) {
			if i%4 == 2 {
				continue
			}
			if got := c.correlation(); got != i {
				t.Fatalf("want the answer to %d, got that to %d", i, got)
			}
		}
		released.Wait()
	})
}

func TestRawAnswerStandsBehindTheHeader(t *testing.T) {
	s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
		x.RespondRaw(net.Buffers{[]byte("re"), []byte("cords")}, nil)
	}))
	c := s.dial(t)
	c.send(encode(metadataOf("t"), 7))
	got, err := c.receive()
	if want := append([]byte{0, 0, 0, 7, 0}, "records"...); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestASecondAnswerPanics(t *testing.T) {
	caught := make(chan any, 1)
	s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
		defer func() { caught <- recover() }()
		x.Skip()
		x.Skip()
	}))
	s.dial(t).send(encode(metadataOf("t"), 7))
	if <-caught == nil {
		t.Error("no panic")
	}
}

func TestCloseComesBehindEarlierAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(counts)
		s := serve(t, Config{Metrics: m}, handlerFunc(func(x *Exchange) {
			switch x.Request.CorrelationID {
			case 0:
				time.AfterFunc(time.Second, func() { x.Respond(kmsg.NewPtrMetadataResponse()) })
			case 1:
				x.Close(&frameError{})
			default:
				t.Error("a request behind the end was handled")
				x.Skip()
			}
		}))
		c := s.dial(t)
		c.send(slices.Concat(encode(metadataOf(), 0), encode(metadataOf(), 1), encode(metadataOf(), 2)))
		if got := c.correlation(); got != 0 {
			t.Errorf("got %d", got)
		}
		if !c.isClosed() {
			t.Error("still open")
		}
		synctest.Wait()
		if m.get(&m.malformed) != 1 || m.get(&m.closed) != 1 {
			t.Errorf("counted %+v", m)
		}
	})
}

func TestThrottledClientIsAnsweredFirstAndMutedThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
			if x.Request.CorrelationID == 0 {
				x.Throttle(time.Minute)
			}
			x.Respond(kmsg.NewPtrMetadataResponse())
		}))
		c := s.dial(t)
		started := time.Now()
		c.send(encode(metadataOf(), 0), encode(metadataOf(), 1))
		c.correlation()
		if d := time.Since(started); d != 0 {
			t.Errorf("the answer took %v", d)
		}
		c.correlation()
		if d := time.Since(started); d != time.Minute {
			t.Errorf("the next one took %v", d)
		}
	})
}

func TestShutdownAnswersWhatIsInFlightAndReadsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, Config{ShutdownTimeout: 10 * time.Second}, handlerFunc(func(x *Exchange) {
			time.AfterFunc(5*time.Second, func() { x.Respond(kmsg.NewPtrMetadataResponse()) })
		}))
		busy, idle := s.dial(t), s.dial(t)
		busy.send(encode(metadataOf(), 0))
		synctest.Wait()
		started := time.Now()
		go s.stop()
		if !idle.isClosed() {
			t.Error("the idle connection is still open")
		}
		if d := time.Since(started); d != 0 {
			t.Errorf("the idle connection was closed after %v", d)
		}
		busy.Write(encode(metadataOf(), 1))
		if got := busy.correlation(); got != 0 {
			t.Errorf("got %d", got)
		}
		if !busy.isClosed() {
			t.Error("still open")
		}
		s.stop()
		if d := time.Since(started); d != 5*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestShutdownHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		s := serve(t, Config{ShutdownTimeout: 10 * time.Second}, handlerFunc(func(x *Exchange) {
			go func() {
				<-x.Context().Done()
				close(ended)
				x.Respond(kmsg.NewPtrMetadataResponse()) // too late, and no harm
			}()
		}))
		c := s.dial(t)
		c.send(encode(metadataOf(), 0))
		synctest.Wait()
		started := time.Now()
		s.stop()
		if d := time.Since(started); d != 10*time.Second {
			t.Errorf("it took %v", d)
		}
		<-ended
	})
}

func TestTokensHaveNoHeaders(t *testing.T) {
	s := serve(t, Config{}, handlerFunc(func(x *Exchange) {
		if x.Token {
			x.Conn.ExpectTokens(false)
			x.RespondRaw(net.Buffers{append([]byte("re: "), x.Request.Body...)}, nil)
			return
		}
		x.Conn.ExpectTokens(x.Request.Key == 17)
		echo(x)
	}))
	c := s.dial(t)
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	c.send(encode(handshake, 1), []byte{0, 0, 0, 2, 'h', 'i'}, encode(apiVersions(), 2))
	if got := c.correlation(); got != 1 {
		t.Errorf("got %d", got)
	}
	if got, err := c.receive(); string(got) != "re: hi" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := c.correlation(); got != 2 {
		t.Errorf("got %d", got)
	}
}
