package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// golden is a frame without its length, recorded between a client and Apache Kafka 4.3.1. A line of the files in
// testdata/frames is direction, sender and bytes: "request java 0003...".
type golden struct {
	file, direction, sender string
	frame                   []byte
}

func goldenFrames(t testing.TB) (all []golden) {
	t.Helper()
	files, err := filepath.Glob("testdata/frames/*.hex")
	if err != nil || len(files) < 200 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			words := strings.Fields(line)
			frame, err := hex.DecodeString(words[2])
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all = append(all, golden{filepath.Base(file), words[0], words[1], frame})
		}
	}
	return all
}

func TestRequestsThatKafkaAnsweredAreDecoded(t *testing.T) {
	for _, g := range goldenFrames(t) {
		if g.direction != "request" {
			continue
		}
		r, err := ParseRequest(g.frame)
		if err != nil {
			t.Errorf("%s from %s: %v", g.file, g.sender, err)
			continue
		}
		m, err := r.Decode()
		if err != nil {
			t.Errorf("%s from %s: %v", g.file, g.sender, err)
			continue
		}
		again := Request{Key: r.Key, Version: r.Version, Body: m.AppendTo(nil)}
		if second, err := again.Decode(); err != nil || !reflect.DeepEqual(m, second) {
			t.Errorf("%s from %s changes: %v\n%+v\n%+v", g.file, g.sender, err, m, second)
		}
	}
}

// responseKind finds key and version of a golden file by its request.
func responseKinds(t testing.TB) map[string]kmsg.Response {
	kinds := map[string]kmsg.Response{}
	for _, g := range goldenFrames(t) {
		if g.direction == "request" {
			m := kmsg.ResponseForKey(int16(binary.BigEndian.Uint16(g.frame)))
			m.SetVersion(int16(binary.BigEndian.Uint16(g.frame[2:])))
			kinds[g.file] = m
		}
	}
	return kinds
}

func TestResponseHeadersAreKafkas(t *testing.T) {
	kinds := responseKinds(t)
	for _, g := range goldenFrames(t) {
		m := kinds[g.file]
		if g.direction != "response" || m == nil {
			continue
		}
		header := AppendResponseHeader(nil, m.Key(), m.GetVersion(), int32(binary.BigEndian.Uint32(g.frame)))
		if !bytes.HasPrefix(g.frame, header) {
			t.Errorf("%s: header %x, Kafka's %x", g.file, header, g.frame[:8])
		}
		if err := m.ReadFrom(g.frame[len(header):]); err != nil {
			t.Errorf("%s: %v", g.file, err)
		}
	}
}

func TestFetchResponsesAreByteForByteKafkas(t *testing.T) {
	kinds, n := responseKinds(t), 0
	for _, g := range goldenFrames(t) {
		m, ok := kinds[g.file].(*kmsg.FetchResponse)
		if !ok || g.direction != "response" {
			continue
		}
		body := g.frame[len(AppendResponseHeader(nil, 1, m.Version, 0)):]
		if err := m.ReadFrom(body); err != nil {
			t.Fatalf("%s: %v", g.file, err)
		}
		if got := bytes.Join(fromKmsg(m).AppendBuffers(m.Version), nil); !bytes.Equal(got, body) {
			t.Errorf("%s:\ngot  %x\nwant %x", g.file, got, body)
		}
		n++
	}
	if n < 10 {
		t.Errorf("only %d of them", n)
	}
}

func fromKmsg(k *kmsg.FetchResponse) *FetchResponse {
	r := &FetchResponse{ThrottleMillis: k.ThrottleMillis, ErrorCode: k.ErrorCode, SessionID: k.SessionID}
	for _, kt := range k.Topics {
		topic := FetchTopic{Topic: kt.Topic, TopicID: kt.TopicID}
		for _, kp := range kt.Partitions {
			p := FetchPartition{
				Partition: kp.Partition, ErrorCode: kp.ErrorCode, HighWatermark: kp.HighWatermark,
				LastStableOffset: kp.LastStableOffset, LogStartOffset: kp.LogStartOffset,
				PreferredReadReplica: kp.PreferredReadReplica, Records: [][]byte{kp.RecordBatches},
			}
			if kp.AbortedTransactions != nil {
				p.AbortedTransactions = []AbortedTransaction{}
			}
			for _, a := range kp.AbortedTransactions {
				p.AbortedTransactions = append(p.AbortedTransactions, AbortedTransaction{a.ProducerID, a.FirstOffset})
			}
			if d := kp.DivergingEpoch; d.Epoch != -1 || d.EndOffset != -1 {
				p.DivergingEpoch = &EpochEnd{d.Epoch, d.EndOffset}
			}
			if l := kp.CurrentLeader; l.LeaderID != -1 || l.LeaderEpoch != -1 {
				p.CurrentLeader = &CurrentLeader{l.LeaderID, l.LeaderEpoch}
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		r.Topics = append(r.Topics, topic)
	}
	return r
}

// The kinds of records by topic and key type: the first number of a key.
var recordKinds = map[string]map[int16][2]RecordKind{
	"group": {
		0:  {RecordLegacyOffsetCommitKey, RecordLegacyOffsetCommitValue},
		1:  {RecordOffsetCommitKey, RecordOffsetCommitValue},
		2:  {RecordGroupMetadataKey, RecordGroupMetadataValue},
		3:  {RecordConsumerGroupMetadataKey, RecordConsumerGroupMetadataValue},
		4:  {RecordConsumerGroupPartitionMetadataKey, RecordConsumerGroupPartitionMetadataValue},
		5:  {RecordConsumerGroupMemberMetadataKey, RecordConsumerGroupMemberMetadataValue},
		6:  {RecordConsumerGroupTargetAssignmentMetadataKey, RecordConsumerGroupTargetAssignmentMetadataValue},
		7:  {RecordConsumerGroupTargetAssignmentMemberKey, RecordConsumerGroupTargetAssignmentMemberValue},
		8:  {RecordConsumerGroupCurrentMemberAssignmentKey, RecordConsumerGroupCurrentMemberAssignmentValue},
		10: {RecordShareGroupMemberMetadataKey, RecordShareGroupMemberMetadataValue},
		11: {RecordShareGroupMetadataKey, RecordShareGroupMetadataValue},
		12: {RecordShareGroupTargetAssignmentMetadataKey, RecordShareGroupTargetAssignmentMetadataValue},
		13: {RecordShareGroupTargetAssignmentMemberKey, RecordShareGroupTargetAssignmentMemberValue},
		14: {RecordShareGroupCurrentMemberAssignmentKey, RecordShareGroupCurrentMemberAssignmentValue},
		15: {RecordShareGroupStatePartitionMetadataKey, RecordShareGroupStatePartitionMetadataValue},
		16: {RecordConsumerGroupRegularExpressionKey, RecordConsumerGroupRegularExpressionValue},
		17: {RecordStreamsGroupMetadataKey, RecordStreamsGroupMetadataValue},
		19: {RecordStreamsGroupMemberMetadataKey, RecordStreamsGroupMemberMetadataValue},
		20: {RecordStreamsGroupTargetAssignmentMetadataKey, RecordStreamsGroupTargetAssignmentMetadataValue},
		21: {RecordStreamsGroupTargetAssignmentMemberKey, RecordStreamsGroupTargetAssignmentMemberValue},
		22: {RecordStreamsGroupCurrentMemberAssignmentKey, RecordStreamsGroupCurrentMemberAssignmentValue},
		23: {RecordStreamsGroupTopologyKey, RecordStreamsGroupTopologyValue},
	},
	"control":     {0: {RecordControlRecordTypeSchema, RecordEndTxnMarker}, 1: {RecordControlRecordTypeSchema, RecordEndTxnMarker}},
	"transaction": {0: {RecordTransactionLogKey, RecordTransactionLogValue}},
	"share":       {0: {RecordShareSnapshotKey, RecordShareSnapshotValue}, 1: {RecordShareUpdateKey, RecordShareUpdateValue}},
}

// testdata/records.hex holds records that Apache Kafka 4.3.1 wrote to its internal topics: topic, key, value.
func TestRecordsThatKafkaWrotePass(t *testing.T) {
	b, err := os.ReadFile("testdata/records.hex")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		key, _ := hex.DecodeString(words[1])
		value, _ := hex.DecodeString(words[2])
		kinds, ok := recordKinds[words[0]][int16(binary.BigEndian.Uint16(key))]
		if !ok {
			t.Errorf("no kind for %s", line)
			continue
		}
		if err := CheckRecord(kinds[0], recordShapes[kinds[0]].min, key[2:]); err != nil {
			t.Errorf("key: %v: %x", err, key)
		}
		version, body := int16(binary.BigEndian.Uint16(value)), value[2:]
		for n := range body {
			if err := CheckRecord(kinds[1], version, body[:n]); err == nil {
				t.Errorf("%v version %d cut at %d of %d passes", kinds[1], version, n, len(body))
			}
		}
		if err := CheckRecord(kinds[1], version, body); err != nil {
			t.Errorf("value: %v: %x", err, value)
		}
	}
}
