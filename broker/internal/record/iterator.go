package record

import "fmt"

// Record is one record of a batch. Key, Value and Headers point into the batch's or the decompressor's bytes: they are
// valid as long as those, and until the iterator's next Next.
type Record struct {
	Offset      int64
	Timestamp   int64 // Unix milliseconds
	OffsetDelta int32
	Key, Value  []byte // nil is null
	Headers     []Header
}

// Header is one header of a record.
type Header struct {
	Key   []byte
	Value []byte // nil is null
}

// Iterator walks the records of one batch. It allocates nothing per record.
type Iterator struct {
	rec      Record
	data     []byte
	at       int
	left     int32
	base     int64
	baseTime int64
	allTime  int64 // with LogAppendTime: every record's time
	append   bool
	err      error
}

// Records iterates over the batch's records. With a d, the iterator is d's and valid until d's next use; d may be nil
// when a new iterator may be allocated.
func (b Batch) Records(d *Decompressor) (*Iterator, error) {
	if d == nil {
		d = new(Decompressor)
	}
	data, err := d.Decompress(b.Codec(), b.Payload())
	if err != nil {
		return nil, err
	}
	if b.Count() < 0 {
		return nil, fmt.Errorf("%w: record count %d", ErrInvalidRecord, b.Count())
	}
	headers := d.iter.rec.Headers[:0]
	d.iter = Iterator{data: data, left: b.Count(), base: b.BaseOffset(), baseTime: b.BaseTimestamp(), allTime: b.MaxTimestamp(), append: b.LogAppendTime()}
	d.iter.rec.Headers = headers
	return &d.iter, nil
}

// Next moves to the next record. It answers false at the end and at an error.
func (it *Iterator) Next() bool {
	if it.err != nil || it.left == 0 {
		return false
	}
	it.left--
	if it.err = it.parse(); it.err != nil {
		return false
	}
	if it.left == 0 && it.at != len(it.data) {
		it.err = fmt.Errorf("%w: %d bytes behind the last record", ErrInvalidRecord, len(it.data)-it.at)
		return false
	}
	return true
}

// Record is the current record; see Record for how long it is valid.
func (it *Iterator) Record() *Record { return &it.rec }

// Err is what ended the iteration early: ErrInvalidRecord.
func (it *Iterator) Err() error { return it.err }

func (it *Iterator) parse() error {
	size, at := varint32(it.data, it.at)
	if at < 0 || size < 0 || int(size) > len(it.data)-at {
		return fmt.Errorf("%w: record of %d bytes at byte %d of %d", ErrInvalidRecord, size, it.at, len(it.data))
	}
	start, end := at, at+int(size)
	body := it.data[:end]
	timeDelta, at := varint64(body, at+1) // the byte before it: attributes, unused
	it.rec.OffsetDelta, at = varint32(body, at)
	it.rec.Key, at = nullableBytes(body, at)
	it.rec.Value, at = nullableBytes(body, at)
	at = it.headers(body, at)
	if at != end {
		return fmt.Errorf("%w: record structure at byte %d of %d", ErrInvalidRecord, start, len(it.data))
	}
	it.at = end
	it.rec.Offset = it.base + int64(it.rec.OffsetDelta)
	it.rec.Timestamp = it.baseTime + timeDelta
	if it.append {
		it.rec.Timestamp = it.allTime
	}
	return nil
}

func (it *Iterator) headers(b []byte, at int) int {
	it.rec.Headers = it.rec.Headers[:0]
	n, at := varint32(b, at)
	if at < 0 || n < 0 || int(n) > len(b)-at {
		return bad
	}
	for range n {
		size, next := varint32(b, at)
		if next < 0 || size < 0 || int(size) > len(b)-next {
			return bad
		}
		h := Header{Key: b[next : next+int(size)]}
		if h.Value, at = nullableBytes(b, next+int(size)); at < 0 {
			return bad
		}
		it.rec.Headers = append(it.rec.Headers, h)
	}
	return at
}

// nullableBytes reads a length and that many bytes; every negative length is null, as in Kafka.
func nullableBytes(b []byte, at int) ([]byte, int) {
	n, at := varint32(b, at)
	if at < 0 || int(n) > len(b)-at {
		return nil, bad
	}
	if n < 0 {
		return nil, at
	}
	end := at + int(n)
	return b[at:end:end], end
}
