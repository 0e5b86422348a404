package broker_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// idempotentBatch is one record as a batch of a producer of our own making.
func idempotentBatch(producer int64, epoch int16, sequence int32, value string) []byte {
	rec := kbin.AppendVarint([]byte{0}, 0) // attributes, timestamp delta
	rec = kbin.AppendVarint(rec, 0)        // offset delta
	rec = kbin.AppendVarint(rec, -1)       // no key
	rec = kbin.AppendVarint(rec, int32(len(value)))
	rec = append(rec, value...)
	rec = kbin.AppendVarint(rec, 0) // no headers
	body := append(kbin.AppendVarint(nil, int32(len(rec))), rec...)

	b := make([]byte, 61, 61+len(body))
	b = append(b, body...)
	be := binary.BigEndian
	be.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	now := uint64(time.Now().UnixMilli()) // a producer is forgotten a day after its last timestamp
	be.PutUint64(b[27:], now)
	be.PutUint64(b[35:], now)
	be.PutUint64(b[43:], uint64(producer))
	be.PutUint16(b[51:], uint16(epoch))
	be.PutUint32(b[53:], uint32(sequence))
	be.PutUint32(b[57:], 1)
	be.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// produceRaw sends one batch to partition 0 and answers what came back.
func produceRaw(t *testing.T, b *brokertest.Broker, topic string, batch []byte) kmsg.ProduceResponseTopicPartition {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	top, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	meta, err := kadm.NewClient(b.Client(t)).Metadata(patient(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	top.TopicID = meta.Topics[topic].ID // by name or by id: the client chooses the version
	top.Topic, part.Records = topic, append([]byte(nil), batch...)
	top.Partitions = append(top.Partitions, part)
	req.Topics = append(req.Topics, top)
	resp, err := b.Client(t).Broker(1).Request(patient(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
}
