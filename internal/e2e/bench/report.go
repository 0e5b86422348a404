package main

import (
	"bytes"
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
}

var targets = []target{
	{"max-100B", "records_per_sec", "100 B, acks=all, fsynced, 16 partitions: records/s", func(o, k float64) bool { return o >= 1e6 && o >= k }, ">= 1 M and >= 1.0x Kafka without fsync"},
	{"max-100B", "server_cpu_sec_per_gb", "the same: server CPU-s/GB", func(o, k float64) bool { return k == 0 || o <= 0.5*k }, "<= 0.5x Kafka"},
	{"max-1KB", "mb_per_sec", "1 KB, fsynced: MB/s", func(o, k float64) bool { return o > 119 && o >= k }, "> 119 and >= 1.0x Kafka"},
	{"max-1KB", "server_cpu_sec_per_gb", "the same: server CPU-s/GB", func(o, k float64) bool { return o <= 3.8 && (k == 0 || o <= 0.5*k) }, "<= 3.8 and <= 0.5x Kafka"},
	{"max-1KB-lz4", "records_per_sec", "1 KB, lz4, fsynced: records/s", func(o, _ float64) bool { return o > 417e3 }, "> 417 k"},
	{"consume-100B", "records_per_sec", "consume 100 B: records/s", func(o, k float64) bool { return o >= k }, ">= 1.0x Kafka"},
	{"consume-100B", "server_cpu_sec_per_gb", "the same: server CPU-s/GB", func(o, k float64) bool { return k == 0 || o <= k }, "<= 1.0x Kafka"},
	{"consume-1KB", "mb_per_sec", "consume 1 KB: MB/s", func(o, k float64) bool { return o >= k }, ">= 1.0x Kafka"},
	{"consume-1KB", "server_cpu_sec_per_gb", "the same: server CPU-s/GB", func(o, k float64) bool { return k == 0 || o <= k }, "<= 1.0x Kafka"},
	{"sync-64", "records_per_sec", "64 synchronous producers, fsynced: records/s", func(o, _ float64) bool { return o >= 20e3 }, ">= 20 k"},
	{"sync-64", "p99_ms", "the same: p99 ms", func(o, _ float64) bool { return o < 33 }, "< 33"},
	{"rate-2000", "p99_ms", "open loop 2,000/s, fsynced: p99 ms", func(o, _ float64) bool { return o <= 5 }, "<= 5"},
	{"rate-2000", "p999_ms", "the same: p99.9 ms", func(o, _ float64) bool { return o < 18 }, "< 18"},
	{"rate-20000", "p99_ms", "open loop 20,000/s, fsynced: p99 ms", func(o, _ float64) bool { return o < 5.6 }, "< 5.6"},
	{"e2e-2000", "p99_ms", "end to end 2,000/s, fsynced: p99 ms", func(o, _ float64) bool { return o < 10.6 }, "< 10.6"},
	{"max-1000-parts", "records_per_sec", "100 B, 1,000 partitions, fsynced: records/s", func(o, _ float64) bool { return o > 119e3 }, "> 119 k; within 20 % of 16 partitions at equal batches"},
	{"figures", "first_metadata_ms", "start to the first Metadata, empty directory: ms", func(o, _ float64) bool { return o < 50 }, "< 50"},
	{"figures", "idle_rss_mb", "idle memory: MB", func(o, _ float64) bool { return o < 25 }, "< 25"},
	{"figures", "idle_cpu_percent", "idle CPU: % of a core", func(o, _ float64) bool { return o < 0.5 }, "< 0.5"},
	{"figures", "replay_start_s", "start after kill -9 that replays the journal: s", func(o, _ float64) bool { return o < 8 }, "< 8 for 1 GiB"},
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

// write puts every measurement into results.json and the targets into RESULTS.md.
func (b *bench) write() error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(b.results, "", " ")
	if err != nil {
		return err
	}
	name := "results"
	if b.kafka {
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
		met := "yes"
		if !g.ok(ours, kafka) {
			met = "**no**"
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | `%s` |\n", g.what, g.want, number(ours), number(kafka), number(fsync), met, g.job)
	}
	fmt.Print("\n", t.String())
	return os.WriteFile(filepath.Join(b.out, name+".md"), []byte("<!-- Written by `make bench` and `make bench-kafka`: medians of "+fmt.Sprint(b.rounds)+" rounds. -->\n\n"+t.String()), 0o600)
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
