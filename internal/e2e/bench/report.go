package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// target is a figure of broker.md 12.2 and what it asks.
type target struct {
	job, value string
	what       string
	ok         func(ours, kafka float64) bool
	want       string
	over       string // the figure is the ratio to this job's
}

var targets = []target{
	{job: "max-100B", value: "records_per_sec", what: "100 B, acks=all, fsynced, 16 partitions: records/s", ok: func(o, k float64) bool { return o >= 1e6 && o >= k }, want: ">= 1 M and >= 1.0x Kafka without fsync"},
	{job: "max-100B", value: "server_cpu_sec_per_gb", what: "the same: server CPU-s/GB", ok: func(o, k float64) bool { return k == 0 || o <= 0.5*k }, want: "<= 0.5x Kafka"},
	{job: "max-1KB", value: "mb_per_sec", what: "1 KB, fsynced: MB/s", ok: func(o, k float64) bool { return o > 119 && o >= k }, want: "> 119 and >= 1.0x Kafka"},
	{job: "max-1KB", value: "server_cpu_sec_per_gb", what: "the same: server CPU-s/GB", ok: func(o, k float64) bool { return o <= 3.8 && (k == 0 || o <= 0.5*k) }, want: "<= 3.8 and <= 0.5x Kafka"},
	{job: "max-1KB-lz4", value: "records_per_sec", what: "1 KB, lz4, fsynced: records/s", ok: func(o, _ float64) bool { return o > 417e3 }, want: "> 417 k"},
	{job: "consume-100B", value: "records_per_sec", what: "consume 100 B: records/s", ok: func(o, k float64) bool { return o >= k }, want: ">= 1.0x Kafka"},
	{job: "consume-100B", value: "server_cpu_sec_per_gb", what: "the same: server CPU-s/GB", ok: func(o, k float64) bool { return k == 0 || o <= k }, want: "<= 1.0x Kafka"},
	{job: "consume-1KB", value: "mb_per_sec", what: "consume 1 KB: MB/s", ok: func(o, k float64) bool { return o >= k }, want: ">= 1.0x Kafka"},
	{job: "consume-1KB", value: "server_cpu_sec_per_gb", what: "the same: server CPU-s/GB", ok: func(o, k float64) bool { return k == 0 || o <= k }, want: "<= 1.0x Kafka"},
	{job: "sync-64", value: "records_per_sec", what: "64 synchronous producers, fsynced: records/s", ok: func(o, _ float64) bool { return o >= 20e3 }, want: ">= 20 k"},
	{job: "sync-64", value: "p99_ms", what: "the same: p99 ms", ok: func(o, _ float64) bool { return o < 33 }, want: "< 33"},
	{job: "rate-2000", value: "p99_ms", what: "open loop 2,000/s, fsynced: p99 ms", ok: func(o, _ float64) bool { return o <= 5 }, want: "<= 5"},
	{job: "rate-2000", value: "p999_ms", what: "the same: p99.9 ms", ok: func(o, _ float64) bool { return o < 18 }, want: "< 18"},
	{job: "rate-20000", value: "p99_ms", what: "open loop 20,000/s, fsynced: p99 ms", ok: func(o, _ float64) bool { return o < 5.6 }, want: "< 5.6"},
	{job: "e2e-2000", value: "p99_ms", what: "end to end 2,000/s, fsynced: p99 ms", ok: func(o, _ float64) bool { return o < 10.6 }, want: "< 10.6"},
	{job: "max-1000-parts", value: "records_per_sec", what: "100 B, 1,000 partitions, fsynced: records/s", ok: func(o, _ float64) bool { return o > 119e3 }, want: "> 119 k"},
	{job: "txn-1", value: "p50_ms", what: "a transaction of 10 records, fsynced: p50 ms", ok: func(o, _ float64) bool { return o < 5 }, want: "< 5"},
	{job: "txn-64", value: "ops_per_sec", what: "the same by 64 producers: transactions/s", ok: func(o, k float64) bool { return o >= 3000 && o >= k }, want: ">= 3,000 and >= 1.0x Kafka"},
	{job: "commit-1000", value: "server_cpu_sec", what: "1,000 groups, each commits once a second, 10 s: server CPU-s", ok: func(o, _ float64) bool { return o < 0.5 }, want: "< 0.5 (5 % of a core)"},
	{job: "commit-max", value: "ops_per_sec", what: "offset commits, fsynced: commits/s", ok: func(o, _ float64) bool { return o >= 10e3 }, want: ">= 10 k"},
	{job: "consume-100B-tls", value: "records_per_sec", what: "consume 100 B over TLS, over plaintext", ok: func(o, _ float64) bool { return o >= 0.5 }, want: ">= 0.5", over: "consume-100B"},
	{job: "rate-20000-compact", value: "p99_ms", what: "open loop 20,000/s while the topic is compacted all the time: p99 over the same without", ok: func(o, _ float64) bool { return o <= 2 }, want: "<= 2", over: "rate-20000-roll"},
	{job: "rebalance", value: "seconds", what: "KIP-848, 1,000 members over 10,000 partitions: s until all is settled", ok: func(o, _ float64) bool { return o < 2 }, want: "< 2"},
	{job: "rebalance", value: "one-more.seconds", what: "the same, one member more", ok: func(o, _ float64) bool { return o < 2 }, want: "< 2"},
	{job: "rebalance", value: "one-more.moved", what: "the same: partitions that move", ok: func(o, _ float64) bool { return o <= 10 }, want: "<= 10"},
	{job: "rebalance-classic", value: "seconds", what: "classic, 1,000 members over 10,000 partitions: s", ok: func(o, _ float64) bool { return o < 2 }, want: "< 2"},
	{job: "equal-1000", value: "records_per_sec", what: "4 KiB batches: 1,000 partitions over 16, records/s", ok: func(o, _ float64) bool { return o >= 0.8 }, want: ">= 0.8", over: "equal-16"},
	{job: "equal-10000", value: "records_per_sec", what: "4 KiB batches: 10,000 partitions over 16, records/s", ok: func(o, _ float64) bool { return o >= 0.8 }, want: ">= 0.8", over: "equal-16"},
	{job: "figures", value: "first_metadata_ms", what: "start to the first Metadata, empty directory: ms", ok: func(o, _ float64) bool { return o < 50 }, want: "< 50"},
	{job: "figures", value: "idle_rss_mb", what: "idle memory: MB", ok: func(o, _ float64) bool { return o < 25 }, want: "< 25"},
	{job: "figures", value: "idle_cpu_percent", what: "idle CPU: % of a core", ok: func(o, _ float64) bool { return o < 0.5 }, want: "< 0.5"},
	{job: "figures", value: "replay_start_s", what: "start after kill -9 that replays the journal: s", ok: func(o, _ float64) bool { return o < 8 }, want: "< 8 for 1 GiB"},
}

// median of a value over the rounds of a job on a system; 0 when it was not measured.
func (b *bench) median(job, system, value string) float64 {
	var all []float64
	for _, r := range b.results {
		if r.Job == job && r.System == system {
			all = append(all, r.Values[value])
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// write puts every measurement so far into results.json and the targets into results.md.
func (b *bench) write(rounds int) error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(b.results, "", " ")
	if err != nil {
		return err
	}
	name := cmp.Or(b.name, "results")
	if b.name == "" && b.kafka {
		name = "results-kafka"
	}
	if err := os.WriteFile(filepath.Join(b.out, name+".json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	var t bytes.Buffer
	fmt.Fprintf(&t, "| figure | target | Mainstem | Kafka | Kafka, fsync | met | job |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, g := range targets {
		ours, kafka, fsync := b.median(g.job, "mainstem", g.value), b.median(g.job, "kafka", g.value), b.median(g.job, "kafka-fsync", g.value)
		if ours == 0 {
			continue
		}
		if g.over != "" {
			ours /= b.median(g.over, "mainstem", g.value)
		}
		met := "yes"
		if !g.ok(ours, kafka) {
			met = "**no**"
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | `%s` |\n", g.what, g.want, number(ours), number(kafka), number(fsync), met, g.job)
	}
	fmt.Print("\n", t.String())
	return os.WriteFile(filepath.Join(b.out, name+".md"), []byte("<!-- Written by `make bench` and `make bench-kafka`: medians over rounds, here "+fmt.Sprint(rounds)+". -->\n\n"+t.String()), 0o600)
}

func number(f float64) string {
	switch {
	case f == 0:
		return "-"
	case f >= 10_000:
		return fmt.Sprintf("%.0f k", f/1000)
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}
