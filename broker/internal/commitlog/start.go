package commitlog

import (
	"fmt"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

// DeleteRecords moves the log start offset up to before; it is durable on return. Segments that lie below it are removed
// by the next retention check, what the caller may not delete yet (above the high watermark) is the caller's care.
func (l *Log) DeleteRecords(before int64) error {
	done := make(chan error, 1)
	err := l.change(func() error {
		if before > l.end.Load() || before < 0 {
			return fmt.Errorf("%w: the log has %d to %d", ErrOffsetOutOfRange, l.start.Load(), l.end.Load())
		}
		if before <= l.start.Load() {
			done <- nil
			return nil
		}
		l.moveStart(before, done)
		return nil
	})
	if err == nil {
		err = l.directory.await(done)
	}
	if err != nil {
		return fmt.Errorf("delete records of %v before %d: %w", l.partition, before, err)
	}
	return nil
}

// moveStart raises the log start offset. The mutex is held.
func (l *Log) moveStart(start int64, done chan<- error) {
	l.start.Store(start)
	l.setEpochs(l.lineage.Load().cutStart(start))
	l.journal(journal.Record{Type: journal.LogStart, BaseOffset: start}, done)
	l.markDirty()
}

// dropBefore takes the segments that lie wholly below the log start out of the list. The mutex is held.
func (l *Log) dropBefore(start int64) error {
	list := *l.segments.Load()
	n := 0
	for n+1 < len(list) && list[n+1].base <= start {
		n++
	}
	if n == 0 {
		return nil
	}
	kept := slices.Clone(list[n:])
	l.segments.Store(&kept)
	l.dropSnapshots(kept[0].base)
	l.namesDirty = true
	l.markDirty()
	return l.retire(list[:n])
}

// dropSnapshots forgets snapshots below the first segment, but for the newest of all.
func (l *Log) dropSnapshots(base int64) {
	for len(l.snapshots) > 1 && l.snapshots[0] < base {
		l.stale = append(l.stale, l.snapshots[0])
		l.snapshots = l.snapshots[1:]
	}
}
