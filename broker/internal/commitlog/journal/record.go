package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A record, big endian:
//
//	offset  size  field
//	0       4     length: bytes behind the crc field
//	4       4     crc32c of the length field and of everything behind this field
//	8       4     generation
//	12      1     type
//	13      4     partition (local id)
//	17      4     leader epoch
//	21      8     base offset
//	29      8     segment base
//	37      8     position in the segment's .log
//	45            payload
const (
	recordHeader = 45
	recordFixed  = recordHeader - 8 // what length counts besides the payload
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errRecord is what a record that cannot be right is.
var errRecord = errors.New("malformed record")

// putRecord writes rec to the front of b and answers its size. B has the room.
func putRecord(b []byte, gen Gen, rec *Record) int {
	size := recordHeader + len(rec.Payload)
	be := binary.BigEndian
	be.PutUint32(b[0:], uint32(recordFixed+len(rec.Payload)))
	be.PutUint32(b[8:], uint32(gen))
	b[12] = byte(rec.Type)
	be.PutUint32(b[13:], rec.Partition)
	be.PutUint32(b[17:], uint32(rec.LeaderEpoch))
	be.PutUint64(b[21:], uint64(rec.BaseOffset))
	be.PutUint64(b[29:], uint64(rec.SegmentBase))
	be.PutUint64(b[37:], uint64(rec.Position))
	copy(b[recordHeader:size], rec.Payload)
	be.PutUint32(b[4:], recordCRC(b[:size]))
	return size
}

func recordCRC(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[8:])
}

// parseRecord reads the record at the front of b, which belongs to generation gen, and answers its
// size. The payload is a part of b.
func parseRecord(b []byte, gen Gen) (rec Record, size int, err error) {
	if len(b) < recordHeader {
		return rec, 0, fmt.Errorf("%w: %d bytes left", errRecord, len(b))
	}
	be := binary.BigEndian
	length := be.Uint32(b)
	if length < recordFixed || uint64(length) > uint64(len(b)-8) {
		return rec, 0, fmt.Errorf("%w: length %d with %d bytes left", errRecord, length, len(b)-8)
	}
	size = 8 + int(length)
	if got := Gen(be.Uint32(b[8:])); got != gen {
		return rec, 0, fmt.Errorf("%w: generation %d in a frame of generation %d", errRecord, got, gen)
	}
	if be.Uint32(b[4:]) != recordCRC(b[:size]) {
		return rec, 0, fmt.Errorf("%w: crc", errRecord)
	}
	return Record{
		Type: Type(b[12]), Partition: be.Uint32(b[13:]), LeaderEpoch: int32(be.Uint32(b[17:])),
		BaseOffset: int64(be.Uint64(b[21:])), SegmentBase: int64(be.Uint64(b[29:])), Position: int64(be.Uint64(b[37:])),
		Payload: b[recordHeader:size:size],
	}, size, nil
}
