package commitlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// segment is one .log file and its indexes. Only the last segment of a log grows; the others are immutable until
// retention or truncation takes them away as a whole.
//
// Readers hold a reference while they use a segment; its files are unlinked when the last one is gone.
type segment struct {
	base  int64
	log   *file
	index *sparse // offset -> position
	times *sparse // max timestamp so far -> offset
	txns  *txnIndex

	size atomic.Int64 // bytes of whole batches; readers never look beyond
	refs atomic.Int32 // the list's own and one for each reader
	bare atomic.Bool  // found without index entries, and seen to
	gone func()       // called when refs fell to 0; set before the list gives its reference up

	// The fields below are guarded by Log.mu.
	created         time.Time
	jitter          time.Duration // off segment.ms, so that segments do not all roll at once
	sinceIndexBytes int64         // appended since the last index entry
	firstTime       int64         // timestamp of the first batch; unknownTime until needed
	maxTime         int64         // largest timestamp; unknownTime until needed
	maxTimeOffset   int64         // last offset of the batch with maxTime
	dirty           bool          // .log has bytes that no Sync covers
	txnDirty        bool          // so has .txnindex
	indexDirty      bool          // a closed segment's indexes were not synced yet
	writtenBack     int64         // position up to which write-back was started
}

const (
	unknownTime = math.MinInt64
	// bareBytes is a size from which a segment without any index entry is looked into, once.
	bareBytes = 1 << 20
)

func newSegment(c *files, dir string, base int64, now time.Time, cfg *LogConfig) *segment {
	name := func(suffix string) *file { return c.file(path.Join(dir, offsetName(base, suffix))) }
	s := &segment{
		base: base, log: name(logSuffix), created: now,
		index: newSparse(name(indexSuffix), offsetEntryBytes), times: newSparse(name(timeIndexSuffix), timeEntryBytes),
		txns:      newTxnIndex(name(txnIndexSuffix)),
		firstTime: unknownTime, maxTime: unknownTime,
	}
	if cfg != nil && cfg.SegmentJitter > 0 {
		s.jitter = rand.N(cfg.SegmentJitter)
	}
	s.refs.Store(1)
	return s
}

// makeNew creates the segment's files, empty. Nothing may be left of an earlier file of the name.
func (s *segment) makeNew() error {
	for _, f := range []*file{s.log, s.index.file, s.times.file} {
		if err := f.truncate(0); err != nil {
			return fmt.Errorf("make segment %s: %w", f.path(), err)
		}
	}
	s.index.flushed, s.times.flushed = 0, 0
	s.txns.entries.Store(0)
	s.firstTime, s.maxTime, s.maxTimeOffset = unknownTime, record.NoTimestamp, s.base
	return nil
}

// acquire takes a reference; false means that the segment is gone and the caller's list is old.
func (s *segment) acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *segment) release() {
	if s.refs.Add(-1) == 0 {
		s.gone()
	}
}

// files answers all files, of which .txnindex may be missing.
func (s *segment) files() []*file {
	return []*file{s.log, s.index.file, s.times.file, s.txns.file}
}

// rename gives the files their .deleted names, so that a new segment may take the old ones.
func (s *segment) rename(suffix string) error {
	for _, f := range s.files() {
		if err := f.rename(f.path() + suffix); err != nil && !isNotExist(err) {
			return fmt.Errorf("rename segment: %w", err)
		}
	}
	return nil
}

func (s *segment) remove() error {
	for _, f := range s.files() {
		if err := f.remove(); err != nil && !isNotExist(err) {
			return fmt.Errorf("remove segment: %w", err)
		}
	}
	return nil
}

// appended accounts for batch b, which was written at position. The log's mutex is held.
//
// An index entry is (last offset of the batch, position of its first byte), made before the batch that finds more than
// index.interval.bytes since the last entry: as Kafka's LogSegment.append.
func (s *segment) appended(b record.Batch, position int64, cfg *LogConfig) error {
	if position == 0 {
		s.firstTime = b.MaxTimestamp()
	}
	if err := s.indexed(b, position, cfg); err != nil {
		return err
	}
	s.size.Store(position + int64(len(b)))
	return nil
}

// indexed is the indexes' part of it, which recovery repeats.
func (s *segment) indexed(b record.Batch, position int64, cfg *LogConfig) error {
	if ts := b.MaxTimestamp(); ts > s.maxTime {
		s.maxTime, s.maxTimeOffset = ts, b.LastOffset()
	}
	if s.sinceIndexBytes > cfg.IndexIntervalBytes {
		if err := s.index.add(s.base, indexEntry{b.LastOffset(), position}); err != nil {
			return err
		}
		if err := s.indexTime(); err != nil {
			return err
		}
		s.sinceIndexBytes = 0
	}
	s.sinceIndexBytes += int64(len(b))
	return nil
}

// indexTime adds the largest timestamp so far to the time index, if it grew since the last entry.
func (s *segment) indexTime() error {
	last, ok, err := s.times.last(s.base)
	if err != nil {
		return err
	}
	if ok && s.maxTime <= last.key || s.maxTime < 0 {
		return nil
	}
	return s.times.add(s.base, indexEntry{s.maxTime, s.maxTimeOffset})
}

// close makes the segment immutable: the last time index entry, and all indexes in their files.
func (s *segment) close() error {
	if err := s.indexTime(); err != nil {
		return err
	}
	s.indexDirty = true
	return s.flushIndexes()
}

func (s *segment) flushIndexes() error {
	if err := s.index.flush(s.base); err != nil {
		return err
	}
	return s.times.flush(s.base)
}

// loadTimes finds the largest timestamp, which a segment that was opened from disk does not know yet. Retention goes by
// it, so the time index's last word is held against the log.
func (s *segment) loadTimes(intervalBytes int64) error {
	if s.maxTime != unknownTime {
		return nil
	}
	last, ok, err := s.times.last(s.base)
	if err != nil {
		return err
	}
	switch {
	case ok && s.timeFits(last):
		s.maxTime, s.maxTimeOffset = last.key, last.value
		return nil
	case s.size.Load() == 0:
		s.maxTime, s.maxTimeOffset = record.NoTimestamp, s.base
		return nil
	}
	return s.rebuild(intervalBytes)
}

// timeFits tells whether the batch that ends with e's offset has e's timestamp.
func (s *segment) timeFits(e indexEntry) bool {
	from, err := s.lookup(e.value)
	if err != nil {
		return false
	}
	fits := false
	_, err = s.scan(from, math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		fits = b.LastOffset() == e.value && b.MaxTimestamp() == e.key
		return b.LastOffset() < e.value, nil
	})
	return err == nil && fits
}

// loadFirstTime reads the timestamp of the first batch.
func (s *segment) loadFirstTime() error {
	if s.firstTime != unknownTime || s.size.Load() < record.HeaderSize {
		return nil
	}
	buf := getBuffer(record.HeaderSize)
	defer buf.give()
	n, err := s.log.readAt(buf.bytes[:record.HeaderSize], 0)
	if err != nil || n < record.HeaderSize {
		return fmt.Errorf("read the first batch of %s: %d bytes: %w", s.log.path(), n, err)
	}
	s.firstTime = record.Batch(buf.bytes[:record.HeaderSize]).MaxTimestamp()
	return nil
}

// shouldRoll tells whether batch b must not go into this segment any more (RET-2, Kafka's LogSegment.shouldRoll).
func (s *segment) shouldRoll(b record.Batch, now time.Time, cfg *LogConfig) (bool, error) {
	size := s.size.Load()
	if size == 0 {
		return false, nil
	}
	if size > min(cfg.SegmentBytes, math.MaxInt32)-int64(len(b)) || b.BaseOffset()+int64(b.LastOffsetDelta())-s.base > math.MaxInt32 {
		return true, nil
	}
	if err := s.loadFirstTime(); err != nil {
		return false, err
	}
	waited := now.Sub(s.created)
	if s.firstTime >= 0 {
		waited = time.Duration(min(b.MaxTimestamp()-s.firstTime, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	age := cfg.SegmentAge
	if cfg.Compact && cfg.MaxCompactionLag > 0 {
		age = min(age, cfg.MaxCompactionLag) // the cleaner cannot look into the active segment
	}
	if waited > age-s.jitter {
		return true, nil
	}
	offsets, err := s.index.count()
	if err != nil {
		return false, err
	}
	times, err := s.times.count()
	return int64(offsets+1)*offsetEntryBytes > cfg.SegmentIndexBytes || int64(times+1)*timeEntryBytes > cfg.SegmentIndexBytes, err
}

// lookup answers a position at or before the batch that holds offset: where to start scanning. An index entry that does
// not fit the batch it points at is a broken index: it is rebuilt from the log.
func (s *segment) lookup(offset int64) (int64, error) {
	e, ok, err := s.index.floor(s.base, offset)
	if err != nil {
		return 0, err
	}
	if !ok {
		if n, err := s.index.count(); err != nil || n > 0 || s.size.Load() < bareBytes || s.bare.Swap(true) {
			return 0, err
		}
		return 0, errBrokenIndex // all of it is missing
	}
	if s.fits(e) {
		return e.value, nil
	}
	return 0, errBrokenIndex
}

// fits tells whether the batch at e's position ends with e's offset.
func (s *segment) fits(e indexEntry) bool {
	if e.value+record.HeaderSize > s.size.Load() {
		return false
	}
	buf := getBuffer(record.HeaderSize)
	defer buf.give()
	b := buf.bytes[:record.HeaderSize]
	n, err := s.log.readAt(b, e.value)
	return err == nil && n == len(b) && record.Batch(b).Magic() == record.Magic && record.Batch(b).LastOffset() == e.key
}
