package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/api"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Errors that a start can fail with, besides a *Fault and those of the operating system.
var (
	ErrLocked      = vfs.ErrLocked            // another process uses the data directory
	ErrNewerFormat = commitlog.ErrNewerFormat // the data directory was written by a newer version
	ErrDamaged     = commitlog.ErrCorrupt     // the journal or a log is damaged below its end
	ErrOffline     = commitlog.ErrStorage     // a log directory failed
	errNotReady    = errors.New("the broker is starting: it recovers its logs")
	errStopping    = errors.New("the broker is stopping")
)

// Broker is one node. Make it with New, run it once with Run.
type Broker struct {
	cfg       Config
	static    *config.Static
	logger    *slog.Logger
	listeners []listener
	bound     []net.Listener
	metrics   *metrics
	guard     *guard
	ready     atomic.Pointer[error] // nil pointer: ready
	rooms     atomic.Pointer[rooms] // nil before they are built
}

// rooms are what Run builds.
type rooms struct {
	store      *commitlog.Store
	controller *controller.Controller
	state      *state
	replicas   *replica.Replicas
	groups     *groupRuntime
	txns       *transactions
	handler    *api.Server
	server     *network.Server
}

// New checks the configuration and binds the listeners; clients that connect before Run wait. It starts nothing else.
func New(cfg Config) (*Broker, error) {
	static, listeners, err := cfg.load()
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.disk == nil {
		cfg.disk = vfs.OS
	}
	if cfg.Listen == nil {
		cfg.Listen = func(_, address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		}
	}
	b := &Broker{cfg: cfg, static: static, logger: cfg.Logger, listeners: listeners, metrics: newMetrics()}
	if b.guard, err = newGuard(static, listeners, cfg.Logger, cfg.Now); err != nil {
		return nil, err
	}
	b.setReady(errNotReady)
	for _, l := range listeners {
		bound, err := cfg.Listen(l.name, l.address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listener %s://%s: %w", l.name, l.address, err), b.Close())
		}
		b.bound = append(b.bound, bound)
	}
	return b, nil
}

// Close gives back the listeners of a broker that is not run.
func (b *Broker) Close() error {
	var faults []error
	for _, l := range b.bound {
		faults = append(faults, l.Close())
	}
	return errors.Join(faults...)
}

// Addr is where the first listener is bound, host:port.
func (b *Broker) Addr() string { return b.bound[0].Addr().String() }

// Reload reads the key stores of all listeners again, for SIGHUP. Those that cannot be read stay as they are.
func (b *Broker) Reload() error { return b.guard.reload() }

// Setting is the static value of a configuration key.
func (b *Broker) Setting(key string) string { return b.static.String(key) }

// Ready answers nil while requests are served, else why they are not.
func (b *Broker) Ready() error {
	if err := b.ready.Load(); err != nil {
		return *err
	}
	return nil
}

func (b *Broker) setReady(err error) {
	if err == nil {
		b.ready.Store(nil)
		return
	}
	b.ready.Store(&err)
}

// Run recovers what is on disk and serves until ctx ends, then stops cleanly and answers nil; or it answers the error
// that keeps the broker from going on. It may be called once.
func (b *Broker) Run(ctx context.Context) error {
	started := time.Now()
	for _, name := range b.static.Ignored() {
		key, _ := config.BrokerKeys.Lookup(name)
		b.logger.Info("configuration key has no effect", "key", name, "reason", key.Reason)
	}
	store, err := commitlog.Open(b.storeConfig())
	if err != nil {
		return errors.Join(fmt.Errorf("open the data directories: %w", err), b.Close())
	}
	r, err := b.build(store)
	if err != nil {
		return errors.Join(err, store.Close(), b.Close())
	}
	b.rooms.Store(r)
	return b.serve(ctx, r, started)
}

// build makes the rooms around an open store. It starts nothing.
func (b *Broker) build(store *commitlog.Store) (*rooms, error) {
	static := b.static
	r := &rooms{store: store}
	var err error
	self := int32(static.Int("node.id"))
	r.controller, err = controller.New(controller.Config{
		NodeID: self, ClusterID: store.ClusterID(), Journal: store, FS: b.cfg.disk, Dir: b.metadataDir(),
		Cluster: cluster.Config{
			Configs:           configRules{b},
			DefaultPartitions: int32(static.Int("num.partitions")), DefaultReplicationFactor: int16(static.Int("default.replication.factor")),
			MinISR: b.setMinISR(), FlushOS: static.String("flush.policy") == "os",
			UncleanElection: static.Bool("unclean.leader.election.enable"),
		},
		SnapshotBytes: static.Int("metadata.log.max.record.bytes.between.snapshots"), Now: b.cfg.Now, Logger: b.logger,
	})
	if err != nil {
		return nil, err
	}
	if logs := store.Logs(); r.controller.Image().Offset < 0 && len(logs) > 0 {
		return nil, fmt.Errorf("%s holds no metadata log, but there are %d partitions in the data directories: restore %s, or start with an empty directory",
			b.metadataDir(), len(logs), controller.Directory)
	}
	r.replicas = replica.New(self, store, b.logger)
	r.state = newState(self, static, r.controller, r.replicas, store, b.logger)
	r.groups = b.newGroups(r.replicas, r.state.Config)
	r.txns = b.newTransactions(r.replicas, r.groups, r.state.Config)
	r.state.follow = func(next *metadata.Image) {
		leadPartitions(self, next.Topic(offsetsTopic), r.groups)
		r.groups.Publish(group.Image{Image: next})
		r.txns.follow(self, next)
	}
	r.state.guard = b.guard
	handler := api.New(api.Config{
		Self: self, Cluster: r.state, Storage: store, Replicas: r.replicas, Groups: r.groups, Transactions: r.txns, Static: static, Broker: r.state.Config,
		Now: b.cfg.Now, Logger: b.logger, Gate: b.guard.gate, Observe: b.metrics.observe, Validator: b.cfg.Validator,
	})
	r.handler, b.metrics.sessions = handler, handler.Sessions
	r.server, err = network.New(b.networkConfig(handler), handler)
	return r, err
}

// serve runs the rooms: started from the ground up, stopped from the top down.
func (b *Broker) serve(ctx context.Context, r *rooms, started time.Time) error {
	run, fail := context.WithCancelCause(ctx) // ends with ctx, or with the first room that fails
	defer fail(nil)
	floor := func(name string, do func(context.Context) error) (stop func() error) {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan error, 1) // one value: the room's end, read once
		go func() {
			err := do(own)
			if err != nil && own.Err() == nil {
				fail(fmt.Errorf("%s: %w", name, err))
			}
			done <- err
		}()
		return func() error { cancel(); return <-done }
	}
	stopStore := floor("log", r.store.Run)
	stopController := floor("controller", r.controller.Run)
	stopState := floor("metadata", r.state.run)
	stopGroups := floor("groups", r.groups.Run)
	stopTxns := floor("transactions", r.txns.Run)
	stopGuard := floor("security", func(ctx context.Context) error { return b.guard.run(ctx, r.state.Submit) })
	err := b.register(run, r)
	if err == nil {
		b.setReady(nil)
		b.logger.Info("broker is ready", "node", r.state.self, "cluster", r.store.ClusterID(), "address", b.Addr(), "took", time.Since(started).Round(time.Millisecond).String())
		undrain := context.AfterFunc(run, func() { r.handler.Drain(); r.groups.Drain(); r.txns.Drain() })
		err = r.server.Run(run)
		undrain()
	} else {
		r.server.Close()
	}
	b.setReady(errStopping)
	cause := context.Cause(run)
	stops := []error{err, stopGuard(), stopTxns(), stopGroups(), stopState(), stopController(), stopStore()}
	if cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if ctx.Err() != nil {
		for _, e := range stops[1:] {
			if e != nil && !errors.Is(e, context.Canceled) {
				return fmt.Errorf("stop: %w", e)
			}
		}
		b.logger.Info("broker has stopped cleanly")
		return nil
	}
	return errors.Join(stops...)
}

// register tells the controller that this broker is here, and waits until its partitions are open.
func (b *Broker) register(ctx context.Context, r *rooms) error {
	ctx, cancel := context.WithTimeout(ctx, b.static.Milliseconds("initial.broker.registration.timeout.ms"))
	defer cancel()
	self := metadata.Broker{
		ID: r.state.self, Incarnation: randomUUID(), Endpoints: endpoints(b.static, b.listeners, b.bound), Features: cluster.SupportedFeatures(),
	}
	if rack := b.static.String("broker.rack"); rack != "" {
		self.Rack = &rack
	}
	for _, d := range r.store.Dirs() {
		self.LogDirs = append(self.LogDirs, d.ID)
	}
	var unclean []cluster.TopicPartition
	for _, l := range r.store.Logs() {
		if l.Unclean() {
			unclean = append(unclean, cluster.TopicPartition{TopicID: l.TopicID(), Index: l.Partition().Index})
		}
	}
	if _, err := r.controller.Register(ctx, self, unclean); err != nil {
		return err
	}
	return r.state.wait(ctx, r.controller.Image().Offset)
}

func randomUUID() (id metadata.UUID) {
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}
