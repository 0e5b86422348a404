package commitlog

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

// Log is one partition on disk. All methods may be called at once from many goroutines.
type Log struct {
	store     *Store
	directory *directory
	partition Partition
	topicID   uuid
	localID   uint32 // what the journal calls it; new for each Log

	config    atomic.Pointer[LogConfig]
	onDurable atomic.Pointer[func(int64, error)]

	// What readers see without the mutex. Written under mu.
	segments atomic.Pointer[[]*segment] // by base, never empty; the slice is replaced, never changed
	start    atomic.Int64
	end      atomic.Int64
	unstable atomic.Int64 // first unstable offset, or noTxn
	lineage  atomic.Pointer[epochs]
	deleted  atomic.Bool
	unclean  atomic.Bool
	corrupt  atomic.Pointer[error] // damage below the durable end
	cuts     atomic.Int64          // rises before and after Truncate or Reset change what offsets mean; odd meanwhile

	hints  hints
	rounds atomic.Int64 // of the cleaner, begun

	// holesTo is how far a cleaner had come before this start, maybe Kafka's own, which lets segments end early.
	holesTo int64

	highWatermark atomic.Int64
	doneTxns      atomic.Bool // some transaction waits for the high watermark

	// swapping is held while files take the places of others: by the cleaner when it puts in a cleaned segment, by
	// truncation, retention and deletion. Before flushing.
	swapping sync.Mutex
	flushing sync.Mutex // one flush at a time, I/O and all; before mu

	// mu orders appends. It is held over pwrite into the page cache, never over a sync.
	// Order: swapping, then flushing or directory.writing, then mu, then one of advance, file.opening, files.mu, sparse.mu, directory.mu.
	mu sync.Mutex
	// Guarded by mu:
	path          string
	state         producers
	recoveryPoint int64       // everything below is synced in the segments
	settled       int64       // a replay of the journal writes nothing below
	cutGen        journal.Gen // the newest generation that may hold a TRUNCATE; 0 without
	cleanerPoint  int64       // the keys below were looked at by the cleaner
	gaveUp        time.Time   // when the cleaner last failed here; zero when it did not
	snapshots     []int64
	stale         []int64          // snapshots of a history that was truncated away; removed by the next checkpoint
	pending       map[int64][]byte // snapshots that the next flush writes
	underWay      map[int64][]byte // that a flush writes now
	epochsDirty   bool
	namesDirty    bool // files were made or renamed
	inDirty       bool // the directory's checkpointer has it on its list
	found         bool // at the start, and waits for its configuration
	crashed       bool // the stop before that was not clean
	unflushed     int64
	flushedAt     time.Time

	// advance guards durable against the committer, which must not wait for mu.
	advance sync.Mutex
	durable atomic.Int64
	history int64 // rises with each truncation: the committer drops what it learns of an older one. Written under mu too

	// Owned by the committer.
	declared journal.Gen
	group    uint64
}

func newLog(s *Store, d *directory, p Partition, topicID uuid, dir string) *Log {
	l := &Log{store: s, directory: d, partition: p, topicID: topicID, path: dir, localID: d.nextLocalID.Add(1)}
	cfg := DefaultLogConfig()
	l.config.Store(&cfg)
	l.segments.Store(new([]*segment))
	l.lineage.Store(new(epochs))
	l.unstable.Store(noTxn)
	return l
}

// Partition names the log.
func (l *Log) Partition() Partition { return l.partition }

// TopicID is the id of the topic that the log belongs to.
func (l *Log) TopicID() [16]byte { return l.topicID }

// Dir is the log directory, an entry of log.dirs, that the log lies in.
func (l *Log) Dir() string { return l.directory.path }

// StartOffset is the first offset that may be read.
func (l *Log) StartOffset() int64 { return l.start.Load() }

// EndOffset is the offset that the next record gets.
func (l *Log) EndOffset() int64 { return l.end.Load() }

// DurableEnd is the end of what survives a power loss; under flush.policy=os it is EndOffset.
func (l *Log) DurableEnd() int64 { return l.durable.Load() }

// Unclean tells that something below the durable end was lost or damaged, or that the log's policy is os and the last
// stop was not clean (KIP-966): the replica must not lead before it is refilled.
func (l *Log) Unclean() bool { return l.unclean.Load() }

// SetClean says that the replica was refilled, or that an operator takes it as it is.
func (l *Log) SetClean() { l.unclean.Store(false) }

// Offline answers why the log's directory is offline, nil while it is not.
func (l *Log) Offline() error { return l.directory.err() }

// Size is the bytes of all segments.
func (l *Log) Size() int64 {
	total := int64(0)
	for _, s := range *l.segments.Load() {
		total += s.size.Load()
	}
	return total
}

// FirstUnstableOffset is the first offset of the first transaction that is open, or whose marker is not below the high
// watermark yet.
func (l *Log) FirstUnstableOffset() (int64, bool) {
	first := l.unstable.Load()
	return first, first != noTxn
}

// HighWatermark is as last set, or as found in the checkpoint at start.
func (l *Log) HighWatermark() int64 { return l.highWatermark.Load() }

// SetHighWatermark says how far the log is replicated. Retention never passes it, and completed transactions below it
// are stable.
func (l *Log) SetHighWatermark(hw int64) {
	l.highWatermark.Store(hw)
	if !l.doneTxns.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.replicated(hw)
	l.publishUnstable()
}

// publishUnstable is called with mu held after state changed.
func (l *Log) publishUnstable() {
	l.unstable.Store(l.state.firstUnstable())
	l.doneTxns.Store(len(l.state.done) > 0)
}

// OnDurable sets who hears of a moved durable end. Fn is called by the committer, once per group and log whose durable
// end moved, and once with an error when the directory went offline or the log was deleted; under flush.policy=os it is
// called by Append itself, after all locks are released. It must not block. Set once, before the first Append.
func (l *Log) OnDurable(fn func(durableEnd int64, err error)) { l.onDurable.Store(&fn) }

func (l *Log) tellDurable(end int64, err error) {
	if fn := l.onDurable.Load(); fn != nil {
		(*fn)(end, err)
	}
}

// LatestEpoch is the newest leader epoch that wrote here, -1 without any.
func (l *Log) LatestEpoch() int32 { return l.lineage.Load().latest() }

// EndOffsetForEpoch answers the largest epoch at or below epoch and the offset where it ends (KIP-101); (-1, -1) when
// epoch is newer than all known.
func (l *Log) EndOffsetForEpoch(epoch int32) (int32, int64) {
	return l.lineage.Load().endOf(epoch, l.end.Load())
}

// Producers answers the state of every producer that has not expired by now.
func (l *Log) Producers(now time.Time) []ProducerState {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.expire(now, l.store.cfg.ProducerExpiration())
	out := make([]ProducerState, 0, len(l.state.byID))
	for _, p := range l.state.sorted() {
		st := ProducerState{ProducerID: p.id, Epoch: p.epoch, LastSequence: -1, LastTimestamp: p.lastTimestamp, CoordinatorEpoch: p.coordinatorEpoch, TxnStartOffset: p.txnFirst}
		if p.kept > 0 {
			st.LastSequence = p.last().lastSequence
		}
		out = append(out, st)
	}
	return out
}

// OngoingTransaction tells whether the producer has a transaction open here in this epoch: if not, its first
// transactional batch needs the coordinator's word (KIP-890).
func (l *Log) OngoingTransaction(producerID int64, epoch int16) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.state.byID[producerID]
	return p != nil && p.epoch == epoch && p.txnFirst != noTxn
}

// TransactionEnded tells whether a marker of the producer lies at or above an offset, and nothing was written since: a
// guard that was set there would refuse the next batch.
func (l *Log) TransactionEnded(producerID int64, since int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.state.byID[producerID]
	return p != nil && p.txnFirst == noTxn && p.marked >= since
}

// usable answers why the log takes no calls.
func (l *Log) usable() error {
	if l.deleted.Load() {
		return fmt.Errorf("%w: %v", ErrDeleted, l.partition)
	}
	return l.directory.err()
}

// writable answers why the log takes no appends. The mutex is held.
func (l *Log) writable() error {
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.corrupt.Load(); err != nil {
		return *err
	}
	if l.store.closing.Load() {
		return ErrClosed
	}
	return nil
}

// markCorrupt remembers the first damage that was found.
func (l *Log) markCorrupt(err error) {
	if l.corrupt.CompareAndSwap(nil, &err) {
		l.unclean.Store(true)
		l.store.log.Error("log is corrupt; it serves what is whole and takes no appends", "topic", l.partition.Topic, "partition", l.partition.Index, "error", err)
	}
}

func (l *Log) active() *segment {
	list := *l.segments.Load()
	return list[len(list)-1]
}

// floor answers the index of the last segment whose base is at most offset; 0 when there is none.
func floor(list []*segment, offset int64) int {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := (lo + hi) / 2; list[mid].base <= offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return max(lo-1, 0)
}

// bound answers the offset behind segment i.
func (l *Log) bound(list []*segment, i int) int64 {
	if i+1 < len(list) {
		return list[i+1].base
	}
	return math.MaxInt64
}

// markDirty puts the log on the checkpointer's list. The mutex is held.
func (l *Log) markDirty() {
	if !l.inDirty {
		l.inDirty = true
		l.directory.addDirty(l)
	}
}

// setEpochs publishes a changed lineage. The mutex is held.
func (l *Log) setEpochs(es epochs) {
	l.lineage.Store(&es)
	l.epochsDirty = true
	l.markDirty()
}
