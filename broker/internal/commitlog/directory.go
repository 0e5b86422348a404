package commitlog

import (
	"fmt"
	"io"
	"path"
	"sync"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

// directory is one entry of log.dirs: its journal, its committer's queue and its checkpoints.
type directory struct {
	store   *Store
	path    string
	meta    meta
	lock    io.Closer
	journal journal.Journal
	state   journalState // as last written; owned by whoever checkpoints

	nextLocalID atomic.Uint32
	offline     atomic.Pointer[error]
	down        chan struct{} // closed when offline is set
	wake        chan struct{} // capacity 1: something for the committer to look at
	checkpoint  chan struct{} // capacity 1: a generation was closed
	// checkpointed, capacity 1: a checkpoint was made. The cleaner listens.
	checkpointed chan struct{}
	writebacks   chan writeback

	stats stats

	queuedBytes atomic.Int64  // of the queue and of the group under way
	behind      atomic.Int32  // closed generations that no checkpoint covers
	closedGen   atomic.Uint32 // the newest closed generation
	replayFrom  atomic.Uint32 // as in journal-state: a start replays from this generation on

	writing sync.Mutex                     // one writes the checkpoint files at a time
	written map[string]map[Partition]int64 // what they say, by name; guarded by writing

	// Guarded by mu, which is never held over I/O:
	mu       sync.Mutex
	room     sync.Cond // signalled when queuedBytes or behind fell, or the directory went offline
	queue    []entry
	dirty    []*Log // for the next checkpoint
	rotate   bool   // the checkpointer asks for a rotation
	closed   closedGen
	release  journal.Gen // up to here the journal may forget
	draining bool        // the committer ends when the queue is empty
	dead     bool        // the committer ended, because the directory is offline
	hasRaft  bool        // the current generation may hold RAFT records
}

// closedGen is the newest generation that a rotation closed.
type closedGen struct {
	gen  journal.Gen
	next uint64 // the sequence that the following generation began with
	// bytes of it and of those before that no checkpoint covers
	bytes int64
	raft  bool // RAFT records may be in it or in an older unreleased one
}

// entry is one journal record on its way.
type entry struct {
	record  journal.Record
	log     *Log  // nil for RAFT
	end     int64 // durable end of the log once the record is durable; noEnd without one
	history int64 // Log.history when it was queued
	done    chan<- error
}

// maxQueuedBytes bounds what waits for the committer. Appends beyond it wait.
const maxQueuedBytes = 64 << 20

// maxBehind is how many closed generations may wait for a checkpoint before appends wait with them (storage.md 4.7).
const maxBehind = 2

func newDirectory(s *Store, dir string) *directory {
	d := &directory{
		store: s, path: dir, written: map[string]map[Partition]int64{}, down: make(chan struct{}), wake: make(chan struct{}, 1), checkpoint: make(chan struct{}, 1),
		checkpointed: make(chan struct{}, 1),
		writebacks:   make(chan writeback, 64), // hints: a full channel drops them
	}
	d.room.L = &d.mu
	return d
}

func (d *directory) file(name string) string { return path.Join(d.path, name) }

// err answers why the directory is offline, nil while it is not.
func (d *directory) err() error {
	if err := d.offline.Load(); err != nil {
		return *err
	}
	return nil
}

// fail takes the directory offline for good: nothing more is acknowledged or served from it. It answers the error that
// did it first, as ErrStorage.
func (d *directory) fail(err error) error {
	wrapped := fmt.Errorf("%w: %s: %w", ErrStorage, d.path, err)
	if d.offline.CompareAndSwap(nil, &wrapped) {
		d.store.log.Error("log directory goes offline until a restart", "dir", d.path, "error", err)
		close(d.down)
		d.mu.Lock()
		d.room.Broadcast()
		d.mu.Unlock()
		signal(d.wake)
	}
	return d.err()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// admit waits until the committer's queue has room and the checkpoints are not too far behind. It is called without any
// lock, so it bounds the queue but for what the appenders of one moment bring.
func (d *directory) admit(n int) error {
	if d.queuedBytes.Load() < maxQueuedBytes && d.behind.Load() < maxBehind {
		return d.err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.err() == nil && !d.store.closing.Load() && (d.queuedBytes.Load() >= maxQueuedBytes || d.behind.Load() >= maxBehind) {
		d.room.Wait()
	}
	return d.err()
}

// enqueue adds e to the next group.
func (d *directory) enqueue(e entry) {
	d.queuedBytes.Add(int64(len(e.record.Payload)))
	d.mu.Lock()
	if d.dead {
		d.mu.Unlock()
		if e.done != nil {
			e.done <- d.err()
		}
		return
	}
	d.queue = append(d.queue, e)
	first := len(d.queue) == 1
	d.mu.Unlock()
	if first {
		signal(d.wake)
	}
}

// await answers what a queued record's done channel yields, or why it never will.
func (d *directory) await(done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-d.down:
		return d.err()
	}
}

func (d *directory) addDirty(l *Log) {
	d.mu.Lock()
	d.dirty = append(d.dirty, l)
	d.mu.Unlock()
}

func (d *directory) takeDirty() []*Log {
	d.mu.Lock()
	defer d.mu.Unlock()
	logs := d.dirty
	d.dirty = nil
	return logs
}

// writeback is a hint to start writing a segment's pages.
type writeback struct {
	segment *segment
	end     int64
}

func (d *directory) startWriteback(s *segment, end int64) {
	select {
	case d.writebacks <- writeback{s, end}:
	default: // the device is behind; the checkpoint will do it
	}
}

// writebackLoop starts write-backs, which may block while the device is busy, away from the appends.
func (d *directory) writebackLoop(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case w := <-d.writebacks:
			if !w.segment.acquire() {
				continue
			}
			if h, err := w.segment.log.acquire(false); err == nil {
				_ = h.StartWriteback(max(0, w.end-2*writebackBytes), 2*writebackBytes) // a hint
				w.segment.log.release()
			}
			w.segment.release()
		}
	}
}
