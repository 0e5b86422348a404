package commitlog

import (
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

var errBrokenIndex = errors.New("index does not fit its log")

const scanBufferBytes = 256 << 10

// scan calls fn for each batch from position from to the segment's size, or limit if that is less, in order; fn stops it
// by answering false. The batch is valid during the call. A batch that cannot be, that does not lie behind the one before,
// or that checkCRC finds damaged, ends the scan with ErrCorrupt; one that is not all there with record.ErrShort. It answers the position behind the last good batch.
func (s *segment) scan(from, limit int64, checkCRC bool, fn func(b record.Batch, position int64) (bool, error)) (int64, error) {
	end := min(s.size.Load(), limit)
	buf := getBuffer(int(min(scanBufferBytes, max(end-from, 1))))
	defer func() { buf.give() }()
	next := s.base
	for at := from; at < end; {
		n, err := s.log.readAt(buf.bytes[:min(int64(len(buf.bytes)), end-at)], at)
		if err != nil {
			return at, fmt.Errorf("scan %s at %d: %w", s.log.path(), at, err)
		}
		rest := buf.bytes[:n]
		for len(rest) > 0 {
			b, behind, err := record.First(rest)
			if errors.Is(err, record.ErrShort) {
				break
			}
			if err == nil && checkCRC && !b.CheckCRC() {
				err = errors.New("the CRC does not fit")
			}
			if err == nil && (b.LastOffsetDelta() < 0 || b.BaseOffset() < next) { // the CRC does not cover the offset
				err = fmt.Errorf("offsets %d to %d behind %d", b.BaseOffset(), b.LastOffset(), next)
			}
			if err != nil {
				return at, fmt.Errorf("%w: batch in %s at %d: %w", ErrCorrupt, s.log.path(), at, err)
			}
			more, err := fn(b, at)
			if err != nil || !more {
				return at, err
			}
			rest = behind
			at += int64(len(b))
			next = b.NextOffset()
		}
		if len(rest) < n {
			continue // the rest is read again, from its front
		}
		// Not even one batch fitted: it is larger than the buffer, or there is no more of it.
		want := int64(record.HeaderSize)
		if n >= record.LogOverhead {
			want = int64(record.Batch(rest).Length())
		}
		if want > end-at || want <= int64(len(buf.bytes)) {
			return at, fmt.Errorf("%w: batch in %s at %d wants %d bytes of %d", record.ErrShort, s.log.path(), at, want, end-at)
		}
		buf.give()
		buf = getBuffer(int(want))
	}
	return end, nil
}

// rebuild makes both indexes anew from the log. The log's mutex is held; lookups that come meanwhile find the index
// broken and scan.
func (s *segment) rebuild(intervalBytes int64) error {
	var offsets, stamps []indexEntry
	since, top := int64(0), indexEntry{record.NoTimestamp, s.base}
	_, err := s.scan(0, s.size.Load(), false, func(b record.Batch, position int64) (bool, error) {
		if b.MaxTimestamp() > top.key {
			top = indexEntry{b.MaxTimestamp(), b.LastOffset()}
		}
		if since > intervalBytes {
			offsets = append(offsets, indexEntry{b.LastOffset(), position})
			if n := len(stamps); n == 0 || stamps[n-1].key < top.key {
				stamps = append(stamps, top)
			}
			since = 0
		}
		since += int64(len(b))
		return true, nil
	})
	if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, record.ErrShort) {
		return fmt.Errorf("rebuild the indexes of %s: %w", s.log.path(), err)
	}
	if n := len(stamps); top.key >= 0 && (n == 0 || stamps[n-1].key < top.key) {
		stamps = append(stamps, top)
	}
	s.sinceIndexBytes, s.maxTime, s.maxTimeOffset, s.indexDirty = since, top.key, top.value, true
	return errors.Join(s.index.replace(s.base, offsets), s.times.replace(s.base, stamps))
}

// replace makes entries the whole content of the file.
func (x *sparse) replace(base int64, entries []indexEntry) error {
	b := make([]byte, 0, len(entries)*int(x.width))
	for _, e := range entries {
		b = x.encode(b, base, e)
	}
	if err := x.file.truncate(0); err != nil {
		return fmt.Errorf("rebuild index %s: %w", x.file.path(), err)
	}
	if err := x.file.writeAt(b, 0); err != nil {
		return fmt.Errorf("rebuild index %s: %w", x.file.path(), err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.flushed, x.tail = len(entries), nil
	return nil
}
