package schemaregistry_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

type asValidator struct{ v *schemaregistry.Validator }

func (a asValidator) Validate(p broker.Payload) (int32, error) {
	return a.v.Validate(p.Topic, p.Key, p.Level, p.Strategy, p.Data, p.Header)
}

// guarded is a broker whose topics can validate, and a client of its registry.
func guarded(t *testing.T) (*brokertest.Broker, *sr.Client) {
	t.Helper()
	b := brokertest.Start(t)
	r, err := schemaregistry.New(schemaregistry.Config{
		Brokers: []string{b.Addr()}, Listener: "127.0.0.1:0", Client: []kgo.Opt{kgo.Dialer(b.Dial)}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the registry's end, read once
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the registry ended with %v", err)
		}
	})
	b.SetValidator(asValidator{r.Validator()})
	cl, err := sr.NewClient(sr.URLs("http://" + r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	return b, cl
}

func topic(t *testing.T, cl *kgo.Client, name string, configs ...string) {
	t.Helper()
	c := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		c[configs[i]] = &configs[i+1]
	}
	resp, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, 1, c, name)
	if err == nil {
		err = resp.Err
	}
	if err != nil {
		t.Fatal(err)
	}
}

func register(t *testing.T, cl *sr.Client, subject string, s sr.Schema) int {
	t.Helper()
	out, err := cl.CreateSchema(t.Context(), subject, s)
	if err != nil {
		t.Fatal(err)
	}
	return out.ID
}

// framed is Confluent's wire form.
func framed(id int, data ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), data...)
}

const personSchema = `{"type":"record","name":"Person","namespace":"x","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"}]}`

// ann is a Person: "Ann", 30.
var ann = []byte{6, 'A', 'n', 'n', 60}

// send produces values as one batch and answers the error.
func send(t *testing.T, cl *kgo.Client, topic string, values ...[]byte) error {
	t.Helper()
	var rs []*kgo.Record
	for _, v := range values {
		rs = append(rs, &kgo.Record{Topic: topic, Value: v})
	}
	return cl.ProduceSync(t.Context(), rs...).FirstErr()
}

// TestBadRecordsAreRefused: whatever is wrong with a record, its batch is refused with the reason, and nothing is appended.
func TestBadRecordsAreRefused(t *testing.T) {
	t.Parallel()
	b, reg := guarded(t)
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		t.Run(fmt.Sprint(codec), func(t *testing.T) {
			cl := b.Client(t, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(10*time.Millisecond))
			name := fmt.Sprintf("people-%d", time.Now().UnixNano())
			topic(t, cl, name, "mainstem.value.schema.validation", "decode")
			id := register(t, reg, name+"-value", sr.Schema{Schema: personSchema})
			other := register(t, reg, "other-value", sr.Schema{Schema: `"string"`})
			good := framed(id, ann...)
			for what, bad := range map[string][]byte{
				"no framing": []byte("hello"), "a short value": {0, 0}, "an unknown id": framed(9999, ann...), "another subject's id": framed(other, 2, 'x'),
				"cut data": framed(id, ann[:3]...), "bytes behind": framed(id, append(slices.Clone(ann), 0)...),
			} {
				if err := send(t, cl, name, good, bad, good); err == nil || !strings.Contains(err.Error(), kerr.InvalidRecord.Message) {
					t.Errorf("%s: the producer gets %v", what, err)
				}
			}
			if err := send(t, cl, name, good, good, nil); err != nil {
				t.Errorf("good records and a tombstone: %v", err)
			}
			ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if o, _ := ends.Lookup(name, 0); o.Offset != 3 {
				t.Errorf("the topic ends at %d, want 3", o.Offset)
			}
		})
	}
}

// TestDeadLetters: bad records go aside with what is wrong with them; the good ones keep their offsets, a transactional producer its
// transaction, and a batch of bad ones alone leaves offsets that hold nothing.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	b, reg := guarded(t)
	cl := b.Client(t, kgo.TransactionalID("tx"), kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.ProducerLinger(10*time.Millisecond))
	topic(t, cl, "people", "mainstem.value.schema.validation", "decode", "mainstem.value.schema.validation.action", "dlq")
	id := register(t, reg, "people-value", sr.Schema{Schema: personSchema})
	good := framed(id, ann...)
	for _, batch := range [][][]byte{{good, []byte("bad1"), good}, {[]byte("bad2")}, {good}} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := send(t, cl, "people", batch...); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	if got := values(t, b, "people", 3); !slices.Equal(got, []string{"0", "2", "6"}) {
		t.Errorf("offsets of what was appended: %v", got)
	}
	consumer := b.Client(t, kgo.ConsumeTopics("people.dlq"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	var letters []*kgo.Record
	for ctx, n := patient(t), 0; n < 2; n = len(letters) {
		f := consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d dead letters", len(letters))
		}
		letters = append(letters, f.Records()...)
	}
	h := map[string]string{}
	for _, x := range letters[0].Headers {
		h[x.Key] = string(x.Value)
	}
	want := map[string]string{
		"mainstem.dlq.topic": "people", "mainstem.dlq.partition": "0", "mainstem.dlq.index": "1", "mainstem.dlq.principal": "User:ANONYMOUS", "mainstem.dlq.field": "value",
	}
	for k, v := range want {
		if h[k] != v {
			t.Errorf("header %s is %q, want %q", k, h[k], v)
		}
	}
	if string(letters[0].Value) != "bad1" || !strings.Contains(h["mainstem.dlq.reason"], "no schema id") {
		t.Errorf("the first dead letter is %q: %v", letters[0].Value, h)
	}
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// values reads n records and answers their offsets.
func values(t *testing.T, b *brokertest.Broker, topic string, n int) (offsets []string) {
	t.Helper()
	cl := b.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	for ctx := patient(t); len(offsets) < n; {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("got offsets %v", offsets)
		}
		f.EachRecord(func(r *kgo.Record) { offsets = append(offsets, fmt.Sprint(r.Offset)) })
	}
	return offsets
}

// TestStrategiesAndFormats: Protobuf and JSON Schema, names of other vendors, keys, and the strategies by record name.
func TestStrategiesAndFormats(t *testing.T) {
	t.Parallel()
	b, reg := guarded(t)
	cl := b.Client(t)
	topic(t, cl, "proto", "confluent.value.schema.validation", "true")
	topic(t, cl, "json", "mainstem.value.schema.validation", "decode")
	topic(t, cl, "named", "mainstem.value.schema.validation", "decode", "confluent.value.subject.name.strategy", "io.confluent.kafka.serializers.subject.RecordNameStrategy")
	topic(t, cl, "keys", "mainstem.key.schema.validation", "id", "mainstem.schema.validation.tombstones", "deny", "redpanda.value.schema.id.validation", "true")
	proto := register(t, reg, "proto-value", sr.Schema{Type: sr.TypeProtobuf, Schema: "syntax = \"proto3\"; message A { string s = 1; message B { int32 n = 1; } }"})
	js := register(t, reg, "json-value", sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`})
	named := register(t, reg, "x.Person", sr.Schema{Schema: personSchema})
	key := register(t, reg, "keys-key", sr.Schema{Schema: `"string"`})
	val := register(t, reg, "keys-value", sr.Schema{Schema: `"string"`})
	for _, c := range []struct {
		name, topic string
		key, value  []byte
		bad         string // part of the reason
	}{
		{"the first message", "proto", nil, framed(proto, 0, 10, 1, 'x'), ""},
		{"a nested message", "proto", nil, framed(proto, 4, 0, 0, 8, 1), ""},
		{"a message that is not there", "proto", nil, framed(proto, 2, 8), "no such message"},
		{"JSON", "json", nil, framed(js, []byte(`{"n":1}`)...), ""},
		{"JSON without what it needs", "json", nil, framed(js, []byte(`{}`)...), "n"},
		{"no JSON", "json", nil, framed(js, '{'), "no JSON"},
		{"a subject by the record's name", "named", nil, framed(named, ann...), ""},
		{"a key", "keys", framed(key, 2, 'k'), framed(val, 2, 'v'), ""},
		{"a bad key", "keys", []byte("k"), framed(val, 2, 'v'), "key: no schema id"},
		{"a tombstone where there may be none", "keys", framed(key, 2, 'k'), nil, "null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			meta, err := kadm.NewClient(cl).Metadata(patient(t), c.topic)
			if err != nil {
				t.Fatal(err)
			}
			req := produceRequest(c.topic, c.key, c.value)
			req.Topics[0].TopicID = meta.Topics[c.topic].ID // by name or by id: the client chooses the version
			resp, err := req.RequestWith(patient(t), cl)
			if err != nil {
				t.Fatal(err)
			}
			p := resp.Topics[0].Partitions[0]
			if c.bad == "" {
				if p.ErrorCode != 0 {
					t.Errorf("refused with %d: %v", p.ErrorCode, deref(p.ErrorMessage))
				}
				return
			}
			if p.ErrorCode != kerr.InvalidRecord.Code || len(p.ErrorRecords) != 1 || !strings.Contains(deref(p.ErrorRecords[0].ErrorMessage), c.bad) {
				out, _ := json.Marshal(p)
				t.Errorf("answered %s, want a reason with %q", out, c.bad)
			}
		})
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// produceRequest is a produce of one record, by hand: clients do not show the reasons of single records.
func produceRequest(topic string, key, value []byte) *kmsg.ProduceRequest {
	r := kmsg.Record{Key: key, Value: value}
	size := len(r.AppendTo(nil)) - 1 // without the length, which is one byte here
	r.Length = int32(size)
	body := r.AppendTo(nil)
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: 1, MaxTimestamp: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: body,
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	raw := batch.AppendTo(nil)
	batch.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(9)
	req.Acks, req.TimeoutMillis = -1, 10_000
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = batch.AppendTo(nil)
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	return req
}
