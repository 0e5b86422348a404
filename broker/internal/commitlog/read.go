package commitlog

import (
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Read answers whole batches from the one that holds offset on: at most maxBytes of them, from one segment, all below
// maxOffset. With wholeFirst the first batch comes even when it is larger. An empty chunk means that there is nothing
// to read yet; an offset below the log start or above the end is ErrOffsetOutOfRange.
//
// Every batch is checked against its CRC. A damaged one below the durable end is never answered: the log is corrupt
// from then on, and reads that reach it are ErrCorrupt.
func (l *Log) Read(offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, error) {
	for {
		chunk, again, err := l.tryRead(offset, maxOffset, maxBytes, wholeFirst)
		if err != nil {
			return Chunk{}, fmt.Errorf("read %v at %d: %w", l.partition, offset, err)
		}
		if !again {
			return chunk, nil
		}
	}
}

// tryRead answers again when the log changed under its hands: a truncation, or a segment that went away.
func (l *Log) tryRead(offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, bool, error) {
	if err := l.usable(); err != nil {
		return Chunk{}, false, err
	}
	cuts, list := l.cuts.Load(), *l.segments.Load()
	if start, end := l.start.Load(), l.end.Load(); offset < start || offset > end {
		return Chunk{}, false, fmt.Errorf("%w: the log has %d to %d", ErrOffsetOutOfRange, start, end)
	}
	for i := floor(list, offset); i < len(list) && list[i].base < maxOffset; i++ {
		s := list[i]
		if !s.acquire() {
			return Chunk{}, true, nil
		}
		chunk, found, err := l.readSegment(s, offset, maxOffset, maxBytes, wholeFirst)
		s.release()
		if cuts != l.cuts.Load() || l.deleted.Load() { // a file may even have been another log's by then
			if chunk.Release != nil {
				chunk.Release()
			}
			return Chunk{}, true, nil
		}
		if errors.Is(err, ErrCorrupt) {
			l.markCorrupt(err)
		}
		if err != nil || found {
			return chunk, false, err
		}
		// Compaction may have left nothing at or behind offset here: the next segment has it.
	}
	return Chunk{NextOffset: offset}, false, nil
}

// readSegment answers a chunk of s, and whether s has anything at or behind offset at all.
func (l *Log) readSegment(s *segment, offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, bool, error) {
	size, cuts, slack := s.size.Load(), l.cuts.Load(), 0
	at, known := l.hints.take(offset, s.base, cuts)
	if !known {
		at = l.lookup(s, offset)
		slack = int(l.config.Load().IndexIntervalBytes) // how far an index entry mostly is before what it is asked for
	}
	buf := getBuffer(int(min(int64(max(maxBytes, record.HeaderSize)+slack), max(size-at, 1))))
	for at < size {
		n, err := s.log.readAt(buf.bytes[:min(int64(len(buf.bytes)), size-at)], at)
		if err != nil {
			buf.give()
			return Chunk{}, true, fmt.Errorf("%w: %w", ErrStorage, err)
		}
		skipped, there, sane := skipTo(buf.bytes[:n], offset)
		if there {
			chunk, err := l.cut(s, buf, at, skipped, n, maxOffset, maxBytes, wholeFirst)
			if err != nil {
				return chunk, true, err
			}
			if len(chunk.Bytes) == 0 {
				chunk.NextOffset = offset
			}
			l.hints.put(hint{chunk.NextOffset, s.base, at + int64(skipped) + int64(len(chunk.Bytes)), cuts})
			return chunk, true, nil
		}
		at += int64(skipped)
		if !sane || skipped == 0 {
			buf.give()
			return Chunk{}, true, fmt.Errorf("%w: batch in %s at %d", ErrCorrupt, s.log.path(), at)
		}
	}
	buf.give()
	return Chunk{}, false, nil
}

// skipTo steps over the batches in b that end before offset. It answers the position it came to, which may lie beyond b,
// whether the header of a batch that does not is there, and whether all it saw can be batches.
func skipTo(b []byte, offset int64) (at int, there, sane bool) {
	for len(b)-at >= record.HeaderSize {
		h := record.Batch(b[at:])
		if h.Magic() != record.Magic || h.Length() < record.HeaderSize {
			return at, false, false
		}
		if h.LastOffset() >= offset {
			return at, true, true
		}
		at += h.Length()
	}
	return at, false, true
}

// cut makes a chunk of the batches in buf from position from on, n bytes in all; buf begins at fileAt in the segment.
func (l *Log) cut(s *segment, buf *buffer, fileAt int64, from, n int, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, error) {
	first := record.Batch(buf.bytes[from:n])
	if first.NextOffset() > maxOffset {
		buf.give()
		return Chunk{}, nil
	}
	if length := first.Length(); length > maxBytes && !wholeFirst {
		buf.give()
		return Chunk{}, nil
	} else if length > n-from {
		whole := getBuffer(length)
		got, err := s.log.readAt(whole.bytes[:length], fileAt+int64(from))
		buf.give()
		if err == nil && got < length {
			err = fmt.Errorf("%w: batch in %s at %d is cut short", ErrCorrupt, s.log.path(), fileAt+int64(from))
		}
		if err != nil {
			whole.give()
			return Chunk{}, err
		}
		buf, fileAt, from, n = whole, fileAt+int64(from), 0, length
	}
	end, next := from, int64(0)
	for {
		b, _, err := record.First(buf.bytes[end:n])
		if errors.Is(err, record.ErrShort) || err == nil && (b.NextOffset() > maxOffset || end > from && end-from+len(b) > maxBytes) {
			break
		}
		if err == nil && !b.CheckCRC() {
			err = errors.New("the CRC does not fit")
		}
		if err != nil {
			if end > from {
				break // what is whole goes out; the next read begins at the damage
			}
			buf.give()
			return Chunk{}, fmt.Errorf("%w: batch in %s at %d: %v", ErrCorrupt, s.log.path(), fileAt+int64(end), err)
		}
		end, next = end+len(b), b.NextOffset()
	}
	if end == from {
		buf.give()
		return Chunk{}, fmt.Errorf("%w: batch in %s at %d is cut short", ErrCorrupt, s.log.path(), fileAt+int64(from))
	}
	return Chunk{Bytes: buf.bytes[from:end:end], Release: buf.give, NextOffset: next}, nil
}

// lookup answers a position at or before the batch that holds offset. A broken index costs a scan from the front, and
// is rebuilt.
func (l *Log) lookup(s *segment, offset int64) int64 {
	position, err := s.lookup(offset)
	if err == nil {
		return position
	}
	if !l.deleted.Load() {
		l.repair(s, err)
	}
	return 0
}

func (l *Log) repair(s *segment, cause error) {
	l.store.log.Warn("index is rebuilt from its log", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", s.base, "error", cause)
	l.store.repairs.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.rebuild(l.config.Load().IndexIntervalBytes); err != nil {
		l.store.log.Warn("index cannot be rebuilt", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", s.base, "error", err)
		return
	}
	l.markDirty()
}

// AbortedTxns answers the aborted transactions that have records in [from, to), by their markers' order.
func (l *Log) AbortedTxns(from, to int64) ([]AbortedTxn, error) {
	var out []AbortedTxn
	list := *l.segments.Load()
	for _, s := range list[floor(list, from):] {
		if !s.acquire() {
			continue // retention took it: nobody reads there any more
		}
		txns, err := s.txns.all()
		s.release()
		if err != nil {
			return nil, fmt.Errorf("aborted transactions of %v: %w", l.partition, err)
		}
		for _, t := range txns {
			if t.LastOffset >= from && t.FirstOffset < to {
				out = append(out, t)
			}
			if t.LastStable >= to { // later markers abort what begins behind it
				return out, nil
			}
		}
	}
	return out, nil
}
