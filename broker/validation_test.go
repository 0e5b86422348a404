package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/internal/metric"
)

// wordy is a validator that refuses what begins with "bad".
type wordy struct{ away atomic.Bool }

type verdict struct {
	reason    string
	retriable bool
}

func (v verdict) Error() string   { return v.reason }
func (v verdict) SchemaID() int   { return 17 }
func (v verdict) Retriable() bool { return v.retriable }

func (w *wordy) Field(topic string, key bool, level, strategy string) func(data, header []byte) error {
	return func(data, header []byte) error {
		switch {
		case w.away.Load():
			return verdict{"not read yet", true}
		case strings.HasPrefix(string(data), "bad"), strings.HasPrefix(string(header), "bad"):
			return verdict{fmt.Sprintf("%s (%s, key %v, %s, %s)", data, topic, key, level, strategy), false}
		}
		return nil
	}
}

// demanding makes a topic with one partition.
func demanding(t *testing.T, b *brokertest.Broker, topic string, keys ...string) {
	t.Helper()
	set := map[string]*string{}
	for _, pair := range keys {
		key, value, _ := strings.Cut(pair, "=")
		set[key] = &value
	}
	if resp, err := kadm.NewClient(b.Client(t)).CreateTopic(t.Context(), 1, 1, set, topic); err != nil || resp.Err != nil {
		t.Fatal(err, resp.ErrMessage)
	}
}

// oneBatch is a client whose records of one ProduceSync are one batch.
func oneBatch(t *testing.T, b *brokertest.Broker, topic string, opts ...kgo.Opt) *kgo.Client {
	return b.Client(t, append([]kgo.Opt{kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(20 * time.Millisecond), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
}

func values(list ...string) (out []*kgo.Record) {
	for _, v := range list {
		out = append(out, kgo.StringRecord(v))
	}
	return out
}

// readAll answers "offset value" of so many committed records.
func readAll(t *testing.T, b *brokertest.Broker, topic string, n int) (out []*kgo.Record) {
	t.Helper()
	cl := b.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	for len(out) < n {
		f := cl.PollFetches(patient(t))
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d records of %s: %v", len(out), n, topic, err)
		}
		out = append(out, f.Records()...)
	}
	return out
}

func offsets(records []*kgo.Record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d:%s", r.Offset, r.Value))
	}
	return out
}

func end(t *testing.T, b *brokertest.Broker, topic string) int64 {
	t.Helper()
	ends, err := kadm.NewClient(b.Client(t)).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := ends.Lookup(topic, 0)
	return o.Offset
}

func counters(node *brokertest.Broker) map[string]float64 {
	out := map[string]float64{}
	node.Node().Collect(false, func(s metric.Sample) { out[s.Name] = s.Value })
	return out
}

// TestABatchWithABadRecordIsRefused: nothing of it is appended, the answer says which records and why, and the producer goes on.
func TestABatchWithABadRecordIsRefused(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Validate(&wordy{}))
	demanding(t, b, "orders", "mainstem.value.schema.validation=decode", "mainstem.key.schema.validation=id", "mainstem.key.subject.name.strategy=record")
	cl := oneBatch(t, b, "orders", kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err := cl.ProduceSync(t.Context(), values("one")...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for _, batch := range [][]string{{"bad first", "good"}, {"good", "bad last"}} { // a broker once kept the last verdict only
		for _, r := range cl.ProduceSync(t.Context(), values(batch...)...) {
			if !errors.Is(r.Err, kerr.InvalidRecord) {
				t.Errorf("%v: %v", batch, r.Err)
			}
		}
	}
	if err := cl.ProduceSync(t.Context(), values("two")...).FirstErr(); err != nil {
		t.Errorf("the producer cannot go on: %v", err)
	}
	if got := offsets(readAll(t, b, "orders", 2)); !slices.Equal(got, []string{"0:one", "1:two"}) {
		t.Error(got)
	}

	part := produceRaw(t, b, "orders", idempotentBatch(-1, -1, -1, "bad"))
	if part.ErrorCode != kerr.InvalidRecord.Code || part.BaseOffset != -1 || len(part.ErrorRecords) != 1 {
		t.Fatalf("%+v", part)
	}
	reason := "value: bad (orders, key false, decode, topic)"
	if e := part.ErrorRecords[0]; e.RelativeOffset != 0 || *e.ErrorMessage != reason {
		t.Errorf("record %d: %s", e.RelativeOffset, *e.ErrorMessage)
	}
	want := "invalid record: 1 of the 1 records for orders-0 do not pass the schema validation of the topic; record 0: " + reason
	if *part.ErrorMessage != want {
		t.Errorf("got  %s\nwant %s", *part.ErrorMessage, want)
	}
	if end(t, b, "orders") != 2 {
		t.Error("a refused batch was appended")
	}
}

func TestValidationOfKeysHeadersAndTombstones(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Validate(&wordy{}))
	demanding(t, b, "keys", "confluent.key.schema.validation=true")
	demanding(t, b, "values", "mainstem.value.schema.validation=id", "mainstem.schema.validation.tombstones=deny")
	cl := b.Client(t)
	for _, c := range []struct {
		record *kgo.Record
		refuse bool
	}{
		{&kgo.Record{Topic: "keys", Key: []byte("bad")}, true},
		{&kgo.Record{Topic: "keys", Key: []byte("good"), Value: []byte("bad")}, false},
		{&kgo.Record{Topic: "keys", Value: []byte("bad")}, false}, // a key that is null passes
		{&kgo.Record{Topic: "keys", Key: []byte("good"), Headers: []kgo.RecordHeader{{Key: "__key_schema_id", Value: []byte("bad")}}}, true},
		{&kgo.Record{Topic: "keys", Key: []byte("good"), Headers: []kgo.RecordHeader{{Key: "__value_schema_id", Value: []byte("bad")}}}, false},
		{&kgo.Record{Topic: "values", Value: []byte("good"), Headers: []kgo.RecordHeader{{Key: "__value_schema_id", Value: []byte("bad")}}}, true},
		{&kgo.Record{Topic: "values", Key: []byte("k")}, true},
		{&kgo.Record{Topic: "values", Key: []byte("k"), Value: []byte{}}, false}, // empty is not null: the validator says
	} {
		err := cl.ProduceSync(t.Context(), c.record).FirstErr()
		if c.refuse != errors.Is(err, kerr.InvalidRecord) || !c.refuse && err != nil {
			t.Errorf("%s %q=%q %v: %v", c.record.Topic, c.record.Key, c.record.Value, c.record.Headers, err)
		}
	}
}

// TestBadRecordsGoToTheDeadLetterTopic: the others keep their offsets, with every codec, and with none of them left.
func TestBadRecordsGoToTheDeadLetterTopic(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t, brokertest.Validate(&wordy{}))
			demanding(t, b, "in", "mainstem.value.schema.validation=decode", "mainstem.value.schema.validation.action=dlq")
			cl := oneBatch(t, b, "in", kgo.ProducerBatchCompression(codec))
			first := values("a", "bad 1", "b", "bad 2", "c")
			first[1].Key, first[1].Headers = []byte("k"), []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}
			for _, batch := range [][]*kgo.Record{first, values("bad 3", "bad 4"), values("d")} {
				if err := cl.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			if got := offsets(readAll(t, b, "in", 4)); !slices.Equal(got, []string{"0:a", "2:b", "4:c", "7:d"}) {
				t.Errorf("left are %v", got)
			}
			dead := readAll(t, b, "in.dlq", 4)
			if got := offsets(dead); !slices.Equal(got, []string{"0:bad 1", "1:bad 2", "2:bad 3", "3:bad 4"}) {
				t.Errorf("dead are %v", got)
			}
			want := []string{
				"h=v", "mainstem.dlq.topic=in", "mainstem.dlq.partition=0", "mainstem.dlq.index=1", "mainstem.dlq.principal=User:ANONYMOUS", "mainstem.dlq.field=value",
				"mainstem.dlq.reason=bad 1 (in, key false, decode, topic)", "mainstem.dlq.schema.id=17",
			}
			var got []string
			for _, h := range dead[0].Headers {
				got = append(got, h.Key+"="+string(h.Value))
			}
			if !slices.Equal(got, want) || string(dead[0].Key) != "k" || !dead[0].Timestamp.Equal(first[1].Timestamp) {
				t.Errorf("the letter is %q at %v with %q\nwant %q", dead[0].Key, dead[0].Timestamp, got, want)
			}
			b.PowerLoss(7)
			if err := cl.ProduceSync(t.Context(), values("e")...).FirstErr(); err != nil {
				t.Errorf("the producer's sequence is lost: %v", err)
			}
			if got := offsets(readAll(t, b, "in", 5)); got[4] != "8:e" {
				t.Errorf("after a restart %v", got)
			}
		})
	}
}

// TestDeadLettersOfATransaction are outside of it; a batch of which nothing is left does not disturb it.
func TestDeadLettersOfATransaction(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Validate(&wordy{}))
	demanding(t, b, "in", "mainstem.value.schema.validation=decode", "mainstem.value.schema.validation.action=dlq", "mainstem.schema.validation.dlq.topic=graves")
	cl := oneBatch(t, b, "in", kgo.TransactionalID("t"))
	for _, tx := range []struct {
		batches [][]*kgo.Record
		commit  kgo.TransactionEndTry
	}{
		{[][]*kgo.Record{values("bad 1"), values("a", "bad 2")}, kgo.TryCommit},
		{[][]*kgo.Record{values("lost", "bad 3")}, kgo.TryAbort},
		{[][]*kgo.Record{values("bad 4")}, kgo.TryCommit},
		{[][]*kgo.Record{values("b")}, kgo.TryCommit},
	} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, batch := range tx.batches {
			if err := cl.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(t.Context(), tx.commit); err != nil {
			t.Fatal(err)
		}
	}
	// 0 bad 1, 1 a, 2 bad 2, 3 marker, 4 lost, 5 bad 3, 6 marker, 7 bad 4, 8 marker, 9 b
	if got := offsets(readAll(t, b, "in", 2)); !slices.Equal(got, []string{"1:a", "9:b"}) {
		t.Errorf("left are %v", got)
	}
	if got := offsets(readAll(t, b, "graves", 4)); !slices.Equal(got, []string{"0:bad 1", "1:bad 2", "2:bad 3", "3:bad 4"}) {
		t.Errorf("dead are %v", got)
	}
}

// TestNothingIsAppendedWithoutItsDeadLetters: the producer is told to try again, or what to set.
func TestNothingIsAppendedWithoutItsDeadLetters(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Validate(&wordy{}))
	dlq := []string{"mainstem.value.schema.validation=decode", "mainstem.value.schema.validation.action=dlq"}
	demanding(t, b, "own", append(dlq, "mainstem.schema.validation.dlq.topic=own")...)
	demanding(t, b, "no", append(dlq, "mainstem.schema.validation.dlq.topic=no topic's name")...)
	for topic, want := range map[string]*kerr.Error{"own": kerr.InvalidConfig, "no": kerr.RequestTimedOut} {
		if part := produceRaw(t, b, topic, idempotentBatch(-1, -1, -1, "bad")); part.ErrorCode != want.Code {
			t.Errorf("%s: %v, want %v", topic, kerr.ErrorForCode(part.ErrorCode), want)
		}
		if end(t, b, topic) != 0 {
			t.Errorf("%s: something was appended", topic)
		}
	}
}

// TestAWarningAppends counts and logs, once a minute for a topic.
func TestAWarningAppends(t *testing.T) {
	t.Parallel()
	w := &wordy{}
	b := brokertest.Start(t, brokertest.Validate(w))
	demanding(t, b, "in", "redpanda.value.schema.id.validation=true", "mainstem.value.schema.validation.action=warn")
	cl := oneBatch(t, b, "in")
	if err := cl.ProduceSync(t.Context(), values("bad", "good")...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.away.Store(true)
	if err := cl.ProduceSync(t.Context(), values("good")...).FirstErr(); err != nil {
		t.Errorf("a validator that cannot tell holds up what is only warned about: %v", err)
	}
	got := counters(b)
	for name, want := range map[string]float64{"records_total": 3, "warned_total": 2, "rejected_total": 0, "dead_letters_total": 0} {
		if got["mainstem_schema_validation_"+name] != want {
			t.Errorf("%s is %v, want %v", name, got["mainstem_schema_validation_"+name], want)
		}
	}
}

// TestAValidatorThatCannotTell makes producers try again.
func TestAValidatorThatCannotTell(t *testing.T) {
	t.Parallel()
	w := &wordy{}
	b := brokertest.Start(t, brokertest.Validate(w))
	demanding(t, b, "in", "mainstem.value.schema.validation=id")
	w.away.Store(true)
	if part := produceRaw(t, b, "in", idempotentBatch(-1, -1, -1, "good")); part.ErrorCode != kerr.RequestTimedOut.Code {
		t.Errorf("%+v", part)
	}
	time.AfterFunc(50*time.Millisecond, func() { w.away.Store(false) })
	if err := b.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte("good")}).FirstErr(); err != nil {
		t.Error(err)
	}
}

// TestWithoutAValidator a topic cannot demand one, and one that does from before takes nothing.
func TestWithoutAValidator(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	demanding(t, b, "in", "mainstem.value.schema.validation.action=dlq")
	set := kadm.AlterConfig{Op: kadm.SetConfig, Name: "confluent.value.schema.validation", Value: kadm.StringPtr("true")}
	resp, err := kadm.NewClient(b.Client(t)).AlterTopicConfigs(context.Background(), []kadm.AlterConfig{set}, "in")
	if err != nil {
		t.Fatal(err)
	}
	if r := resp[0]; !errors.Is(r.Err, kerr.InvalidConfig) || !strings.Contains(r.ErrMessage, "--roles broker,registry") {
		t.Errorf("%v: %s", r.Err, r.ErrMessage)
	}
	if err := b.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: []byte("bad")}).FirstErr(); err != nil {
		t.Error(err)
	}
}
