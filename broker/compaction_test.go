package broker_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// sizeOf is the bytes of a topic's logs.
func sizeOf(t *testing.T, adm *kadm.Client, topic string) (bytes int64) {
	t.Helper()
	dirs, err := adm.DescribeAllLogDirs(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	dirs.Each(func(d kadm.DescribedLogDir) {
		d.Topics.Each(func(p kadm.DescribedLogDirPartition) {
			if p.Topic == topic {
				bytes += p.Size
			}
		})
	})
	return bytes
}

// shrinks waits until the topic takes less than limit bytes.
func shrinks(t *testing.T, adm *kadm.Client, topic string, limit int64) {
	t.Helper()
	for range 600 {
		if sizeOf(t, adm, topic) < limit {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s has %d bytes, and should come below %d", topic, sizeOf(t, adm, topic), limit)
}

// TestACompactedTopicKeepsTheNewest: a consumer that comes late finds the newest value of each key, also after a power
// loss, and a producer goes on without a gap in its sequence.
func TestACompactedTopicKeepsTheNewest(t *testing.T) {
	t.Parallel()
	const keys, rounds = 50, 40
	b := brokertest.Start(t, brokertest.Set("log.cleaner.backoff.ms", "100"))
	cl := b.Client(t)
	adm := kadm.NewClient(cl)
	// The cleaner gets the topic only when all of it has been measured: on a slow machine it would be done before.
	set := map[string]*string{"cleanup.policy": new("delete"), "segment.ms": new("50"), "min.cleanable.dirty.ratio": new("0.01")}
	if _, err := adm.CreateTopic(t.Context(), 1, 1, set, "state"); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		for key := range keys {
			r := &kgo.Record{Topic: "state", Key: []byte(strconv.Itoa(key)), Value: fmt.Appendf(nil, "%d of round %d, %0200d", key, round, 0)}
			cl.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		if err := cl.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	full := sizeOf(t, adm, "state")
	compact := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: new("compact")}}
	if r, err := adm.AlterTopicConfigs(t.Context(), compact, "state"); err != nil || r[0].Err != nil {
		t.Fatal(err, r)
	}
	time.Sleep(60 * time.Millisecond)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "state", Key: []byte("last"), Value: []byte("rolls the segment")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	shrinks(t, adm, "state", full/4)
	b.PowerLoss(3)

	late := b.Client(t, kgo.ConsumeTopics("state"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	newest, read := map[string]string{}, 0
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for newest["last"] == "" {
		f := late.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d keys of %d: %v", len(newest), keys+1, f.Err())
		}
		f.EachRecord(func(r *kgo.Record) { newest[string(r.Key)] = string(r.Value); read++ })
	}
	for key := range keys {
		if want := fmt.Sprintf("%d of round %d, %0200d", key, rounds-1, 0); newest[strconv.Itoa(key)] != want {
			t.Errorf("key %d has %q", key, newest[strconv.Itoa(key)])
		}
	}
	if read > keys*rounds/2 {
		t.Errorf("read %d records of %d", read, keys*rounds)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "state", Key: []byte("more"), Value: []byte("v")}).FirstErr(); err != nil {
		t.Errorf("the producer cannot go on: %v", err)
	}
}

// TestTheLogOfOffsetsStaysSmall: a group that commits all the time does not make __consumer_offsets grow without end, and
// a coordinator that loads what is left knows the last commits.
func TestTheLogOfOffsetsStaysSmall(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.Set("log.cleaner.backoff.ms", "100"), brokertest.Set("offsets.topic.segment.bytes", "1048576"), brokertest.Set("offsets.topic.num.partitions", "1"))
	adm := kadm.NewClient(b.Client(t))
	if _, err := adm.CreateTopic(t.Context(), 4, 1, nil, "in"); err != nil {
		t.Fatal(err)
	}
	const commits = 500
	metadata := strings.Repeat("m", 3000)
	var offsets kadm.Offsets
	for i := range commits {
		offsets = kadm.Offsets{}
		for p := range int32(4) {
			offsets.Add(kadm.Offset{Topic: "in", Partition: p, At: int64(i), Metadata: metadata, LeaderEpoch: -1})
		}
		if err := adm.CommitAllOffsets(t.Context(), "g", offsets); err != nil {
			t.Fatal(err)
		}
	}
	shrinks(t, adm, "__consumer_offsets", 2_500_000) // all of it is six megabytes
	b.PowerLoss(5)
	adm = kadm.NewClient(b.Client(t))
	got, err := adm.FetchOffsets(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(4) {
		if o, ok := got.Lookup("in", p); !ok || o.At != commits-1 {
			t.Errorf("partition %d: committed %+v, want %d", p, o, commits-1)
		}
	}
}
