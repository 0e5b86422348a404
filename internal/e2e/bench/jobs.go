package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// job is one workload, in the words of broker.md 12.1: its number there, and the client's arguments.
type job struct {
	name  string
	args  []string
	fsync bool // also measured on Kafka with flush.messages=1
	ours  bool // measured on our broker alone
	tls   bool // over the TLS listener
}

// jobs run in this order; consume jobs read what the produce job before them wrote.
var jobs = []job{
	{name: "warm-up", args: words("produce --topic warm --records 500000 --size 100")},
	{name: "max-100B", args: words("produce --topic b16 --records 4000000 --size 100"), fsync: true},
	{name: "consume-100B", args: words("consume --topic b16")},
	{name: "max-1KB", args: words("produce --topic k16 --records 500000 --size 1000"), fsync: true},
	{name: "consume-1KB", args: words("consume --topic k16")},
	{name: "max-1KB-lz4", args: words("produce --topic z16 --records 1000000 --size 1000 --compression lz4")},
	{name: "sync-64", args: words("produce --topic s16 --producers 64 --duration 10s --size 100"), fsync: true},
	{name: "rate-2000", args: words("produce --topic r16 --rate 2000 --duration 15s --size 100"), fsync: true},
	{name: "rate-20000", args: words("produce --topic r16 --rate 20000 --duration 10s --size 100")},
	{name: "e2e-2000", args: words("e2e --topic e16 --rate 2000 --duration 15s --size 100")},
	{name: "max-1000-parts", args: words("produce --topic p1000 --partitions 1000 --records 2000000 --size 100 --in-flight 2000000")},

	// What a single broker does besides: transactions, offsets, groups, TLS, compaction beside produce.
	{name: "txn-1", args: words("txn --topic t16 --producers 1 --duration 8s")},
	{name: "txn-64", args: words("txn --topic t16 --producers 64 --duration 8s")},
	{name: "commit-1000", args: words("commit --topic t16 --groups 1000 --rate 1000 --duration 10s")},
	{name: "commit-max", args: words("commit --topic t16 --groups 1000 --producers 64 --duration 8s")},
	{name: "consume-100B-tls", args: words("consume --topic b16"), ours: true, tls: true},
	{name: "rate-20000-compact", args: words("produce --topic c16 --keys 1000 --rate 20000 --duration 15s --size 100 " + rolling + compacting), ours: true},
	{name: "rate-20000-roll", args: words("produce --topic l16 --keys 1000 --rate 20000 --duration 15s --size 100 " + rolling), ours: true},
	{name: "rebalance", args: words("rebalance --topic g10000 --members 1000 --partitions 10000 --settle 20s"), ours: true},
	{name: "rebalance-classic", args: words("rebalance --topic g10000 --members 1000 --protocol classic"), ours: true},

	// The same batches for 16, 1,000 and 10,000 partitions: what a partition costs by being there.
	{name: "equal-16", args: words("produce --topic q16 --partitions 16 " + equal), ours: true},
	{name: "equal-1000", args: words("produce --topic q1000 --partitions 1000 " + equal), ours: true},
	{name: "equal-10000", args: words("produce --topic q10000 --partitions 10000 " + equal), ours: true},
}

// compacting keeps the cleaner at work all the time: small segments, a thousand keys, nothing to wait for.
const (
	rolling    = " --set segment.bytes=1048576 --set segment.ms=1000"
	compacting = " --set cleanup.policy=compact --set min.cleanable.dirty.ratio=0.01"
)

const equal = "--records 2000000 --size 100 --batch-bytes 4096 --in-flight 1000000"

func words(s string) []string { return strings.Fields(s) }

// client runs the benchmark's client on the second processor and reads its JSON.
func (b *bench) client(ctx context.Context, srv *server, s system, j job) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	args := append([]string{"-c", "1", b.binary, "bench"}, j.args...)
	address := srv.address
	if j.tls {
		address = srv.tls
		args = append(args, "-X", "tls.ca="+b.keyStore())
	}
	args = append(args, "-b", address, "--server-pid", fmt.Sprint(srv.pid), "--format", "json", "--timeout", "4m")
	if s.name == "kafka-fsync" && j.args[0] == "produce" {
		args = append(args, "--set", "flush.messages=1")
	}
	cmd := exec.CommandContext(ctx, "taskset", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("the client printed %q: %w", out, err)
	}
	values := map[string]float64{}
	for i, row := range rows {
		for k, v := range row {
			if f, ok := v.(float64); ok && i == 0 {
				values[k] = f
			} else if ok { // a second result, by its name
				values[fmt.Sprintf("%s.%s", row["job"], k)] = f
			}
		}
	}
	return values, nil
}

func brief(v map[string]float64) string {
	if v["records_per_sec"] == 0 || v["ops_per_sec"] > 0 {
		return fmt.Sprintf("%9.0f ops/s  %6.2f s  p50 %6.2f  p99 %7.2f ms  %6.2f CPU-s  then %.2f s, %.0f moved", v["ops_per_sec"], v["seconds"],
			v["p50_ms"], v["p99_ms"], v["server_cpu_sec"], v["one-more.seconds"], v["one-more.moved"])
	}
	return fmt.Sprintf("%9.0f rec/s  %6.1f MB/s  p50 %6.2f  p99 %7.2f ms  %6.3f CPU-s/M  %6.2f CPU-s/GB  %7.0f B/batch",
		v["records_per_sec"], v["mb_per_sec"], v["p50_ms"], v["p99_ms"], v["server_cpu_sec_per_m"], v["server_cpu_sec_per_gb"], v["bytes_per_batch"])
}
