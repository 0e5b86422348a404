package streams_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/streams"
)

var (
	lines  = streams.NewTopic("lines", streams.String, streams.String)
	counts = streams.NewTopic("counts", streams.String, streams.Int64)
)

func wordCount(t *testing.T) *streams.Topology {
	t.Helper()
	b := streams.NewBuilder()
	b.Stream(lines).
		FlatMapValues(strings.FieldsSeq).
		GroupBy(func(_, word string) string { return word }, streams.String).
		Count("word-counts").
		Stream().
		To(counts)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// testLog writes the library's log to the test's.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// start runs an application until the answer is called.
func start(t *testing.T, topo *streams.Topology, c streams.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- streams.Run(ctx, topo, c) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the application ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the application did not end")
		}
	}
	t.Cleanup(stop)
	return stop
}

func create(t *testing.T, cl *kgo.Client, partitions int32, topics ...string) {
	t.Helper()
	resp, err := kadm.NewClient(cl).CreateTopics(t.Context(), partitions, 1, nil, topics...)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// last reads committed records of a topic until each key has the value that is wanted, or time is up.
func last(t *testing.T, cl *kgo.Client, topic string, want map[string]int64) (records int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	got := map[string]int64{}
	cl.AddConsumeTopics(topic)
	for !maps.Equal(got, want) {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("got %v, want %v", got, want)
		}
		f.EachRecord(func(r *kgo.Record) {
			n, err := streams.Int64.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			got[string(r.Key)] = n
			records++
		})
	}
	return records
}

func total(m map[string]int64) (n int64) {
	for _, c := range m {
		n += c
	}
	return n
}

// TestWordCountRuns: two instances, one of which leaves, count words in either guarantee; the counts go on after a restart.
func TestWordCountRuns(t *testing.T) {
	t.Parallel()
	for _, g := range []streams.Guarantee{streams.AtLeastOnce, streams.ExactlyOnce} {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			b := brokertest.Start(t)
			cl := b.Client(t)
			create(t, cl, 3, "lines", "counts")
			topo := wordCount(t)
			config := func(dir string) streams.Config {
				return streams.Config{AppID: "wc", Brokers: []string{b.Addr()}, Guarantee: g, CommitInterval: 100 * time.Millisecond, StateDir: dir, Workers: 2, Logger: testLog(t)}
			}
			one, two := t.TempDir(), t.TempDir()
			exact := g == streams.ExactlyOnce
			stopOne := start(t, topo, config(one))
			want := map[string]int64{}
			say := func(n int) {
				for i := range n {
					text := fmt.Sprintf("w%d w%d w%d", i%7, i%3, i%11)
					for w := range strings.FieldsSeq(text) {
						want[w]++
					}
					cl.Produce(t.Context(), &kgo.Record{Topic: "lines", Key: []byte(fmt.Sprint(i)), Value: []byte(text)}, nil)
				}
				if err := cl.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			say(100)
			last(t, b.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted())), "counts", want)
			start(t, topo, config(two))
			say(100)
			last(t, b.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted())), "counts", want)
			stopOne()
			say(100)
			last(t, b.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted())), "counts", want)
			start(t, topo, config(one))
			say(100)
			records := last(t, b.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted())), "counts", want)
			if all := int(total(want)); exact && records != all {
				t.Errorf("%d counts were written for %d words", records, all)
			}
		})
	}
}
