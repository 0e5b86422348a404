package network

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handlerFunc is a Handler.
type handlerFunc func(x *Exchange)

func (f handlerFunc) Handle(x *Exchange) { f(x) }

// echo answers at once with an empty answer of the request's kind.
var echo = handlerFunc(func(x *Exchange) {
	req, err := x.Request.Decode()
	if err != nil {
		x.Close(err)
		return
	}
	if produce, ok := req.(*kmsg.ProduceRequest); ok && produce.Acks == 0 {
		x.Skip()
		return
	}
	x.Respond(req.ResponseKind())
})

// server is a running Server; its cleanup stops it and waits.
type server struct {
	*Server
	pipe *PipeListener
	stop func()
}

// serve runs a server on a pipe. The test may be in a synctest bubble.
func serve(t testing.TB, cfg Config, h Handler) *server {
	t.Helper()
	s := &server{pipe: NewPipeListener()}
	if cfg.Listeners == nil {
		cfg.Listeners = []Listener{{Name: "PIPE", Listener: s.pipe}}
	}
	run(t, s, cfg, h)
	return s
}

// serveTCP runs a server on the loopback interface.
func serveTCP(t testing.TB, cfg Config, h Handler) *server {
	t.Helper()
	s := new(server)
	cfg.Listeners = []Listener{{Name: "TCP", Address: "127.0.0.1:0"}}
	run(t, s, cfg, h)
	return s
}

func run(t testing.TB, s *server, cfg Config, h Handler) {
	t.Helper()
	var err error
	if s.Server, err = New(cfg, h); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	var once sync.Once
	s.stop = func() {
		once.Do(cancel)
		<-done
	}
	t.Cleanup(s.stop)
}

// client speaks frames.
type client struct {
	net.Conn
	t testing.TB
}

func (s *server) dial(t testing.TB) client {
	t.Helper()
	var c net.Conn
	var err error
	if s.pipe != nil {
		c, err = s.pipe.Dial(context.Background())
	} else {
		c, err = net.Dial("tcp", s.Addr("TCP").String())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return client{c, t}
}

var formatter = kmsg.NewRequestFormatter(kmsg.FormatterClientID("test"))

// encode returns the frame of a request.
func encode(r kmsg.Request, correlation int32) []byte {
	return formatter.AppendRequest(nil, r, correlation)
}

func apiVersions() kmsg.Request {
	r := kmsg.NewPtrApiVersionsRequest()
	r.Version, r.ClientSoftwareName, r.ClientSoftwareVersion = 3, "a", "1"
	return r
}

func metadataOf(topics ...string) kmsg.Request {
	r := kmsg.NewPtrMetadataRequest()
	r.Version = 12
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		r.Topics = append(r.Topics, topic)
	}
	return r
}

func produceOf(acks int16, records []byte) kmsg.Request {
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 9, acks, 1000
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: records}}}}
	return r
}

func (c client) send(frames ...[]byte) {
	c.t.Helper()
	for _, f := range frames {
		if _, err := c.Write(f); err != nil {
			c.t.Fatal(err)
		}
	}
}

// receive reads one frame.
func (c client) receive() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(c, b)
	return b, err
}

// correlation reads one frame and returns its correlation id.
func (c client) correlation() int32 {
	c.t.Helper()
	b, err := c.receive()
	if err != nil {
		c.t.Fatalf("read an answer: %v", err)
	}
	return int32(binary.BigEndian.Uint32(b))
}

// isClosed reads until the other side hangs up; it fails when an answer comes.
func (c client) isClosed() bool {
	b, err := c.receive()
	if err == nil {
		c.t.Errorf("an answer came: %x", b)
		return false
	}
	var timeout net.Error
	return !(errors.As(err, &timeout) && timeout.Timeout())
}

// counts is a Metrics.
type counts struct {
	mu                                        sync.Mutex
	opened, closed, refused, received, sent   int
	malformed, unsupported, bytesIn, bytesOut int
}

func (m *counts) add(n *int, by int) {
	m.mu.Lock()
	*n += by
	m.mu.Unlock()
}

func (m *counts) get(n *int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *n
}

func (m *counts) ConnectionOpened(string)              { m.add(&m.opened, 1) }
func (m *counts) ConnectionClosed(string)              { m.add(&m.closed, 1) }
func (m *counts) ConnectionRefused(string)             { m.add(&m.refused, 1) }
func (m *counts) Unsupported(_ string, _, _ int16)     { m.add(&m.unsupported, 1) }
func (m *counts) Malformed(string)                     { m.add(&m.malformed, 1) }
func (m *counts) Received(_ string, _, _ int16, n int) { m.add(&m.received, 1); m.add(&m.bytesIn, n) }
func (m *counts) Sent(_ string, _, _ int16, n int, _ time.Duration) {
	m.add(&m.sent, 1)
	m.add(&m.bytesOut, n)
}
