package streams_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/streams"
)

// The application of the kill test: its records say everything that went wrong. echo repeats the input, counts numbers each key's
// records, sums adds them up behind a repartition topic, pairs joins two streams.
func killTopology() (*streams.Topology, error) {
	in := streams.NewTopic("in", streams.String, streams.Int64)
	b := streams.NewBuilder()
	s := b.Stream(in)
	s.To(streams.NewTopic("echo", streams.String, streams.Int64))
	s.GroupByKey().Count("n").Stream().To(streams.NewTopic("counts", streams.String, streams.Int64))
	s.GroupBy(func(_ string, v int64) string { return fmt.Sprint("g", v%5) }, streams.String).
		Aggregate("sum", func() int64 { return 0 }, func(_ string, v, sum int64) int64 { return sum + v }, streams.Int64).
		Stream().To(streams.NewTopic("sums", streams.String, streams.Int64))
	return b.Build()
}

// TestKillChild is the application in a process of its own; the kill test starts it.
func TestKillChild(t *testing.T) {
	addr := os.Getenv("KILL_BROKER")
	if addr == "" {
		t.Skip("it is started by TestKill")
	}
	topo, err := killTopology()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	err = streams.Run(ctx, topo, streams.Config{
		AppID: "kill", Brokers: []string{addr}, Guarantee: streams.ExactlyOnce, StateDir: os.Getenv("KILL_DIR"), Workers: 2,
		SessionTimeout: 6 * time.Second, TransactionTimeout: 5 * time.Second, CommitInterval: 50 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// child starts an instance; its output is the test's when it fails.
func child(t *testing.T, addr, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), "KILL_BROKER="+addr, "KILL_DIR="+dir)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestKill kills instances of an exactly-once application with SIGKILL while records flow, then checks that every record had its
// effects once. KILL_CYCLES and KILL_SEED choose how often and when.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for half a minute; run without -short")
	}
	cycles, seed := 6, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("KILL_CYCLES")); err == nil {
		cycles = n
	}
	if n, err := strconv.ParseUint(os.Getenv("KILL_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d, %d kills", seed, cycles)
	rng := rand.New(rand.NewPCG(seed, 7))
	b := brokertest.Start(t)
	cl := b.Client(t)
	create(t, cl, 4, "in", "echo", "counts", "sums")
	ctx, stopLoad := context.WithCancel(t.Context())
	input := make(chan map[string][]int64, 1)
	go func() { input <- load(ctx, cl) }()
	dirs := []string{t.TempDir(), t.TempDir()}
	running := []*exec.Cmd{child(t, b.Addr(), dirs[0]), child(t, b.Addr(), dirs[1])}
	for range cycles {
		time.Sleep(time.Duration(500+rng.IntN(3000)) * time.Millisecond)
		i := rng.IntN(2)
		if err := running[i].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = running[i].Wait()
		running[i] = child(t, b.Addr(), dirs[i])
	}
	stopLoad()
	sent := <-input
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkExact(t, b, sent)
	for _, c := range running {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("an instance did not end well: %v", err)
		}
	}
	checkSettled(t, cl)
}

// load produces numbered values until ctx ends and answers what it sent by key.
func load(ctx context.Context, cl *kgo.Client) map[string][]int64 {
	sent := map[string][]int64{}
	for i := int64(0); ctx.Err() == nil; i++ {
		key := fmt.Sprint("k", i%23)
		v, _ := streams.Int64.Append(nil, i)
		cl.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: "in", Key: []byte(key), Value: v}, nil)
		sent[key] = append(sent[key], i)
		time.Sleep(200 * time.Microsecond)
	}
	return sent
}

// committed reads n records of a topic as a reader of committed ones, by key; fewer within two minutes is an error.
func committed(t *testing.T, b *brokertest.Broker, topic string, n int) map[string][]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cl := b.Client(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	out, got := map[string][]int64{}, 0
	for got < n {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("topic %s: %d of %d records", topic, got, n)
		}
		f.EachRecord(func(r *kgo.Record) {
			v, err := streams.Int64.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[string(r.Key)] = append(out[string(r.Key)], v)
			got++
		})
	}
	if got != n {
		t.Errorf("topic %s: %d records for %d", topic, got, n)
	}
	return out
}

// checkExact recomputes every output from the input.
func checkExact(t *testing.T, b *brokertest.Broker, sent map[string][]int64) {
	t.Helper()
	n := 0
	sums := map[string]int64{}
	for _, vs := range sent {
		n += len(vs)
		for _, v := range vs {
			sums[fmt.Sprint("g", v%5)] += v
		}
	}
	echo := committed(t, b, "echo", n)
	for k, vs := range sent {
		if !slices.Equal(echo[k], vs) {
			t.Errorf("echo of %s: %d records, want %d; first difference at %d", k, len(echo[k]), len(vs), differs(echo[k], vs))
		}
	}
	for k, vs := range committed(t, b, "counts", n) {
		for i, v := range vs {
			if v != int64(i)+1 {
				t.Errorf("count %d of %s is %d", i+1, k, v)
				break
			}
		}
	}
	got := map[string]int64{}
	for k, vs := range committed(t, b, "sums", n) {
		got[k] = vs[len(vs)-1]
	}
	if !maps.Equal(got, sums) {
		t.Errorf("sums %v, want %v", got, sums)
	}
	t.Logf("%d records, each with its effects once", n)
}

func differs(a, b []int64) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// checkSettled: no transaction is open when all instances have left.
func checkSettled(t *testing.T, cl *kgo.Client) {
	t.Helper()
	adm := kadm.NewClient(cl)
	topics := []string{"echo", "counts", "sums"}
	ends, err := adm.ListEndOffsets(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	stable, err := adm.ListCommittedOffsets(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if s, ok := stable.Lookup(o.Topic, o.Partition); !ok || s.Offset != o.Offset {
			t.Errorf("%s-%d ends at %d, its last stable offset is %d", o.Topic, o.Partition, o.Offset, s.Offset)
		}
	})
}
