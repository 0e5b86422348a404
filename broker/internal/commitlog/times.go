package commitlog

import (
	"errors"
	"fmt"
	"math"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// OffsetForTime answers the first record below maxOffset whose timestamp is at least ts (FET-10): by the segments'
// largest timestamps, then the time index, then batches, then the records of one batch.
func (l *Log) OffsetForTime(ts, maxOffset int64) (found TimeOffset, ok bool, err error) {
	err = l.search(func() error {
		found, ok, err = l.offsetForTime(ts, maxOffset)
		return err
	})
	if err != nil {
		return TimeOffset{}, false, fmt.Errorf("search %v for time %d: %w", l.partition, ts, err)
	}
	return found, ok, nil
}

// errRetired says that a segment went away in the middle of a search: retention took it, or the cleaner replaced it.
var errRetired = errors.New("segment is retired")

// search runs fn until no truncation came in between. An error of fn that stands is damage, or the disk's.
func (l *Log) search(fn func() error) error {
	for {
		if err := l.usable(); err != nil {
			return err
		}
		cuts := l.steadyCuts()
		err := fn()
		if errors.Is(err, errRetired) {
			continue
		}
		if err != nil && (cuts != l.cuts.Load() || l.deleted.Load()) {
			continue
		}
		if errors.Is(err, ErrCorrupt) || errors.Is(err, record.ErrShort) {
			l.markCorrupt(err)
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return err
	}
}

func (l *Log) offsetForTime(ts, maxOffset int64) (TimeOffset, bool, error) {
	list, start := *l.segments.Load(), l.start.Load()
	for i := floor(list, start); i < len(list) && list[i].base < maxOffset; i++ {
		top, err := l.topTime(list[i])
		if err != nil {
			return TimeOffset{}, false, err
		}
		if top.key < ts {
			continue
		}
		found, ok, err := l.searchTime(list[i], ts, start, maxOffset)
		if err != nil {
			return TimeOffset{}, false, err
		}
		if ok {
			return found, found.Offset < maxOffset, nil
		}
	}
	return TimeOffset{}, false, nil
}

// topTime answers a segment's largest timestamp and its batch's last offset.
func (l *Log) topTime(s *segment) (indexEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return indexEntry{}, err
	}
	if !s.acquire() {
		return indexEntry{}, errRetired
	}
	defer s.release()
	err := s.loadTimes(l.config.Load().IndexIntervalBytes)
	return indexEntry{s.maxTime, s.maxTimeOffset}, err
}

// searchTime looks for the first record of s at or behind start with a timestamp of at least ts.
func (l *Log) searchTime(s *segment, ts, start, maxOffset int64) (found TimeOffset, ok bool, err error) {
	if !s.acquire() {
		return found, false, errRetired
	}
	defer s.release()
	from := start
	if e, has, err := s.times.floor(s.base, ts-1); err == nil && has {
		if s.timeFits(e) {
			from = max(from, e.value)
		} else {
			l.repair(s, errBrokenIndex)
		}
	}
	_, err = s.scan(l.lookup(s, from), math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		if b.BaseOffset() >= maxOffset {
			return false, nil
		}
		if b.MaxTimestamp() < ts || b.LastOffset() < start {
			return true, nil
		}
		found, ok, err = firstRecord(b, func(r *record.Record) bool { return r.Timestamp >= ts && r.Offset >= start })
		return !ok, err
	})
	return found, ok, err
}

// firstRecord answers the first record of b that match takes.
func firstRecord(b record.Batch, match func(*record.Record) bool) (TimeOffset, bool, error) {
	if !b.CheckCRC() {
		return TimeOffset{}, false, fmt.Errorf("%w: batch at offset %d", ErrCorrupt, b.BaseOffset())
	}
	d := record.GetDecompressor(0)
	defer d.Put()
	it, err := b.Records(d)
	if err != nil {
		return TimeOffset{}, false, err
	}
	for it.Next() {
		if r := it.Record(); match(r) {
			return TimeOffset{r.Timestamp, r.Offset, b.LeaderEpoch()}, true, nil
		}
	}
	return TimeOffset{}, false, it.Err()
}

// MaxTimestamp answers the first record below maxOffset with the largest timestamp that there is below maxOffset.
func (l *Log) MaxTimestamp(maxOffset int64) (found TimeOffset, ok bool, err error) {
	err = l.search(func() error {
		found, ok, err = l.maxTimestamp(maxOffset)
		return err
	})
	if err != nil {
		return TimeOffset{}, false, fmt.Errorf("largest timestamp of %v: %w", l.partition, err)
	}
	return found, ok, nil
}

func (l *Log) maxTimestamp(maxOffset int64) (TimeOffset, bool, error) {
	list, start := *l.segments.Load(), l.start.Load()
	best, at := int64(record.NoTimestamp), -1
	for i := floor(list, start); i < len(list) && list[i].base < maxOffset; i++ {
		top, err := l.topTimeBelow(list, i, start, maxOffset)
		if err != nil {
			return TimeOffset{}, false, err
		}
		if top > best {
			best, at = top, i
		}
	}
	if at < 0 {
		return TimeOffset{}, false, nil
	}
	found, ok, err := l.searchTime(list[at], best, start, maxOffset)
	return found, ok && found.Offset < maxOffset, err
}

// topTimeBelow answers the largest timestamp in segment i between start and maxOffset. Only a segment that one of them
// cuts has to be scanned.
func (l *Log) topTimeBelow(list []*segment, i int, start, maxOffset int64) (int64, error) {
	s := list[i]
	if s.base >= start && (i+1 < len(list) && list[i+1].base <= maxOffset || l.end.Load() <= maxOffset) {
		top, err := l.topTime(s)
		return top.key, err
	}
	if !s.acquire() {
		return record.NoTimestamp, errRetired
	}
	defer s.release()
	top := int64(record.NoTimestamp)
	_, err := s.scan(l.lookup(s, start), math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		if b.NextOffset() > maxOffset {
			return false, nil
		}
		if b.LastOffset() >= start {
			top = max(top, b.MaxTimestamp())
		}
		return true, nil
	})
	return top, err
}
