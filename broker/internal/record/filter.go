package record

import "fmt"

// Filter copies what compaction leaves of a batch. It is reused from batch to batch; one goroutine at a time.
//
// Base offset, last offset, leader epoch and the producer's fields stay, so that offsets never change and sequences
// still follow each other. The records that stay are copied as they are: their offsets and times are relative to a base
// that does not move, unless a delete horizon takes its place (KIP-534).
type Filter struct {
	d      Decompressor
	batch  Batch
	stay   []byte // their records, not compressed: all that the batch has, or a copy of some
	spare  []byte // what stay is copied to
	count  int32
	maxMs  int64
	all    bool // every record stays
	values bool // no record that stays is a tombstone
}

// Read holds every record of b, which passed CheckCRC, against keep. What it learns is valid until the next Read, and
// what Append makes of it as long as b's bytes are.
func (f *Filter) Read(b Batch, keep func(*Record) bool) error {
	f.batch, f.count, f.maxMs, f.all, f.values = b, 0, NoTimestamp, true, true
	it, err := b.Records(&f.d)
	if err != nil {
		return fmt.Errorf("batch at %d: %w", b.BaseOffset(), err)
	}
	f.stay = it.data
	for {
		from := it.at
		if !it.Next() {
			break
		}
		r := it.Record()
		if !keep(r) {
			if f.all {
				f.all, f.spare = false, append(f.spare[:0], it.data[:from]...)
			}
			continue
		}
		f.count++
		f.maxMs = max(f.maxMs, r.Timestamp)
		f.values = f.values && r.Value != nil
		if !f.all {
			f.spare = append(f.spare, it.data[from:it.at]...)
		}
	}
	if !f.all {
		f.stay = f.spare
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("batch at %d: %w", b.BaseOffset(), err)
	}
	return nil
}

// Count is how many records stay.
func (f *Filter) Count() int32 { return f.count }

// Tombstones tells whether a record that stays has no value.
func (f *Filter) Tombstones() bool { return !f.values }

// Append adds the batch of the records that stay to dst; there must be some. A horizon, in Unix milliseconds, is
// stamped into it; NoTimestamp leaves the batch's own, if it has one.
func (f *Filter) Append(dst []byte, horizon int64) ([]byte, error) {
	if f.all && horizon == NoTimestamp {
		return append(dst, f.batch...), nil
	}
	at := len(dst)
	out := append(dst, f.batch[:HeaderSize]...)
	stay := f.stay
	if horizon != NoTimestamp {
		var err error
		if stay, err = f.rebased(horizon); err != nil {
			return dst, err
		}
		be.PutUint64(out[at+baseTimeAt:], uint64(horizon))
		out[at+attributesAt+1] |= attrDeleteHorizon
	}
	out, err := compress(out, f.batch.Codec(), 0, stay)
	if err != nil {
		return dst, fmt.Errorf("batch at %d: %w", f.batch.BaseOffset(), err)
	}
	b := Batch(out[at:])
	be.PutUint32(b[lengthAt:], uint32(len(b)-LogOverhead))
	be.PutUint32(b[countAt:], uint32(f.count))
	if !b.LogAppendTime() {
		be.PutUint64(b[maxTimeAt:], uint64(f.maxMs))
	}
	b.updateCRC()
	return out, nil
}

// rebased writes the records that stay anew, with times relative to base.
func (f *Filter) rebased(base int64) ([]byte, error) {
	it := Iterator{data: f.stay, left: f.count, base: f.batch.BaseOffset(), baseTime: f.batch.BaseTimestamp(), allTime: f.batch.MaxTimestamp(), append: f.batch.LogAppendTime()}
	out := make([]byte, 0, len(f.stay)+8*int(f.count))
	for it.Next() {
		r := it.Record()
		out = appendRecord(out, int64(r.OffsetDelta), r.Timestamp-base, r.Key, r.Value, r.Headers)
	}
	return out, it.Err()
}

// AppendEmpty adds b to dst without any record: what is left to say which offsets it had, and how far its producer came.
// Of b only the header is read.
func AppendEmpty(dst []byte, b Batch) []byte {
	at := len(dst)
	dst = append(dst, b[:HeaderSize]...)
	e := Batch(dst[at:])
	be.PutUint32(e[lengthAt:], HeaderSize-LogOverhead)
	e[attributesAt+1] &^= attrCodec | attrDeleteHorizon
	be.PutUint64(e[baseTimeAt:], 1<<64-1) // NoTimestamp, as Kafka
	be.PutUint32(e[countAt:], 0)
	e.updateCRC()
	return dst
}
