package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestFetchResponseIsByteForByteKmsgs(t *testing.T) {
	f := seeded(t, 2)
	for version := int16(4); version <= 18; version++ {
		for tags := range 8 {
			t.Run(fmt.Sprintf("v%d/tags%03b", version, tags), func(t *testing.T) {
				for range 20 {
					r := randomFetchResponse(f, tags)
					got := bytes.Join(r.AppendBuffers(version), nil)
					if want := asKmsg(r, version).AppendTo(nil); !bytes.Equal(got, want) {
						t.Fatalf("\ngot  %x\nwant %x", got, want)
					}
				}
			})
		}
	}
}

func TestFetchResponseHandsOutRecordsWithoutCopyingThem(t *testing.T) {
	one, two := []byte("first batch"), []byte("second batch")
	r := FetchResponse{Topics: []FetchTopic{{Topic: "t", Partitions: []FetchPartition{{Records: [][]byte{one, two}}, {}}}}}
	buffers := r.AppendBuffers(18)
	if len(buffers) != 4 || &buffers[1][0] != &one[0] || &buffers[2][0] != &two[0] {
		t.Fatalf("got %d buffers: %q", len(buffers), buffers)
	}
	if n := testing.AllocsPerRun(100, func() { r.AppendBuffers(18) }); n > 2 {
		t.Errorf("encoding allocates %v times, want one array of bytes and one of buffers", n)
	}
}

func randomFetchResponse(f filler, tags int) *FetchResponse {
	r := &FetchResponse{ThrottleMillis: f.Int32(), ErrorCode: int16(f.Int32()), SessionID: f.Int32()}
	for range f.IntN(3) {
		topic := FetchTopic{Topic: string(f.bytes()), TopicID: [16]byte{byte(f.Int32()), 7}}
		for range f.IntN(4) {
			topic.Partitions = append(topic.Partitions, randomFetchPartition(f, tags))
		}
		r.Topics = append(r.Topics, topic)
	}
	for range f.IntN(3) {
		rack := string(f.bytes())
		r.NodeEndpoints = append(r.NodeEndpoints, NodeEndpoint{NodeID: f.Int32(), Host: string(f.bytes()), Port: f.Int32()},
			NodeEndpoint{NodeID: f.Int32(), Host: string(f.bytes()), Port: f.Int32(), Rack: &rack})
	}
	return r
}

func randomFetchPartition(f filler, tags int) FetchPartition {
	p := FetchPartition{
		Partition: f.Int32(), ErrorCode: int16(f.Int32()), HighWatermark: f.Int64(), LastStableOffset: f.Int64(),
		LogStartOffset: f.Int64(), PreferredReadReplica: f.Int32(),
	}
	if f.IntN(2) == 0 {
		p.AbortedTransactions = []AbortedTransaction{}
		for range f.IntN(3) {
			p.AbortedTransactions = append(p.AbortedTransactions, AbortedTransaction{f.Int64(), f.Int64()})
		}
	}
	for range f.IntN(4) {
		p.Records = append(p.Records, f.bytes(), bytes.Repeat([]byte{'r'}, f.IntN(300)))
	}
	if tags&1 != 0 {
		p.DivergingEpoch = &EpochEnd{f.Int32(), f.Int64()}
	}
	if tags&2 != 0 {
		p.CurrentLeader = &CurrentLeader{f.Int32(), f.Int32()}
	}
	if tags&4 != 0 {
		p.SnapshotID = &SnapshotID{f.Int64(), f.Int32()}
	}
	return p
}

func asKmsg(r *FetchResponse, version int16) *kmsg.FetchResponse {
	k := kmsg.NewPtrFetchResponse()
	k.Version, k.ThrottleMillis, k.ErrorCode, k.SessionID = version, r.ThrottleMillis, r.ErrorCode, r.SessionID
	for _, t := range r.Topics {
		kt := kmsg.FetchResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
		for _, p := range t.Partitions {
			kt.Partitions = append(kt.Partitions, partitionAsKmsg(p))
		}
		k.Topics = append(k.Topics, kt)
	}
	for _, n := range r.NodeEndpoints {
		if version >= 16 { // kmsg would write the tag from 12 on, Kafka's definition has it from 16 on
			k.Brokers = append(k.Brokers, kmsg.FetchResponseBroker{NodeID: n.NodeID, Host: n.Host, Port: n.Port, Rack: n.Rack})
		}
	}
	return k
}

func partitionAsKmsg(p FetchPartition) kmsg.FetchResponseTopicPartition {
	k := kmsg.NewFetchResponseTopicPartition()
	k.Partition, k.ErrorCode, k.HighWatermark = p.Partition, p.ErrorCode, p.HighWatermark
	k.LastStableOffset, k.LogStartOffset, k.PreferredReadReplica = p.LastStableOffset, p.LogStartOffset, p.PreferredReadReplica
	k.RecordBatches = bytes.Join(p.Records, nil)
	if p.AbortedTransactions != nil {
		k.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	for _, a := range p.AbortedTransactions {
		k.AbortedTransactions = append(k.AbortedTransactions,
			kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset})
	}
	if d := p.DivergingEpoch; d != nil {
		k.DivergingEpoch.Epoch, k.DivergingEpoch.EndOffset = d.Epoch, d.EndOffset
	}
	if l := p.CurrentLeader; l != nil {
		k.CurrentLeader.LeaderID, k.CurrentLeader.LeaderEpoch = l.LeaderID, l.LeaderEpoch
	}
	if s := p.SnapshotID; s != nil {
		k.SnapshotID.EndOffset, k.SnapshotID.Epoch = s.EndOffset, s.Epoch
	}
	return k
}
