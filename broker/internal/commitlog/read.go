package commitlog

import (
	"errors"
	"fmt"
	"slices"

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

// ReadCommitted is Read with the aborted transactions that have records in the chunk.
func (l *Log) ReadCommitted(offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, []AbortedTxn, error) {
	for {
		// The cleaner forgets an aborted transaction one round after its records: both are asked for within one round.
		rounds := l.rounds.Load()
		chunk, err := l.Read(offset, maxOffset, maxBytes, wholeFirst)
		if err != nil || len(chunk.Bytes) == 0 {
			return chunk, nil, err
		}
		aborted, err := l.AbortedTxns(offset, chunk.NextOffset)
		if err == nil && rounds == l.rounds.Load() {
			return chunk, aborted, nil
		}
		chunk.Release()
		if err != nil {
			return Chunk{}, nil, err
		}
	}
}

// tryRead answers again when the log changed under its hands: a truncation, or a segment that went away.
func (l *Log) tryRead(offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, bool, error) {
	if err := l.usable(); err != nil {
		return Chunk{}, false, err
	}
	cuts, current := l.steadyCuts(), l.segments.Load()
	list := *current
	if start, end := l.start.Load(), l.end.Load(); offset < start || offset > end {
		return Chunk{}, false, fmt.Errorf("%w: the log has %d to %d", ErrOffsetOutOfRange, start, end)
	}
	for i := floor(list, offset); i < len(list) && list[i].base < maxOffset; i++ {
		s := list[i]
		if !s.acquire() {
			return Chunk{}, true, nil
		}
		chunk, found, err := l.readSegment(s, reading{offset: offset, maxOffset: maxOffset, maxBytes: maxBytes, wholeFirst: wholeFirst, bound: l.bound(list, i), cuts: cuts})
		s.release()
		if cuts != l.cuts.Load() || l.deleted.Load() { // a file may even have been another log's by then
			if chunk.Release != nil {
				chunk.Release()
			}
			return Chunk{}, true, nil
		}
		if err == nil && !found && i+1 < len(list) && list[i+1].base > l.holesTo {
			// A segment ends where the next begins; our compaction keeps it so. This one was cut off.
			err = fmt.Errorf("%w: %s ends before offset %d", ErrCorrupt, s.log.path(), offset)
		}
		if errors.Is(err, ErrCorrupt) {
			l.markCorrupt(err)
		}
		if err != nil || found {
			return chunk, false, err
		}
	}
	return Chunk{NextOffset: offset}, current != l.segments.Load(), nil // what was rolled meanwhile is in the new list
}

// steadyCuts answers cuts while no truncation is under way, and waits for one that is.
func (l *Log) steadyCuts() int64 {
	for {
		if cuts := l.cuts.Load(); cuts%2 == 0 {
			return cuts
		}
		l.mu.Lock()
		l.mu.Unlock() //nolint:staticcheck // the lock is the wait
	}
}

// reading is one Read in one segment.
type reading struct {
	log        *Log
	segment    *segment
	offset     int64
	maxOffset  int64
	maxBytes   int
	wholeFirst bool
	bound      int64 // offsets of the segment lie below
	cuts       int64 // Log.cuts when it began

	// The CRC covers neither a batch's offset nor its length. That offsets rise is what speaks for them: next is where
	// the batch at position at may begin at the earliest.
	next int64
	at   int64
	size int64 // of the segment
	buf  *buffer
}

// readSegment answers a chunk of s, and whether s has anything at or behind offset at all.
func (l *Log) readSegment(s *segment, r reading) (Chunk, bool, error) {
	cuts, slack := r.cuts, 0
	r.log, r.segment, r.size, r.next = l, s, s.size.Load(), s.base
	r.bound = min(r.bound, l.end.Load()) // behind size: Append publishes them the other way round
	if at, known := l.hints.take(r.offset, s, cuts); known {
		r.at, r.next = at, r.offset
	} else {
		r.at = l.lookup(s, r.offset)
		slack = int(l.config.Load().IndexIntervalBytes) // how far an index entry mostly is before what it is asked for
	}
	// The header behind the last batch is read along: it has a say about that one's offset.
	want := max(r.maxBytes, record.HeaderSize) + record.HeaderSize + slack
	r.buf = getBuffer(int(min(int64(want), max(r.size-r.at, 1))))
	chunk, found, err := r.run()
	if len(chunk.Bytes) == 0 {
		r.buf.give()
	}
	if err != nil || !found {
		return Chunk{}, found, err
	}
	if len(chunk.Bytes) > 0 { // an empty one may have been asked for in the middle of a batch
		l.hints.put(hint{s, chunk.NextOffset, r.at + int64(len(chunk.Bytes)), cuts})
	}
	return chunk, true, nil
}

// run skips to the batch that holds the offset, and cuts the chunk there.
func (r *reading) run() (Chunk, bool, error) {
	for r.at < r.size {
		b, err := r.fill()
		if err != nil {
			return Chunk{}, true, err
		}
		skipped := 0
		for len(b)-skipped >= record.HeaderSize {
			h := record.Batch(b[skipped:])
			if err := r.sane(h, r.at+int64(skipped)); err != nil {
				return Chunk{}, true, err
			}
			if h.LastOffset() >= r.offset {
				r.at += int64(skipped)
				chunk, err := r.cut(b[skipped:])
				return chunk, true, err
			}
			r.next = h.NextOffset()
			skipped += h.Length()
		}
		if skipped == 0 {
			return Chunk{}, true, r.damage(r.at, "is cut short")
		}
		r.at += int64(skipped)
	}
	return Chunk{}, false, nil
}

// fill reads what the buffer holds from position at on.
func (r *reading) fill() ([]byte, error) {
	n, err := r.segment.log.readAt(r.buf.bytes[:min(int64(len(r.buf.bytes)), r.size-r.at)], r.at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return r.buf.bytes[:n], nil
}

func (r *reading) damage(position int64, what string) error {
	return fmt.Errorf("%w: batch in %s at %d %s", ErrCorrupt, r.segment.log.path(), position, what)
}

// sane holds a header against what is known of its place.
func (r *reading) sane(h record.Batch, position int64) error {
	switch {
	case h.Magic() != record.Magic, h.Length() < record.HeaderSize, h.LastOffsetDelta() < 0:
		return r.damage(position, "is none")
	case h.BaseOffset() < r.next, h.NextOffset() > r.bound:
		return r.damage(position, fmt.Sprintf("has offsets %d to %d, between %d and %d", h.BaseOffset(), h.LastOffset(), r.next, r.bound))
	case h.LeaderEpoch() > r.log.lineage.Load().latest():
		return r.damage(position, fmt.Sprintf("has leader epoch %d", h.LeaderEpoch()))
	}
	return nil
}

// cut makes a chunk of the batches at the front of b, which begins at position at. The first may be longer than b.
func (r *reading) cut(b []byte) (Chunk, error) {
	first := record.Batch(b)
	if first.NextOffset() > r.maxOffset || first.Length() > r.maxBytes && !r.wholeFirst {
		return Chunk{NextOffset: r.offset}, nil
	}
	if length := first.Length(); length > len(b) {
		if int64(length) > r.size-r.at {
			return Chunk{}, r.damage(r.at, "is cut short")
		}
		r.buf.give()
		r.buf = getBuffer(length + record.HeaderSize)
		var err error
		if b, err = r.fill(); err != nil {
			return Chunk{}, err
		}
	}
	end := 0
	for end == 0 || len(b)-end >= record.HeaderSize {
		h := record.Batch(b[end:])
		if err := r.sane(h, r.at+int64(end)); err != nil {
			return Chunk{}, err
		}
		if h.NextOffset() > r.maxOffset || h.Length() > len(b)-end || end > 0 && end+h.Length() > r.maxBytes {
			break
		}
		if !h[:h.Length()].CheckCRC() {
			if end > 0 {
				break // what is whole goes out; the next read begins at the damage
			}
			return Chunk{}, r.damage(r.at, "does not fit its CRC")
		}
		r.next = h.NextOffset()
		end += h.Length()
	}
	if end == 0 {
		return Chunk{}, r.damage(r.at, "is cut short")
	}
	return Chunk{Bytes: b[:end:end], Release: r.buf.give, NextOffset: r.next}, nil
}

// lookup answers a position at or before the batch that holds offset. A broken index costs a scan from the front, and
// is rebuilt.
func (l *Log) lookup(s *segment, offset int64) int64 {
	position, err := s.lookup(offset)
	if err == nil {
		return position
	}
	l.repair(s, err)
	return 0
}

func (l *Log) repair(s *segment, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.usable() != nil || !slices.Contains(*l.segments.Load(), s) { // others may have the names by now
		return
	}
	l.store.log.Warn("index is rebuilt from its log", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", s.base, "error", cause)
	l.store.repairs.Add(1)
	if err := s.rebuild(l.config.Load().IndexIntervalBytes); err != nil {
		l.store.log.Warn("index cannot be rebuilt", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", s.base, "error", err)
		return
	}
	l.markDirty()
}

// AbortedTxns answers the aborted transactions that have records in [from, to), by their markers' order.
func (l *Log) AbortedTxns(from, to int64) ([]AbortedTxn, error) {
	for {
		out, again, err := l.tryAbortedTxns(from, to)
		if err != nil {
			return nil, fmt.Errorf("aborted transactions of %v: %w", l.partition, err)
		}
		if !again {
			return out, nil
		}
	}
}

// tryAbortedTxns answers again when a segment went away under its hands: retention took it, or the cleaner replaced it.
func (l *Log) tryAbortedTxns(from, to int64) (out []AbortedTxn, again bool, err error) {
	list := *l.segments.Load()
	for _, s := range list[floor(list, from):] {
		if !s.acquire() {
			return nil, true, nil
		}
		txns, err := s.txns.all()
		s.release()
		if err != nil {
			return nil, false, err
		}
		for _, t := range txns {
			if t.LastOffset >= from && t.FirstOffset < to {
				out = append(out, t)
			}
			if t.LastStable >= to { // later markers abort what begins behind it
				return out, false, nil
			}
		}
	}
	return out, false, nil
}
