package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// patient is a context that ends before the test runner loses patience.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// write produces values one by one to partition 0 and answers the offsets.
func write(t *testing.T, cl *kgo.Client, topic string, values ...string) (offsets []int64) {
	t.Helper()
	for _, v := range values {
		r, err := cl.ProduceSync(patient(t), &kgo.Record{Topic: topic, Value: []byte(v)}).First()
		if err != nil {
			t.Fatalf("produce %q: %v", v, err)
		}
		offsets = append(offsets, r.Offset)
	}
	return offsets
}

// read answers the first n values of partition 0.
func read(t *testing.T, b *brokertest.Broker, topic string, n int) (values []string) {
	t.Helper()
	cl := b.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}))
	for ctx := patient(t); len(values) < n; {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(values), n, err)
		}
		f.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func create(t *testing.T, b *brokertest.Broker, topic string, configs map[string]*string) *kadm.Client {
	t.Helper()
	adm := kadm.NewClient(b.Client(t))
	if _, err := adm.CreateTopic(patient(t), 1, 1, configs, topic); err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
	return adm
}

func TestAcknowledgedRecordsSurviveAPowerCut(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	cl := b.Client(t)
	var want []string
	for round := range uint64(5) {
		for i := range 20 {
			want = append(want, fmt.Sprintf("round %d, record %d", round, i))
			write(t, cl, "t", want[len(want)-1])
		}
		b.PowerLoss(round)
		for i, got := range read(t, b, "t", len(want)) {
			if got != want[i] {
				t.Fatalf("after power cut %d offset %d holds %q, want %q", round, i, got, want[i])
			}
		}
	}
}

func TestARetryAcrossARestartIsNoDuplicate(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	batch := idempotentBatch(7000, 0, 0, "once")
	first := produceRaw(t, b, "t", batch)
	b.PowerLoss(1)
	again := produceRaw(t, b, "t", batch)
	if first.ErrorCode != 0 || again.ErrorCode != 0 || again.BaseOffset != first.BaseOffset {
		t.Fatalf("first: error %d offset %d; retry: error %d offset %d", first.ErrorCode, first.BaseOffset, again.ErrorCode, again.BaseOffset)
	}
	if got := read(t, b, "t", 1); len(got) != 1 {
		t.Fatalf("the log holds %q", got)
	}
}

func TestARestartBeginsANewLeaderEpoch(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	write(t, b.Client(t), "t", "a")
	b.Restart()
	req := kmsg.NewPtrListOffsetsRequest()
	req.Version = 7
	topic, part := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	topic.Topic, part.Timestamp, part.CurrentLeaderEpoch = "t", -1, 0
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	answer, err := b.Client(t).Broker(1).Request(patient(t), req) // one broker: the client must not retry for us
	if err != nil {
		t.Fatal(err)
	}
	resp := answer.(*kmsg.ListOffsetsResponse)
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != kerr.FencedLeaderEpoch.Code {
		t.Fatalf("epoch 0 after a restart: error %v, want FENCED_LEADER_EPOCH", kerr.ErrorForCode(code))
	}
}

func TestNothingIsAcknowledgedAfterAFailedSync(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	cl := b.Client(t, kgo.RecordDeliveryTimeout(2*time.Second), kgo.RequestRetries(1), kgo.DisableIdempotentWrite())
	write(t, cl, "t", "before")
	b.FailSyncs(syscall.EIO)
	if err := cl.ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: []byte("after")}).FirstErr(); err == nil {
		t.Fatal("a record was acknowledged whose sync failed")
	}
	if err := b.Wait(10 * time.Second); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the broker ended with %v, want EIO: its last log directory is gone", err)
	}
}

func TestAFullDiskIsAnErrorAndARestartRecovers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	cl := b.Client(t, kgo.RecordDeliveryTimeout(2*time.Second), kgo.RequestRetries(1), kgo.DisableIdempotentWrite(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	want := []string{"a", "b", "c"}
	write(t, cl, "t", want...)
	b.Fill(4096)
	full := false
	for range 40 {
		if err := cl.ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: make([]byte, 2000)}).FirstErr(); err != nil {
			full = true
			break
		}
	}
	if !full {
		t.Fatal("a full disk took everything")
	}
	if err := b.Wait(10 * time.Second); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the broker ended with %v, want ENOSPC", err)
	}
	b.Repair()
	b.Restart()
	for i, v := range read(t, b, "t", len(want)) {
		if v != want[i] {
			t.Fatalf("offset %d holds %q, want %q", i, v, want[i])
		}
	}
}

// TestEmptyRequestsGetAnAnswer sends every served API, in every version, with nothing in it: an answer, or a closed
// connection, and a broker that lives on (WIRE-10).
func TestEmptyRequestsGetAnAnswer(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Set("auto.create.topics.enable", "false"))
	for _, a := range broker.APIs() {
		for v := a.Min; a.Served && v <= a.Max; v++ {
			askAnything(t, b, a, v)
		}
	}
	create(t, b, "alive", nil)
}

func askAnything(t *testing.T, b *brokertest.Broker, a broker.API, version int16) {
	t.Helper()
	conn, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req := kmsg.RequestForKey(a.Key)
	req.SetVersion(version)
	if p, ok := req.(*kmsg.ProduceRequest); ok {
		p.Acks = 1 // 0 has no answer
	}
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, 1)
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	head := make([]byte, 8)
	if n, err := conn.Read(head); err != nil && !isClosed(err) {
		t.Errorf("%s version %d: %d bytes, then %v", a.Name, version, n, err)
	}
}

func isClosed(err error) bool {
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}

func TestTopicConfigurationTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	adm := create(t, b, "t", nil)
	cl := b.Client(t, kgo.ProducerBatchCompression(kgo.NoCompression()))
	write(t, cl, "t", string(make([]byte, 3000)))
	small := "1000"
	if _, err := adm.AlterTopicConfigs(patient(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &small}}, "t"); err != nil {
		t.Fatal(err)
	}
	err := cl.ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: make([]byte, 3000)}).FirstErr()
	if !errors.Is(err, kerr.MessageTooLarge) {
		t.Fatalf("a batch above the new limit: %v", err)
	}
}

func TestManyProducersAndAConsumerAgree(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Set("log.segment.bytes", "1048576"))
	create(t, b, "t", nil)
	cl := b.Client(t, kgo.DefaultProduceTopic("t"))
	ctx, n := patient(t), 3000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		v := make([]byte, 4+r.IntN(2000))
		copy(v, fmt.Sprintf("%04d", i))
		cl.Produce(ctx, &kgo.Record{Value: v}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for i, v := range read(t, b, "t", n) {
		if v[:4] != fmt.Sprintf("%04d", i) {
			t.Fatalf("offset %d holds record %s", i, v[:4])
		}
	}
}
