package runtime

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Errors of Submit.
var (
	ErrNotCoordinator = errors.New("this broker is not the coordinator of the key")
	ErrLoading        = errors.New("the coordinator is loading")
	ErrBusy           = errors.New("the coordinator's queue is full")
	ErrTooLarge       = errors.New("the records of a decision are larger than a batch may be")
)

// Config is what a Runtime needs.
type Config[E, R any] struct {
	Topic     string
	Machine   func(partition int32) coordinator.Machine[E, R]
	Partition func(partition int32) Partition // the replica on this broker, or nil
	Codec     record.Codec                    // of the batches; None by default
	MaxQueue  int                             // events that may wait for a shard; 0 means 10,000
	Now       func() time.Time                // what machines are told; nil means time.Now
	Logger    *slog.Logger
}

// Runtime hosts the shards of one internal topic. Make it with New.
type Runtime[E, R any] struct {
	cfg Config[E, R]

	mu        sync.Mutex      // guards the fields below
	ctx       context.Context //nolint:containedctx // of Run: shards that are led later start under it
	shards    map[int32]*shard[E, R]
	leading   map[int32]int32 // partition to leader epoch, also before Run
	published *E              // the newest, for shards that load later
	running   sync.WaitGroup
}

// New makes a runtime without shards. It starts nothing.
func New[E, R any](cfg Config[E, R]) *Runtime[E, R] {
	if cfg.MaxQueue == 0 {
		cfg.MaxQueue = 10_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Runtime[E, R]{cfg: cfg, shards: map[int32]*shard[E, R]{}, leading: map[int32]int32{}}
}

// Run lets shards work until ctx ends. Partitions that were led before it are loaded now.
func (r *Runtime[E, R]) Run(ctx context.Context) error {
	r.mu.Lock()
	r.ctx = ctx
	for _, p := range r.led() {
		r.start(p)
	}
	r.mu.Unlock()
	<-ctx.Done()
	r.Drain()
	r.running.Wait()
	return nil
}

// Drain ends all shards, for good: whoever waits for a reply is told to look for another coordinator, so that a stop
// need not wait for joins.
func (r *Runtime[E, R]) Drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx = nil
	for _, p := range r.led() {
		r.stop(p)
	}
}

func (r *Runtime[E, R]) led() []int32 {
	out := make([]int32, 0, len(r.leading))
	for p := range r.leading {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// Lead tells that this broker leads a partition in an epoch. A later epoch loads it anew: somebody else may have
// written between.
func (r *Runtime[E, R]) Lead(partition, epoch int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.leading[partition]; ok && known >= epoch {
		return
	}
	r.stop(partition)
	r.leading[partition] = epoch
	r.start(partition)
}

// Resign tells that this broker does not lead a partition any more, or that the partition is gone.
func (r *Runtime[E, R]) Resign(partition int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.leading, partition)
	r.stop(partition)
}

// start begins a shard. The caller holds mu.
func (r *Runtime[E, R]) start(partition int32) {
	if r.ctx == nil || r.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	s := newShard(&r.cfg, partition, cancel)
	if r.published != nil {
		s.publish(*r.published)
	}
	r.shards[partition] = s
	r.running.Go(func() { s.run(ctx) })
}

func (r *Runtime[E, R]) stop(partition int32) {
	if s := r.shards[partition]; s != nil {
		s.cancel()
		delete(r.shards, partition)
	}
}

// Submit hands an event to a shard. Done is called once with the reply or with an error, from any goroutine and maybe
// before Submit returns; it must not block. A nil done waits for nothing.
func (r *Runtime[E, R]) Submit(partition int32, ev E, done func(reply any, err error)) {
	r.mu.Lock()
	s := r.shards[partition]
	r.mu.Unlock()
	err := ErrNotCoordinator
	if s != nil {
		err = s.submit(item[E]{event: ev, done: done})
	}
	if err != nil && done != nil {
		done(nil, err)
	}
}

// EndTransaction appends the marker that ends a producer's transaction in a partition and lets the machine know. Raised
// is commitlog.AppendParams.RaisedEpoch.
func (r *Runtime[E, R]) EndTransaction(partition int32, m record.Marker, raised bool, done func(err error)) {
	r.mu.Lock()
	s := r.shards[partition]
	r.mu.Unlock()
	err := ErrNotCoordinator
	if s != nil {
		err = s.submit(item[E]{marker: &m, raised: raised, done: func(_ any, err error) { done(err) }})
	}
	if err != nil {
		done(err)
	}
}

// Publish hands every shard, also those that load later, an event about the world that replaces the one before.
func (r *Runtime[E, R]) Publish(ev E) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = &ev
	for _, s := range r.shards {
		s.publish(ev)
	}
}

// Shards lists the partitions that are led, loaded or not.
func (r *Runtime[E, R]) Shards() []int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.led()
}
