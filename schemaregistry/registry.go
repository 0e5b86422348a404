package schemaregistry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/rest"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// Config is what a registry needs.
type Config struct {
	Brokers           []string   // of any Kafka, host:port
	Client            []kgo.Opt  // security of the connection to it
	Listener          string     // host:port for HTTP; default :8081
	Topic             string     // default _schemas
	ReplicationFactor int16      // of the topic when it is made; default -1, the broker's
	Compatibility     string     // for who has set none; default BACKWARD
	Security          Security   // of the listener; the zero value lets everybody in
	Validator         *Validator // of a broker in this process, which is fed; nil: there is none
	Logger            *slog.Logger
}

// Registry is a schema registry. Make it with New.
type Registry struct {
	cfg      Config
	logger   *slog.Logger
	listener net.Listener
	guard    *access.Guard // nil: everybody may do everything
	log      *topicLog

	ready      atomic.Bool   // the log was read to where it ended at the start
	generation atomic.Uint64 // counts what was applied

	mu    sync.RWMutex // guards state: the log's follower writes it
	state *store.State
}

// maxBody bounds a request.
const maxBody = 16 << 20

// ErrListen says that the address is taken, or cannot be.
var ErrListen = errors.New("the schema registry cannot listen")

// New checks the configuration and binds the listener. It starts nothing.
func New(cfg Config) (*Registry, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("a schema registry needs brokers")
	}
	if cfg.Listener == "" {
		cfg.Listener = ":8081"
	}
	if cfg.Topic == "" {
		cfg.Topic = "_schemas"
	}
	if cfg.ReplicationFactor == 0 {
		cfg.ReplicationFactor = -1
	}
	if cfg.Compatibility == "" {
		cfg.Compatibility = "BACKWARD"
	}
	r := &Registry{cfg: cfg, logger: cfg.Logger, state: store.New(cfg.Compatibility)}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if r.guard, err = cfg.Security.guard(); err != nil {
		return nil, fmt.Errorf("the security of the schema registry: %w", err)
	}
	if r.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.Listener); err != nil {
		return nil, fmt.Errorf("%w on %s: %w", ErrListen, cfg.Listener, err)
	}
	if cfg.Security.TLS != nil {
		r.listener = tls.NewListener(r.listener, cfg.Security.TLS)
	}
	r.log = newTopicLog(cfg, r.logger, r.apply, r.reserve)
	if cfg.Validator != nil {
		cfg.Validator.registry.Store(r)
	}
	return r, nil
}

// Addr is where it listens, host:port.
func (r *Registry) Addr() string { return r.listener.Addr().String() }

// Run serves until ctx ends, and waits until all that it started has ended.
func (r *Registry) Run(ctx context.Context) error {
	defer r.log.close()
	if err := r.run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (r *Registry) run(ctx context.Context) error {
	if err := r.log.ensure(ctx); err != nil {
		return errors.Join(err, r.listener.Close())
	}
	if err := r.log.start(); err != nil {
		return errors.Join(err, r.listener.Close())
	}
	server := &http.Server{
		Handler: http.MaxBytesHandler(rest.Handler(r, r.guard), maxBody), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.log.follow(gctx) })
	g.Go(func() error {
		if err := r.log.catchUp(gctx, r.log.reader); err != nil { // who asks before waits in the listener's queue
			return errors.Join(err, r.listener.Close())
		}
		r.ready.Store(true)
		r.logger.Info("schema registry is ready", "address", r.Addr(), "topic", r.cfg.Topic)
		if err := server.Serve(r.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", r.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(stop)
	})
	return g.Wait()
}

func (r *Registry) apply(rec store.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.generation.Add(1)
	if err := r.state.Apply(rec); err != nil {
		r.logger.Warn("a record of the schemas topic is skipped", "error", err)
	}
}

func (r *Registry) reserve(rec store.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Reserve(rec)
}

// View lets ask look at the state. When it answers that something is not there, the log is read to its end and it looks once
// more: another registry may have written it (registry.md 9.2).
func (r *Registry) View(ctx context.Context, ask func(s *store.State) error) error {
	look := func() error {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return ask(r.state)
	}
	err := look()
	var e *store.Error
	if !errors.As(err, &e) || e.Code < 40400 || e.Code > 40499 {
		return err
	}
	if missed := r.log.catchUp(ctx, r.log.reader); missed != nil {
		return &store.Error{Code: 50001, Message: "Error in the backend data store: " + missed.Error()}
	}
	return look()
}

// Change lets decide say what is to be written, writes it, and answers when the state has it. A decision that was overtaken is
// taken again.
func (r *Registry) Change(ctx context.Context, decide func(s *store.State) ([]store.Record, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r.log.writing.Lock()
	defer r.log.writing.Unlock()
	var err error
	for range 5 {
		if err = r.log.lead(ctx); err != nil {
			break
		}
		var records []store.Record
		if err = r.View(ctx, func(s *store.State) (err error) { records, err = decide(s); return err }); err != nil || len(records) == 0 {
			return err
		}
		if err = r.log.append(ctx, records); !errors.Is(err, errStale) {
			break
		}
	}
	if err != nil {
		return &store.Error{Code: 50001, Message: "Error in the backend data store: " + err.Error()}
	}
	return nil
}
