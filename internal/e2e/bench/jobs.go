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

	// The same batches for 16, 1,000 and 10,000 partitions: what a partition costs by being there.
	{name: "equal-16", args: words("produce --topic q16 --partitions 16 " + equal), ours: true},
	{name: "equal-1000", args: words("produce --topic q1000 --partitions 1000 " + equal), ours: true},
	{name: "equal-10000", args: words("produce --topic q10000 --partitions 10000 " + equal), ours: true},
}

const equal = "--records 2000000 --size 100 --batch-bytes 4096 --in-flight 1000000"

func words(s string) []string { return strings.Fields(s) }

// client runs the benchmark's client on the second processor and reads its JSON.
func (b *bench) client(ctx context.Context, srv *server, s system, j job) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	args := append([]string{"-c", "1", b.binary, "bench"}, j.args...)
	args = append(args, "-b", srv.address, "--server-pid", fmt.Sprint(srv.pid), "--format", "json", "--timeout", "4m")
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
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) != 1 {
		return nil, fmt.Errorf("the client printed %q: %w", out, err)
	}
	values := map[string]float64{}
	for k, v := range rows[0] {
		if f, ok := v.(float64); ok {
			values[k] = f
		}
	}
	return values, nil
}

func brief(v map[string]float64) string {
	return fmt.Sprintf("%9.0f rec/s  %6.1f MB/s  p50 %6.2f  p99 %7.2f ms  %6.3f CPU-s/M  %6.2f CPU-s/GB  %7.0f B/batch",
		v["records_per_sec"], v["mb_per_sec"], v["p50_ms"], v["p99_ms"], v["server_cpu_sec_per_m"], v["server_cpu_sec_per_gb"], v["bytes_per_batch"])
}
