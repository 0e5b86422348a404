package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Directory is the directory of the metadata log in metadata.log.dir.
const Directory = "__cluster_metadata-0"

// Journal is what the controller needs of the store; *commitlog.Store is one.
type Journal interface {
	// AppendRaft enqueues one RAFT record; the channel yields once, when it is durable or failed.
	AppendRaft(payload []byte) <-chan error
	// ReplayedRaft is the RAFT records that recovery found, in order.
	ReplayedRaft() [][]byte
	// OnRaftCheckpoint sets what is called before RAFT records are released; they must be durable elsewhere when it returns nil.
	OnRaftCheckpoint(fn func() error)
}

// Transport takes messages to peers. Send must not block for long; what it loses raft sends again.
type Transport interface {
	Send(messages []quorum.Message)
}

// Config is what a Controller needs. The zero value of a field means the default in its comment.
type Config struct {
	NodeID        int32
	ClusterID     string
	Voters        []int32 // default: this node alone
	Journal       Journal
	FS            vfs.FS
	Dir           string         // metadata.log.dir; Directory is made in it
	Cluster       cluster.Config // NodeID is taken from above
	Transport     Transport      // default none: a single node has no peers
	Tick          time.Duration  // default 100 ms
	ElectionTicks int            // controller.quorum.election.timeout.ms in ticks; default 10
	SnapshotBytes int64          // metadata.log.max.record.bytes.between.snapshots; default 20,971,520
	Now           func() time.Time
	// NewTicker makes the clock of the loop, and what stops it; default time.NewTicker.
	NewTicker func(time.Duration) (<-chan time.Time, func())
	Logger    *slog.Logger
}

func (c Config) withDefaults() Config {
	if len(c.Voters) == 0 {
		c.Voters = []int32{c.NodeID}
	}
	if c.Tick == 0 {
		c.Tick = 100 * time.Millisecond
	}
	if c.SnapshotBytes == 0 {
		c.SnapshotBytes = 20 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewTicker == nil {
		c.NewTicker = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTicker(d)
			return t.C, t.Stop
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Cluster.NodeID = c.NodeID
	return c
}

// ErrStopped answers what came after the end of Run.
var ErrStopped = errors.New("the controller has stopped")

// ErrOutcomeUnknown answers an event whose records were proposed, but whose commitment this node did not see: it lost the
// leadership or stopped. They may become true or not; the caller reads again.
var ErrOutcomeUnknown = errors.New("the outcome is unknown")

// NotLeaderError answers an event at a node that does not lead the quorum: nothing happened.
type NotLeaderError struct {
	Leader int32 // -1: none known
}

func (e *NotLeaderError) Error() string {
	if e.Leader < 0 {
		return "the quorum has no leader"
	}
	return fmt.Sprintf("node %d leads the quorum", e.Leader)
}

// Controller is one node of the controller quorum.
type Controller struct {
	cfg       Config
	dir       string
	log       *slog.Logger
	listeners []func(old, next *metadata.Image, d *metadata.Delta)

	image    atomic.Pointer[metadata.Image]
	status   atomic.Pointer[Status]
	requests chan request        // unbuffered: who waits in Submit is the queue, and each waits under its own context
	inbox    chan quorum.Message // unbuffered: peers' connections wait
	stopped  chan struct{}       // closed at the end of Run
	wake     chan struct{}       // capacity 1: a snapshot is due; one wish says as much as ten

	saved     saved      // what the files and the journal hold together
	writing   sync.Mutex // held while the files are written: one checkpoint at a time
	compacted atomic.Pointer[compaction]

	// What follows is owned by the goroutine of Run.
	node    *quorum.Node
	role    quorum.Role
	term    uint64
	readyAt uint64           // the first index of this leadership; below it the state may still be somebody else's
	machine *cluster.Machine // nil unless this node leads and the image has reached readyAt
	held    []request        // came before the machine was ready
	waiting []waiting        // decided, in order of their index
	heard   map[quorum.NodeID]time.Time
	caught  map[quorum.NodeID]time.Time
}

// New recovers the metadata log. It starts nothing.
func New(cfg Config) (*Controller, error) {
	cfg = cfg.withDefaults()
	c := &Controller{
		cfg: cfg, dir: path.Join(cfg.Dir, Directory), log: cfg.Logger,
		requests: make(chan request), inbox: make(chan quorum.Message), stopped: make(chan struct{}), wake: make(chan struct{}, 1),
		heard: map[quorum.NodeID]time.Time{}, caught: map[quorum.NodeID]time.Time{},
	}
	if err := c.recover(); err != nil {
		return nil, fmt.Errorf("recover the metadata log: %w", err)
	}
	c.publishStatus()
	cfg.Journal.OnRaftCheckpoint(c.Checkpoint)
	return c, nil
}

// Image is the state of the cluster as far as it is committed and applied here. Never nil.
func (c *Controller) Image() *metadata.Image { return c.image.Load() }

// OnImage adds a listener, before Run. Listeners are called by the loop, one after the other, with every new image in order
// and before any reply that depends on it; the first call brings what recovery found, if it found something. They must not
// block and must not call Submit.
func (c *Controller) OnImage(fn func(old, next *metadata.Image, d *metadata.Delta)) {
	c.listeners = append(c.listeners, fn)
}

// Run is the loop. It returns nil when ctx ends, or the error that keeps this node from going on: its journal or its
// directory failed, or the log is damaged.
func (c *Controller) Run(ctx context.Context) error {
	var background sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer background.Wait()
	defer cancel()
	defer c.stop()
	background.Go(func() { c.snapshots(ctx) })

	var ticks <-chan time.Time // none while this node is the only voter: it has nothing to time
	endTicks := func() {}
	defer func() { endTicks() }()
	if first := c.Image(); first.Offset >= 0 {
		empty := metadata.Empty(c.cfg.ClusterID)
		c.tell(empty, first, metadata.Between(empty, first))
	}
	if c.node.Alone() {
		if err := c.node.Campaign(); err != nil {
			return fmt.Errorf("campaign: %w", err)
		}
	}
	for {
		if err := c.settle(); err != nil {
			return err
		}
		if ticks == nil && !c.node.Alone() {
			ticks, endTicks = c.cfg.NewTicker(c.cfg.Tick)
		}
		select {
		case <-ctx.Done():
			return nil
		case r := <-c.requests:
			if err := c.decideAll(r); err != nil {
				return err
			}
		case m := <-c.inbox:
			c.heard[m.From] = c.cfg.Now()
			if err := c.node.Step(m); err != nil {
				c.log.Warn("dropped a message of the quorum", "node", int32(m.From), "error", err)
			}
		case <-ticks:
			c.node.Tick()
		}
	}
}

// Deliver takes a message of a peer.
func (c *Controller) Deliver(ctx context.Context, m quorum.Message) error {
	select {
	case c.inbox <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stopped:
		return ErrStopped
	}
}

// stop answers everybody who waits.
func (c *Controller) stop() {
	close(c.stopped)
	for _, r := range c.held {
		r.done <- answer{err: ErrStopped}
	}
	for _, w := range c.waiting {
		w.done <- answer{err: fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrStopped)}
	}
	c.held, c.waiting = nil, nil
}
