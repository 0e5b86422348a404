package api

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/security"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// Cluster is the controller as the APIs see it.
type Cluster interface {
	Image() *metadata.Image
	// Submit answers when the decision is durable and published; its error is retriable: no quorum, or ctx ended.
	Submit(ctx context.Context, ev cluster.Event) (cluster.Reply, error)
	Status() controller.Status
}

// Storage is what DescribeLogDirs reads.
type Storage interface {
	Dirs() []commitlog.DirState
	Logs() []*commitlog.Log
}

// Config is what a Server needs; every field but Gate, Observe and Validator is required.
type Config struct {
	Self         int32
	Cluster      Cluster
	Storage      Storage
	Replicas     *replica.Replicas
	Groups       Groups
	Transactions Transactions
	Static       *config.Static
	Broker       func() *config.Broker // the layers of configuration in force
	Now          func() time.Time
	Logger       *slog.Logger
	Gate         *security.Gate // who may enter and what they may do; nil: everybody, everything
	Observe      func(Event)    // counts what happens; nil: nobody does
	Validator    Validator      // of records against schemas; nil: there is none
}

// Event is one thing that happened to records, for metrics. It is small and passed by value.
type Event struct {
	Topic   string
	Kind    EventKind
	Records int
	Bytes   int
}

// EventKind says what an Event counts.
type EventKind uint8

const (
	Produced EventKind = iota
	ProduceFailed
	Fetched
	FetchFailed
	Rejected // by validation
	Screened // held against schemas
	SchemaRejected
	SchemaBuried // written to a dead-letter topic
	SchemaWarned // appended all the same
)

// Server answers requests. Make it with New.
type Server struct {
	Config
	table      wire.Table
	authorizer *security.Authorizer // of Gate; nil: everything is allowed
	quotas     *security.Quotas     // of Gate; nil: there are none
	sessions   *sessionCache
	ids        idBlock
	warnings   warnings    // about records that pass no schema
	draining   atomic.Bool // nobody waits any more: long polls are answered with what they have
}

// New makes a server. It starts nothing.
func New(cfg Config) *Server {
	if cfg.Observe == nil {
		cfg.Observe = func(Event) {}
	}
	s := &Server{
		Config:   cfg,
		table:    wire.Served.Only(func(key int16) bool { _, ok := handlers[key]; return ok }),
		sessions: newSessionCache(int(cfg.Static.Int("max.incremental.fetch.session.cache.slots")), cfg.Now),
	}
	if cfg.Gate != nil {
		s.authorizer, s.quotas = cfg.Gate.Authorizer, cfg.Gate.Quotas
	}
	return s
}

// Table is what this server serves: the network reads headers by it.
func (s *Server) Table() wire.Table { return s.table }

// Drain ends every long poll, now and from now on, so that a stop need not wait for them.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.Replicas.WakeReaders()
}

// Handle answers one request, now or later.
func (s *Server) Handle(x *network.Exchange) {
	if !s.admitted(x) {
		return
	}
	r := &x.Request
	if r.Key == wire.KeyApiVersions && !s.table.Supported(r.Key, r.Version) {
		s.unknownApiVersions(x)
		return
	}
	req, err := r.Decode()
	if err != nil {
		x.Close(err)
		return
	}
	if s.quotas != nil && s.quotas.Active() {
		s.timed(x, func() { handlers[r.Key](s, x, req) })
		return
	}
	handlers[r.Key](s, x, req)
}

// handler answers one decoded request.
type handler func(s *Server, x *network.Exchange, req kmsg.Request)

// typed fits an API's method into the table.
func typed[R kmsg.Request](h func(*Server, *network.Exchange, R)) handler {
	return func(s *Server, x *network.Exchange, req kmsg.Request) { h(s, x, req.(R)) }
}

// absent is the answer for a partition that this broker does not have, although it may be its own: then its log could
// not be opened (Kafka's offline partition).
func (s *Server) absent(t *metadata.Topic, index int32) *kerr.Error {
	if p := t.Partition(index); p != nil && slices.Contains(p.Replicas, s.Self) {
		return kerr.KafkaStorageError
	}
	return kerr.UnknownTopicOrPartition
}

// longestWait bounds what a client may ask for: 10,000 partitions on a slow disk take minutes.
const longestWait = 10 * time.Minute

// within bounds a call to the controller by the request's own timeout, or request.timeout.ms.
func (s *Server) within(x *network.Exchange, millis int32) (context.Context, context.CancelFunc) {
	d := time.Duration(millis) * time.Millisecond
	if d <= 0 {
		d = s.Static.Milliseconds("request.timeout.ms")
	}
	d = min(d, longestWait)
	return context.WithTimeout(x.Context(), d)
}
