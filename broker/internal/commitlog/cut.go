package commitlog

import (
	"fmt"
	"math"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// cutTo shortens the segment to position, where offset end would be, and opens it for appends again.
func (s *segment) cutTo(position, end int64) error {
	s.size.Store(position)
	if err := s.log.truncate(position); err != nil {
		return fmt.Errorf("cut %s to %d: %w", s.log.path(), position, err)
	}
	if err := s.index.cut(s.base, func(e indexEntry) bool { return e.value >= position }); err != nil {
		return err
	}
	if err := s.times.cut(s.base, func(e indexEntry) bool { return e.value >= end }); err != nil {
		return err
	}
	if err := s.txns.cut(end); err != nil {
		return err
	}
	s.dirty, s.txnDirty, s.writtenBack = true, true, min(s.writtenBack, position)
	s.firstTime = unknownTime
	return s.resume()
}

// lastEnd answers the offset behind the last batch; the base when there is none.
func (s *segment) lastEnd() (int64, error) {
	from, err := s.lookup(math.MaxInt64)
	if err != nil {
		from = 0
	}
	end := s.base
	_, err = s.scan(from, math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		end = b.NextOffset()
		return true, nil
	})
	return end, err
}

// resume finds what appended keeps track of: the bytes since the last index entry and the largest timestamp.
func (s *segment) resume() error {
	last, ok, err := s.index.last(s.base)
	if err != nil {
		return err
	}
	top, timed, err := s.times.last(s.base)
	if err != nil {
		return err
	}
	from := int64(0)
	if ok && timed {
		from = last.value
	}
	if !timed {
		top = indexEntry{record.NoTimestamp, s.base}
	}
	if ok {
		s.sinceIndexBytes = s.size.Load() - last.value
	} else {
		s.sinceIndexBytes = s.size.Load()
	}
	_, err = s.scan(from, math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		if b.MaxTimestamp() > top.key {
			top = indexEntry{b.MaxTimestamp(), b.LastOffset()}
		}
		return true, nil
	})
	s.maxTime, s.maxTimeOffset = top.key, top.value
	return err
}

// rebuildState makes the producer state of a log that was cut to end: from a snapshot, then from the batches behind it.
func (l *Log) rebuildState(end int64) error {
	state, from, _ := l.loadSnapshot(end)
	list := *l.segments.Load()
	for i := floor(list, from); i < len(list); i++ {
		s := list[i]
		at, err := s.lookup(from)
		if err != nil {
			at = 0
		}
		if _, err := s.scan(at, s.size.Load(), false, func(b record.Batch, _ int64) (bool, error) {
			if b.BaseOffset() >= from {
				replayProducer(state, b)
			}
			return true, nil
		}); err != nil {
			return fmt.Errorf("rebuild producer state: %w", err)
		}
	}
	state.replicated(l.highWatermark.Load())
	state.changed = true
	l.state = *state
	l.publishUnstable()
	return nil
}

// replayProducer applies a batch that is in the log already.
func replayProducer(s *producers, b record.Batch) (AbortedTxn, bool) {
	var m record.Marker
	if b.Control() {
		var err error
		if m, err = record.ParseMarker(b); err != nil {
			return AbortedTxn{}, false // a control batch of another kind
		}
	}
	return s.apply(b, m)
}
