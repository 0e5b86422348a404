package marker

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// Coordinators hosts the transaction coordinators of this broker.
type Coordinators interface {
	Submit(partition int32, ev txn.Event, done func(reply any, err error))
}

// Partition is what a marker is appended to. *replica.Partition is one.
type Partition interface {
	Append(batch []byte, acks replica.Acks, params commitlog.AppendParams, ack replica.Ack) (commitlog.Appended, error)
}

// Config is what a Writer needs.
type Config struct {
	Coordinators Coordinators
	OffsetsTopic string
	// Partition finds a partition; gone says that the cluster has none of that name, nil without it that it is not here.
	Partition func(topic string, index int32) (p Partition, gone bool)
	// Offsets writes a marker into a partition of OffsetsTopic.
	Offsets func(partition int32, m record.Marker, raised bool, done func(error))
	Now     func() time.Time
	Logger  *slog.Logger
}

// Writer writes the markers of the transactions that this broker coordinates. Make it with New.
type Writer struct {
	cfg Config

	mu      sync.Mutex // guards the fields below
	ctx     context.Context
	led     map[int32]*leadership
	leading map[int32]int32 // partition to leader epoch, also before Run
	running sync.WaitGroup
}

// leadership is this broker's of one partition in one epoch.
type leadership struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when all of it has ended
}

// New makes a writer. It starts nothing.
func New(cfg Config) *Writer {
	return &Writer{cfg: cfg, led: map[int32]*leadership{}, leading: map[int32]int32{}}
}

// Run lets the writer work until ctx ends.
func (w *Writer) Run(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	for _, p := range slices.Sorted(maps.Keys(w.leading)) {
		w.start(p)
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.ctx = nil
	w.mu.Unlock()
	w.running.Wait()
	return nil
}

// Lead tells that this broker coordinates a partition in an epoch.
func (w *Writer) Lead(partition, epoch int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.leading[partition]; ok && known >= epoch {
		return
	}
	w.leading[partition] = epoch
	w.start(partition)
}

// Resign tells that it does not any more.
func (w *Writer) Resign(partition int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.leading, partition)
	if l := w.led[partition]; l != nil {
		l.cancel() // stays in led: the next leadership waits for its end
	}
}

// Shards lists the partitions that are led.
func (w *Writer) Shards() []int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.leading))
}

// start begins a leadership behind the one before. The caller holds mu.
func (w *Writer) start(partition int32) {
	if w.ctx == nil {
		return
	}
	before := w.led[partition]
	if before != nil {
		before.cancel()
	}
	ctx, cancel := context.WithCancel(w.ctx)
	l := &leadership{cancel: cancel, ended: make(chan struct{})}
	w.led[partition] = l
	s := &shard{cfg: &w.cfg, partition: partition, epoch: w.leading[partition], active: map[string]bool{}}
	w.running.Go(func() {
		defer close(l.ended)
		defer cancel()
		if before != nil {
			<-before.ended
		}
		s.run(ctx)
	})
}
