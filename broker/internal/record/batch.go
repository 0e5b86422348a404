package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Batch is one whole record batch v2. Accessors read in place, setters patch in place.
//
//	offset size field                   offset size field
//	     0    8 base offset                 27    8 base timestamp, or the delete horizon (attribute bit 6)
//	     8    4 length behind this field    35    8 max timestamp
//	    12    4 partition leader epoch      43    8 producer id
//	    16    1 magic = 2                   51    2 producer epoch
//	    17    4 CRC-32C of byte 21 on       53    4 base sequence
//	    21    2 attributes                  57    4 records count
//	    23    4 last offset delta           61      records
type Batch []byte

const (
	HeaderSize  = 61 // bytes before the first record
	LogOverhead = 12 // bytes that the length field does not count
	Magic       = 2  // the only format this package knows

	NoTimestamp  = -1
	NoProducerID = -1
	NoSequence   = -1

	lengthAt      = 8
	epochAt       = 12
	magicAt       = 16
	crcAt         = 17
	attributesAt  = 21
	lastDeltaAt   = 23
	baseTimeAt    = 27
	maxTimeAt     = 35
	producerIDAt  = 43
	producerEpoAt = 51
	sequenceAt    = 53
	countAt       = 57
)

// Attribute bits.
const (
	attrCodec         = 0x07
	attrLogAppendTime = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5
	attrDeleteHorizon = 1 << 6
	attrKnown         = attrCodec | attrLogAppendTime | attrTransactional | attrControl | attrDeleteHorizon
)

var (
	be         = binary.BigEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// First cuts the first whole batch off b. It answers ErrShort when the batch is not all there, ErrCorrupt when its
// length cannot be, ErrInvalidRecord when its magic is not 2. It does not check the CRC.
func First(b []byte) (Batch, []byte, error) {
	if len(b) <= magicAt {
		return nil, b, ErrShort
	}
	if b[magicAt] != Magic {
		return nil, b, fmt.Errorf("%w: magic %d", ErrInvalidRecord, b[magicAt])
	}
	n := int64(int32(be.Uint32(b[lengthAt:]))) + LogOverhead
	if n < HeaderSize {
		return nil, b, fmt.Errorf("%w: batch of %d bytes", ErrCorrupt, n)
	}
	if n > int64(len(b)) {
		return nil, b, ErrShort
	}
	return Batch(b[:n:n]), b[n:], nil
}

// BaseOffset is the offset of the first record.
func (b Batch) BaseOffset() int64 { return int64(be.Uint64(b)) }

// LastOffset is the offset of the last record, inclusive as everywhere in Kafka's batches.
func (b Batch) LastOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) }

// NextOffset is the offset behind the batch.
func (b Batch) NextOffset() int64 { return b.LastOffset() + 1 }

// Length is the size of the whole batch in bytes, by its length field.
func (b Batch) Length() int { return int(int32(be.Uint32(b[lengthAt:]))) + LogOverhead }

// LeaderEpoch is the epoch of the leader that appended the batch.
func (b Batch) LeaderEpoch() int32 { return int32(be.Uint32(b[epochAt:])) }

// Magic is the format version.
func (b Batch) Magic() int8 { return int8(b[magicAt]) }

// CRC is the checksum that the header claims.
func (b Batch) CRC() uint32 { return be.Uint32(b[crcAt:]) }

// Attributes are all attribute bits.
func (b Batch) Attributes() int16 { return int16(be.Uint16(b[attributesAt:])) }

// Codec is the compression of the records; values above Zstd are nobody's.
func (b Batch) Codec() Codec { return Codec(b[attributesAt+1] & attrCodec) }

// LogAppendTime tells that all records carry MaxTimestamp, the time of the append.
func (b Batch) LogAppendTime() bool { return b[attributesAt+1]&attrLogAppendTime != 0 }

// Transactional tells that the batch belongs to a transaction.
func (b Batch) Transactional() bool { return b[attributesAt+1]&attrTransactional != 0 }

// Control tells that the batch holds a marker instead of a client's records.
func (b Batch) Control() bool { return b[attributesAt+1]&attrControl != 0 }

// HasDeleteHorizon tells that BaseTimestamp is the time from which tombstones and markers may go (KIP-534).
func (b Batch) HasDeleteHorizon() bool { return b[attributesAt+1]&attrDeleteHorizon != 0 }

// LastOffsetDelta is LastOffset relative to BaseOffset.
func (b Batch) LastOffsetDelta() int32 { return int32(be.Uint32(b[lastDeltaAt:])) }

// BaseTimestamp is what record timestamps are relative to, in Unix milliseconds.
func (b Batch) BaseTimestamp() int64 { return int64(be.Uint64(b[baseTimeAt:])) }

// MaxTimestamp is the largest record timestamp, in Unix milliseconds.
func (b Batch) MaxTimestamp() int64 { return int64(be.Uint64(b[maxTimeAt:])) }

// ProducerID is the idempotent producer's id, or NoProducerID.
func (b Batch) ProducerID() int64 { return int64(be.Uint64(b[producerIDAt:])) }

// ProducerEpoch fences older incarnations of the producer.
func (b Batch) ProducerEpoch() int16 { return int16(be.Uint16(b[producerEpoAt:])) }

// BaseSequence is the producer's sequence number of the first record, or NoSequence.
func (b Batch) BaseSequence() int32 { return int32(be.Uint32(b[sequenceAt:])) }

// LastSequence is the sequence number of the last record; it wraps from MaxInt32 to 0.
func (b Batch) LastSequence() int32 {
	base := b.BaseSequence()
	if base == NoSequence {
		return NoSequence
	}
	return AddSequence(base, b.LastOffsetDelta())
}

// Count is how many records the header claims.
func (b Batch) Count() int32 { return int32(be.Uint32(b[countAt:])) }

// Payload is the record bytes, compressed or not.
func (b Batch) Payload() []byte { return b[HeaderSize:] }

// CheckCRC tells whether the checksum fits.
func (b Batch) CheckCRC() bool { return b.CRC() == crc32.Checksum(b[attributesAt:], castagnoli) }

// SetBaseOffset moves the batch; the CRC does not cover it.
func (b Batch) SetBaseOffset(offset int64) { be.PutUint64(b, uint64(offset)) }

// SetLeaderEpoch stamps the leader's epoch; the CRC does not cover it.
func (b Batch) SetLeaderEpoch(epoch int32) { be.PutUint32(b[epochAt:], uint32(epoch)) }

// SetLogAppendTime makes ms the time of every record, and recomputes the CRC. Reserved attribute bits are cleared, as
// Kafka's DefaultRecordBatch.setMaxTimestamp does.
func (b Batch) SetLogAppendTime(ms int64) { b.setTime(attrLogAppendTime, ms) }

// SetMaxTimestamp makes ms the largest record time and clears the LogAppendTime bit; the CRC is recomputed if anything changed.
func (b Batch) SetMaxTimestamp(ms int64) { b.setTime(0, ms) }

func (b Batch) setTime(kind uint16, ms int64) {
	old := be.Uint16(b[attributesAt:])
	if old&attrLogAppendTime == kind && b.MaxTimestamp() == ms {
		return
	}
	be.PutUint16(b[attributesAt:], old&(attrKnown&^attrLogAppendTime)|kind)
	be.PutUint64(b[maxTimeAt:], uint64(ms))
	b.updateCRC()
}

func (b Batch) updateCRC() { be.PutUint32(b[crcAt:], crc32.Checksum(b[attributesAt:], castagnoli)) }

// AddSequence steps a sequence number on by n, wrapping from MaxInt32 to 0.
func AddSequence(sequence, n int32) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}
