package record

import "fmt"

// Builder makes one batch. The zero value with fields set is ready; Build may be called once.
//
//	b := record.Builder{BaseOffset: 7}
//	b.Append(ts, key, value, nil)
//	batch, err := b.Build()
type Builder struct {
	BaseOffset    int64
	LeaderEpoch   int32
	Codec         Codec
	Level         int
	Producer      ProducerStamp // the zero value is no producer
	Transactional bool
	Control       bool
	LogAppendTime int64 // Unix milliseconds; above 0 it is every record's time

	data     []byte
	count    int32
	last     int32
	baseTime int64
	maxTime  int64
}

// ProducerStamp is the idempotent producer's part of a batch header.
type ProducerStamp struct {
	Set      bool // false: no producer
	ID       int64
	Epoch    int16
	Sequence int32 // of the first record; NoSequence in control batches
}

// Append adds a record; nil key and value are null. It copies what it is given.
func (b *Builder) Append(timestamp int64, key, value []byte, headers []Header) {
	b.AppendAt(b.BaseOffset+int64(b.next()), timestamp, key, value, headers)
}

// AppendAt is Append at an offset of its own, above all before: compaction leaves gaps.
func (b *Builder) AppendAt(offset, timestamp int64, key, value []byte, headers []Header) {
	if b.count == 0 {
		b.baseTime, b.maxTime = timestamp, timestamp
	}
	b.maxTime = max(b.maxTime, timestamp)
	b.last = int32(offset - b.BaseOffset)
	b.count++
	b.data = appendRecord(b.data, int64(b.last), timestamp-b.baseTime, key, value, headers)
}

func (b *Builder) next() int32 {
	if b.count == 0 {
		return 0
	}
	return b.last + 1
}

// Count is how many records were appended, Size about how many bytes a batch of them takes before compression.
func (b *Builder) Count() int { return int(b.count) }

// Size is the bytes of header and records before compression.
func (b *Builder) Size() int { return HeaderSize + len(b.data) }

// Build answers the batch. Its bytes are the caller's.
func (b *Builder) Build() (Batch, error) {
	attributes := uint16(b.Codec)
	if b.Transactional {
		attributes |= attrTransactional
	}
	if b.Control {
		attributes |= attrControl
	}
	if b.LogAppendTime > 0 {
		attributes |= attrLogAppendTime
		b.maxTime = b.LogAppendTime
	}
	producer := b.Producer
	if !producer.Set {
		producer = ProducerStamp{ID: NoProducerID, Epoch: -1, Sequence: NoSequence}
	}
	out := make([]byte, HeaderSize, HeaderSize+len(b.data))
	be.PutUint64(out, uint64(b.BaseOffset))
	be.PutUint32(out[epochAt:], uint32(b.LeaderEpoch))
	out[magicAt] = Magic
	be.PutUint16(out[attributesAt:], attributes)
	be.PutUint32(out[lastDeltaAt:], uint32(b.last))
	be.PutUint64(out[baseTimeAt:], uint64(b.baseTime))
	be.PutUint64(out[maxTimeAt:], uint64(b.maxTime))
	be.PutUint64(out[producerIDAt:], uint64(producer.ID))
	be.PutUint16(out[producerEpoAt:], uint16(producer.Epoch))
	be.PutUint32(out[sequenceAt:], uint32(producer.Sequence))
	be.PutUint32(out[countAt:], uint32(b.count))
	out, err := compress(out, b.Codec, b.Level, b.data)
	if err != nil {
		return nil, fmt.Errorf("build a batch of %d records: %w", b.count, err)
	}
	be.PutUint32(out[lengthAt:], uint32(len(out)-LogOverhead))
	Batch(out).updateCRC()
	return Batch(out), nil
}

// appendRecord encodes one record:
//
//	varint length, attributes i8 = 0, varlong timestamp delta, varint offset delta,
//	varint key length (-1 null), key, varint value length (-1 null), value,
//	varint header count, each: varint key length, key, varint value length (-1 null), value
func appendRecord(dst []byte, offsetDelta, timeDelta int64, key, value []byte, headers []Header) []byte {
	size := 1 + varintSize(timeDelta) + varintSize(offsetDelta) + bytesSize(key) + bytesSize(value) + varintSize(int64(len(headers)))
	for _, h := range headers {
		size += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}
	dst = appendVarint(dst, int64(size))
	dst = append(dst, 0)
	dst = appendVarint(dst, timeDelta)
	dst = appendVarint(dst, offsetDelta)
	dst = appendBytes(dst, key)
	dst = appendBytes(dst, value)
	dst = appendVarint(dst, int64(len(headers)))
	for _, h := range headers {
		dst = appendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendBytes(dst, h.Value)
	}
	return dst
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return appendVarint(dst, -1)
	}
	return append(appendVarint(dst, int64(len(b))), b...)
}
