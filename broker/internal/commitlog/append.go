package commitlog

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// writebackBytes is how much a segment grows before its write-back is started, so that a checkpoint finds little left.
const writebackBytes = 1 << 20

// Append adds one batch and answers its offsets. The batch has passed record.Validate, or was made by this program.
//
// It stamps the batch in place and borrows its bytes until the offset is durable: until OnDurable reports an end above
// it, or an error, or the log is truncated or deleted. Under flush.policy=os they are borrowed until Append returns.
// A log counts the batch in EndOffset at once; whoever acknowledges it waits for OnDurable.
func (l *Log) Append(batch []byte, p AppendParams) (Appended, error) {
	b, rest, err := record.First(batch)
	if err != nil || len(rest) > 0 {
		return Appended{BaseOffset: -1}, fmt.Errorf("append to %v: not one batch: %d bytes too many: %w", l.partition, len(rest), err)
	}
	if err := l.directory.admit(len(b)); err != nil {
		return Appended{BaseOffset: -1}, fmt.Errorf("append to %v: %w", l.partition, err)
	}
	var marker record.Marker
	if b.Control() {
		if marker, err = record.ParseMarker(b); err != nil {
			return Appended{BaseOffset: -1}, fmt.Errorf("append to %v: %w", l.partition, err)
		}
		if p.Origin == FromCoordinator && p.CoordinatorEpoch > marker.CoordinatorEpoch {
			marker.CoordinatorEpoch = p.CoordinatorEpoch
		}
	}
	a := appending{log: l, batch: b, marker: marker, params: p, cfg: l.config.Load()}
	out, err := a.run()
	if err != nil {
		return out, fmt.Errorf("append to %v: %w", l.partition, err)
	}
	if a.writeback > 0 {
		l.directory.startWriteback(a.segment, a.writeback)
	}
	if !out.Duplicate && a.cfg.FlushPolicy == FlushOS {
		return out, l.appendedOS(a.cfg)
	}
	return out, nil
}

// appending is one Append on its way through the log.
type appending struct {
	log       *Log
	batch     record.Batch
	marker    record.Marker
	params    AppendParams
	cfg       *LogConfig
	segment   *segment
	writeback int64 // start write-back up to here
}

func (a *appending) run() (Appended, error) {
	l, b := a.log, a.batch
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Appended{BaseOffset: -1, LastOffset: -1, LogStartOffset: l.start.Load(), MaxTimestamp: b.MaxTimestamp()}
	if err := l.writable(); err != nil {
		return out, err
	}
	if err := a.assign(); err != nil {
		return out, err
	}
	if b.ProducerID() != record.NoProducerID {
		original, err := l.state.check(b, a.marker, &a.params)
		if err != nil {
			return out, err
		}
		if original != nil {
			out.BaseOffset, out.LastOffset = original.lastOffset-int64(original.delta), original.lastOffset
			out.MaxTimestamp, out.Duplicate = original.timestamp, true
			return out, nil
		}
	}
	if a.params.AppendTime > 0 && a.params.Origin != FromLeader {
		b.SetLogAppendTime(a.params.AppendTime)
	}
	if err := a.write(); err != nil {
		return out, err
	}
	out.BaseOffset, out.LastOffset, out.MaxTimestamp = b.BaseOffset(), b.LastOffset(), b.MaxTimestamp()
	return out, nil
}

// assign stamps offset and leader epoch, or checks those of the leader.
func (a *appending) assign() error {
	l, b := a.log, a.batch
	if int64(len(b)) > a.cfg.SegmentBytes {
		return fmt.Errorf("%w: %d bytes, segment.bytes is %d", ErrSegmentTooSmall, len(b), a.cfg.SegmentBytes)
	}
	end := l.end.Load()
	if a.params.Origin != FromLeader {
		b.SetBaseOffset(end)
		b.SetLeaderEpoch(a.params.LeaderEpoch)
		return nil
	}
	if b.BaseOffset() < end { // gaps are normal: the leader compacted
		return fmt.Errorf("%w: base offset %d, the log ends at %d", ErrUnexpectedOffset, b.BaseOffset(), end)
	}
	return nil
}

// write brings the batch into the segment, the state and the journal's queue.
func (a *appending) write() error {
	l, b := a.log, a.batch
	if err := a.maybeRoll(); err != nil {
		return err
	}
	s := l.active()
	position := s.size.Load()
	if err := s.log.writeAt(b, position); err != nil {
		return l.directory.fail(fmt.Errorf("write %s at %d: %w", s.log.path(), position, err))
	}
	// End and epoch before the segment's size: whoever sees a batch knows that it may be there.
	l.end.Store(b.NextOffset())
	if epoch := b.LeaderEpoch(); epoch > l.lineage.Load().latest() {
		l.startEpoch(epochStart{epoch, b.BaseOffset()}, nil)
	}
	if err := s.appended(b, position, a.cfg); err != nil {
		return l.directory.fail(err)
	}
	if b.ProducerID() != record.NoProducerID {
		if err := a.applyProducer(s); err != nil {
			return l.directory.fail(err)
		}
	}
	s.dirty = true
	l.markDirty()
	if size := position + int64(len(b)); size-s.writtenBack >= writebackBytes && a.cfg.FlushPolicy == FlushJournal {
		a.segment, a.writeback = s, size
		s.writtenBack = size
	}
	if a.cfg.FlushPolicy == FlushOS {
		l.durable.Store(b.NextOffset())
		l.unflushed += int64(b.Count())
		return nil
	}
	l.enqueue(journal.Record{Type: journal.Append, LeaderEpoch: b.LeaderEpoch(), BaseOffset: b.BaseOffset(), SegmentBase: s.base, Position: position, Payload: b}, b.NextOffset(), nil)
	return nil
}

func (a *appending) applyProducer(s *segment) error {
	l := a.log
	aborted, abort := l.state.apply(a.batch, a.marker)
	if abort {
		if err := s.txns.add(aborted); err != nil {
			return err
		}
		s.txnDirty = true
	}
	if a.batch.Transactional() {
		l.publishUnstable()
	}
	return nil
}

// enqueue hands a record to the committer. The mutex is held, so that a log's records are journaled in their order.
// End is what is durable with it; noEnd leaves the durable end alone.
func (l *Log) enqueue(r journal.Record, end int64, done chan<- error) {
	r.Partition = l.localID
	l.directory.enqueue(entry{record: r, log: l, end: end, history: l.history, done: done})
}

const noEnd = -1

// startEpoch assigns a leader epoch and journals it. The mutex is held.
func (l *Log) startEpoch(e epochStart, done chan<- error) {
	l.setEpochs(l.lineage.Load().assign(e))
	l.journal(journal.Record{Type: journal.Epoch, LeaderEpoch: e.epoch, BaseOffset: e.start}, done)
}

// AssignEpoch says that a leader epoch begins at start; it is durable on return. An epoch that began already is left as
// it is.
func (l *Log) AssignEpoch(epoch int32, start int64) error {
	done := make(chan error, 1)
	err := l.change(func() error {
		if epoch <= l.lineage.Load().latest() {
			done <- nil
			return nil
		}
		l.startEpoch(epochStart{epoch, start}, done)
		return nil
	})
	if err == nil {
		err = l.directory.await(done)
	}
	if err != nil {
		return fmt.Errorf("assign epoch %d to %v: %w", epoch, l.partition, err)
	}
	return nil
}

func (a *appending) maybeRoll() error {
	l := a.log
	s := l.active()
	now := l.store.cfg.Now()
	roll, err := s.shouldRoll(a.batch, now, a.cfg)
	if err != nil {
		return l.directory.fail(err)
	}
	if !roll {
		return nil
	}
	return l.roll(l.end.Load(), now) // not at the batch's offset: a gap between segments would look like a loss
}

// roll closes the active segment and opens one at base. The mutex is held. When the new files cannot be made, nothing
// has changed but the closed segment's last index entries.
func (l *Log) roll(base int64, now time.Time) error {
	old := l.active()
	if err := old.close(); err != nil {
		return l.directory.fail(fmt.Errorf("close segment %d: %w", old.base, err))
	}
	next := newSegment(l.store.files, l.path, base, now, l.config.Load())
	if err := next.makeNew(); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	// A snapshot at each segment's base lets recovery begin with any segment.
	l.keepSnapshot(base)
	list := *l.segments.Load()
	list = append(slices.Clip(list), next)
	l.segments.Store(&list)
	l.namesDirty = true
	l.markDirty()
	return nil
}

// keepSnapshot has the producer state, as of offset, written by the next checkpoint. The mutex is held.
func (l *Log) keepSnapshot(offset int64) {
	if l.pending == nil {
		l.pending = make(map[int64][]byte)
	}
	l.pending[offset] = l.state.snapshot()
	l.state.changed = false
}

// appendedOS honours flush.messages and flush.ms and tells the new durable end, which under flush.policy=os is the log
// end (storage.md 4.9).
func (l *Log) appendedOS(cfg *LogConfig) error {
	end := l.end.Load()
	if cfg.FlushMessages != math.MaxInt64 || cfg.FlushInterval != time.Duration(math.MaxInt64) {
		now := l.store.cfg.Now()
		l.mu.Lock()
		due := l.unflushed >= cfg.FlushMessages || now.Sub(l.flushedAt) >= cfg.FlushInterval
		if due {
			l.unflushed, l.flushedAt = 0, now
		}
		l.mu.Unlock()
		if due {
			if err := l.flushOS(); err != nil {
				return fmt.Errorf("append to %v: %w", l.partition, err)
			}
		}
	}
	l.tellDurable(end, nil)
	return nil
}
