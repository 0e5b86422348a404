package commitlog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Truncate cuts the log to end: a follower that found its leader's history to differ. End lies on a batch boundary, or
// the whole batch that holds it goes. It also removes damage, if that lies behind end.
//
// The TRUNCATE record is queued before anything that is appended later; it need not be durable on return, because until
// it is, a crash brings back nothing worse than the history from before.
func (l *Log) Truncate(end int64) error {
	l.swapping.Lock()
	defer l.swapping.Unlock()
	if err := l.lowerRecoveryPoint(end); err != nil {
		return fmt.Errorf("truncate %v to %d: %w", l.partition, end, err)
	}
	if err := l.change(func() error { return l.truncateLocked(end) }); err != nil {
		return fmt.Errorf("truncate %v to %d: %w", l.partition, end, err)
	}
	return nil
}

// Reset empties the log and lets it begin at offset: a follower whose leader has nothing of what it has.
func (l *Log) Reset(offset int64) error {
	l.swapping.Lock()
	defer l.swapping.Unlock()
	if err := l.lowerRecoveryPoint(0); err != nil {
		return fmt.Errorf("reset %v to %d: %w", l.partition, offset, err)
	}
	if err := l.change(func() error { return l.resetLocked(offset) }); err != nil {
		return fmt.Errorf("reset %v to %d: %w", l.partition, offset, err)
	}
	return nil
}

// lowerRecoveryPoint writes down, before a file is cut, that less than before is promised to be there. A crash behind the
// cut and before the TRUNCATE record would otherwise look like a loss.
func (l *Log) lowerRecoveryPoint(end int64) error {
	l.mu.Lock()
	lower := end < l.recoveryPoint && end < l.end.Load()
	if lower {
		l.recoveryPoint = max(end, 0)
	}
	if l.cleanerPoint > end {
		l.cleanerPoint, lower = max(end, 0), true
	}
	l.mu.Unlock()
	if !lower {
		return nil
	}
	if err := l.directory.writeCheckpoints(); err != nil {
		return l.directory.fail(err)
	}
	return nil
}

// change runs fn with the mutex. What it queues for the journal an os log has to have in its checkpoint files on return.
func (l *Log) change(fn func() error) error {
	l.mu.Lock()
	err := l.usable()
	if err == nil {
		err = fn()
	}
	os := l.config.Load().FlushPolicy == FlushOS
	l.mu.Unlock()
	if err != nil || !os {
		return err
	}
	if err := l.flush(false); err != nil {
		return l.directory.fail(err)
	}
	if err := l.directory.writeCheckpoints(); err != nil {
		return l.directory.fail(err)
	}
	return nil
}

func (l *Log) truncateLocked(end int64) error {
	if end >= l.end.Load() && l.corrupt.Load() == nil {
		return nil
	}
	list := *l.segments.Load()
	if end < list[0].base || end < 0 {
		return l.resetLocked(max(end, 0))
	}
	i := floor(list, end)
	position, err := cutPosition(list[i], end)
	if err == nil {
		err = l.truncateAt(list, i, position, end)
	}
	if err != nil {
		return l.directory.fail(err)
	}
	return nil
}

// cutPosition answers the position of the first batch in s that reaches end or beyond.
func cutPosition(s *segment, end int64) (int64, error) {
	from, err := s.lookup(end - 1)
	if err != nil {
		from = 0 // a broken index: scan from the front
	}
	if from > 0 && end == s.base {
		from = 0
	}
	return s.scan(from, s.size.Load(), false, func(b record.Batch, _ int64) (bool, error) {
		return b.LastOffset() < end, nil
	})
}

// truncateAt makes segment i the active one, cut at position, and ends the log at end. The mutex is held.
func (l *Log) truncateAt(list []*segment, i int, position, end int64) error {
	s := list[i]
	l.beginCut(end, s.base)
	defer l.cuts.Add(1)
	kept := slices.Clone(list[:i+1])
	l.segments.Store(&kept)
	l.end.Store(end)
	if err := l.retire(list[i+1:]); err != nil {
		return err
	}
	if err := s.cutTo(position, end); err != nil {
		return err
	}
	if end < l.start.Load() {
		l.start.Store(end)
	}
	if behind, err := s.lastEnd(); err != nil {
		return err
	} else if behind < end {
		// The log ends behind its last batch: a later start shall see that from an empty segment.
		if err := l.roll(end, l.store.cfg.Now()); err != nil {
			return err
		}
	}
	l.setEpochs(l.lineage.Load().cutEnd(end))
	if err := l.rebuildState(end); err != nil {
		return err
	}
	l.corrupt.Store(nil)
	if l.highWatermark.Load() > end {
		l.highWatermark.Store(end)
	}
	l.namesDirty = true
	l.markDirty()
	l.journal(journal.Record{Type: journal.Truncate, BaseOffset: end, SegmentBase: s.base, Position: position}, nil)
	return nil
}

// beginCut makes everybody who learned offsets before now forget them: readers look again, the committer no longer moves
// the durable end for records that were queued before, a flush under way does not count. The caller adds to cuts once
// more when it is done: while cuts is odd, readers wait. Base is of the segment that is cut: a replay writes into it what
// the journal has from before.
func (l *Log) beginCut(end, base int64) {
	l.cuts.Add(1)
	l.advance.Lock()
	l.history++
	l.durable.Store(min(l.durable.Load(), end))
	l.advance.Unlock()
	l.recoveryPoint = min(l.recoveryPoint, end)
	// The TRUNCATE goes into the current generation or, when it is about to be closed, into the next.
	l.settled, l.cutGen = min(l.settled, base), journal.Gen(l.directory.closedGen.Load())+2
	for len(l.snapshots) > 0 && l.snapshots[len(l.snapshots)-1] > end {
		l.stale = append(l.stale, l.snapshots[len(l.snapshots)-1])
		l.snapshots = l.snapshots[:len(l.snapshots)-1]
	}
	later := func(offset int64, _ []byte) bool { return offset > end }
	maps.DeleteFunc(l.pending, later)
	maps.DeleteFunc(l.underWay, later)
}

// journal queues a record that moves no durable end. An os log has no journal. The mutex is held.
func (l *Log) journal(r journal.Record, done chan<- error) {
	if l.config.Load().FlushPolicy == FlushJournal {
		l.enqueue(r, noEnd, done)
	} else if done != nil {
		done <- nil
	}
}

func (l *Log) resetLocked(offset int64) error {
	list := *l.segments.Load()
	first := list[0].base
	l.beginCut(-1, 0)
	defer l.cuts.Add(1)
	l.setDurable(offset)
	s := newSegment(l.store.files, l.path, offset, l.store.cfg.Now(), l.config.Load())
	l.segments.Store(&[]*segment{s})
	l.start.Store(offset)
	l.end.Store(offset)
	l.highWatermark.Store(offset)
	err := l.retire(list)
	if err == nil {
		err = s.makeNew()
	}
	if err != nil {
		return l.directory.fail(err)
	}
	l.setEpochs(nil)
	l.state = producers{changed: true}
	l.publishUnstable()
	l.corrupt.Store(nil)
	l.namesDirty = true
	l.markDirty()
	l.journal(journal.Record{Type: journal.Truncate, BaseOffset: first, SegmentBase: first}, nil)
	l.journal(journal.Record{Type: journal.LogStart, BaseOffset: offset}, nil)
	return nil
}

// setDurable sets the durable end and recovery point of a log that was emptied.
func (l *Log) setDurable(end int64) {
	l.advance.Lock()
	l.durable.Store(end)
	l.advance.Unlock()
	l.recoveryPoint = end
}

// retire takes segments out of use: their files get the suffix .deleted at once, so that new ones may have the names,
// and are unlinked later, when the last reader is gone. The caller publishes a list without them. The mutex is held.
func (l *Log) retire(segments []*segment) error {
	for _, s := range segments {
		if err := s.rename(l.store.deletedName()); err != nil {
			return err
		}
		s.gone = func() { l.store.later(l.config.Load().FileDeleteDelay, s.remove) }
		s.release()
	}
	return nil
}
