package e2e

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Batch is one record batch of an idempotent producer, for requests that a client would not make.
type Batch struct {
	ProducerID    int64
	Epoch         int16
	FirstSequence int32
	Values        [][]byte
}

// Bytes writes it in magic 2, uncompressed. Two calls with the same batch make the same bytes but for the time.
func (b Batch) Bytes() []byte {
	now := time.Now().UnixMilli()
	var records []byte
	for i, v := range b.Values {
		r := kmsg.Record{OffsetDelta: int32(i), Value: v}
		body := r.AppendTo(nil)
		r.Length = int32(len(body) - 1) // the length itself is one byte while it is zero
		records = r.AppendTo(records)
	}
	last := int32(len(b.Values) - 1)
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: last, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: b.ProducerID, ProducerEpoch: b.Epoch, FirstSequence: b.FirstSequence, NumRecords: last + 1, Records: records,
	}
	raw := batch.AppendTo(nil)
	const lengthAt, crcAt, bodyAt = 8, 17, 21
	binary.BigEndian.PutUint32(raw[lengthAt:], uint32(len(raw)-lengthAt-4))
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[bodyAt:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
