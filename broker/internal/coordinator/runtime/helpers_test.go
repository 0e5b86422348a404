package runtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// counter is a machine that adds numbers up. Its events: "add", "sum", "tick" (a timer that adds 100), "hold" (waits),
// "release" (answers those that wait), "sleep", "big" (more than a batch may hold), and published "world:..." strings.
type counter struct {
	sum     int64
	pending map[int64]int64
	held    []coordinator.Ticket
	world   string
}

type event struct {
	do string
	n  int64
}

type effects = coordinator.Effects[int64]

var tick = coordinator.TimerKey{Kind: "tick"}

func (c *counter) Decide(_ time.Time, t coordinator.Ticket, ev event) effects {
	switch ev.do {
	case "add":
		return effects{Records: []int64{ev.n}, Reply: c.sum + ev.n}
	case "add-in-transaction":
		return effects{Records: []int64{ev.n}, Producer: &coordinator.Producer{ID: 7}, Reply: c.sum}
	case "sum":
		return effects{Reply: c.sum}
	case "world":
		return effects{Reply: c.world}
	case "set-timer":
		return effects{Reply: true, Timers: []coordinator.Timer{{Key: tick, After: time.Duration(ev.n)}}}
	case "tick":
		return effects{Records: []int64{100}}
	case "hold":
		c.held = append(c.held, t)
		return effects{}
	case "release":
		e := effects{Reply: true}
		for _, t := range c.held {
			e.Answers = append(e.Answers, coordinator.Answer{To: t, Reply: "released"})
		}
		c.held = nil
		return e
	case "sleep":
		time.Sleep(time.Duration(ev.n))
		return effects{Reply: true}
	case "big":
		return effects{Records: make([]int64, 1<<17)}
	default:
		c.world = ev.do
		return effects{}
	}
}

func (c *counter) Apply(n int64)                                { c.sum += n }
func (c *counter) Loaded(time.Time) effects                     { return effects{} }
func (c *counter) Fired(key coordinator.TimerKey) event         { return event{do: key.Kind} }
func (c *counter) ApplyPending(p coordinator.Producer, n int64) { c.pending[p.ID] += n }

func (c *counter) EndTransaction(p coordinator.Producer, commit bool) {
	if commit {
		c.sum += c.pending[p.ID]
	}
	delete(c.pending, p.ID)
}

func (c *counter) Encode(n int64) (key, value []byte) {
	return []byte("n"), binary.BigEndian.AppendUint64(nil, uint64(n))
}

func (c *counter) Decode(_, value []byte) (int64, bool, error) {
	if len(value) != 8 {
		return 0, false, fmt.Errorf("value of %d bytes", len(value))
	}
	return int64(binary.BigEndian.Uint64(value)), true, nil
}

// world is a runtime over one partition on a disk in memory.
type world struct {
	*Runtime[event, int64]
	t      *testing.T
	store  *commitlog.Store
	broken atomic.Bool // appends fail
	stop   func()
}

// fragile is a partition whose appends can be made to fail.
type fragile struct {
	*replica.Partition
	broken *atomic.Bool
}

var errBroken = errors.New("broken on purpose")

func (f fragile) Append(batch []byte, acks replica.Acks, params commitlog.AppendParams, ack replica.Ack) (commitlog.Appended, error) {
	if f.broken.Load() {
		return commitlog.Appended{}, errBroken
	}
	return f.Partition.Append(batch, acks, params, ack)
}

func start(t *testing.T, fsys vfs.FS, maxQueue int) *world {
	t.Helper()
	store, err := commitlog.Open(commitlog.Config{
		FS: fsys, Dirs: []string{"/data"}, NodeID: 1, ClusterID: "cluster-0123456789abcd", JournalFileBytes: 1 << 20, CheckpointInterval: time.Hour,
		RetentionInterval: time.Hour, HighWatermarkEvery: time.Hour, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: store}
	replicas := replica.New(1, store, slog.New(slog.DiscardHandler))
	w.Runtime = New(Config[event, int64]{
		Topic: "sums", MaxQueue: maxQueue, Logger: slog.New(slog.DiscardHandler),
		Machine: func(int32) coordinator.Machine[event, int64] { return &counter{pending: map[int64]int64{}} },
		Partition: func(index int32) Partition {
			if p := replicas.Partition("sums", index); p != nil {
				return fragile{p, &w.broken}
			}
			return nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2) // one value each from the store and the runtime
	go func() { ended <- store.Run(ctx) }()
	topic := &metadata.Topic{Name: "sums", ID: metadata.UUID{1}, Partitions: []*metadata.Partition{{Replicas: []int32{1}, ISR: []int32{1}, Leader: 1, LeaderEpoch: 1}}}
	cfg := &config.Topic{MaxMessageBytes: 1 << 20, SegmentBytes: 1 << 20, SegmentIndexBytes: 1 << 16, IndexInterval: 4096, MinInsyncReplicas: 1, Compact: true}
	if err := replicas.Apply(replica.Change{Topics: []*metadata.Topic{topic}}, func(*metadata.Topic) *config.Topic { return cfg }); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- w.Run(ctx) }()
	w.stop = func() {
		cancel()
		<-ended
		<-ended
	}
	w.Lead(0, 1)
	return w
}

// do submits an event and waits for its reply, again while the coordinator loads.
func (w *world) do(do string, n int64) any {
	w.t.Helper()
	for range 1000 {
		reply, err := w.try(do, n)
		if err == nil {
			return reply
		}
		if !errors.Is(err, ErrLoading) && !errors.Is(err, ErrNotCoordinator) {
			w.t.Fatalf("%s %d: %v", do, n, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%s %d: the coordinator never got ready", do, n)
	return nil
}

func (w *world) try(do string, n int64) (any, error) {
	type answer struct {
		reply any
		err   error
	}
	c := make(chan answer, 1) // one reply
	w.Submit(0, event{do, n}, func(reply any, err error) { c <- answer{reply, err} })
	a := <-c
	return a.reply, a.err
}

func (w *world) want(got, want any) {
	w.t.Helper()
	if got != want {
		w.t.Fatalf("got %v, want %v", got, want)
	}
}
