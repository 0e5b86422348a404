package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// figures measures the process itself: start, idle memory and CPU, recovery of a full journal.
func (b *bench) figures(ctx context.Context) error {
	for round := range b.rounds {
		values := map[string]float64{}
		dir := filepath.Join(b.work, fmt.Sprintf("figures-%d", round))
		srv, err := b.startMainstem(ctx, dir)
		if err != nil {
			return err
		}
		first, err := firstMetadata(ctx, srv)
		values["start_ms"], values["first_metadata_ms"] = srv.took.Seconds()*1e3, first.Seconds()*1e3+srv.took.Seconds()*1e3
		if err == nil {
			time.Sleep(20 * time.Second) // the spare journal files are written by then
			cpu := ticks(srv.pid)
			time.Sleep(10 * time.Second)
			values["idle_rss_mb"], values["idle_cpu_percent"] = rss(srv.pid), (ticks(srv.pid)-cpu)*10
		}
		srv.stop()
		if err != nil {
			return err
		}
		if err := b.replay(ctx, dir, values); err != nil {
			return err
		}
		b.results = append(b.results, outcome{"figures", "mainstem", round, values})
		fmt.Printf("figures        mainstem     round %d  %v\n", round+1, values)
	}
	return nil
}

// firstMetadata is the time of the first Metadata answer of a fresh client.
func firstMetadata(ctx context.Context, srv *server) (time.Duration, error) {
	began := time.Now()
	cl, err := kgo.NewClient(kgo.SeedBrokers(srv.address))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	err = cl.Ping(ctx)
	return time.Since(began), err
}

// replay fills the journal with close to 1 GiB, kills the broker, and times the start that replays it.
func (b *bench) replay(ctx context.Context, dir string, values map[string]float64) error {
	never := []string{"--set", "log.flush.offset.checkpoint.interval.ms=2147483647", "--set", "journal.file.bytes=1073741824"}
	srv, err := b.startMainstem(ctx, dir, never...)
	if err != nil {
		return err
	}
	j := job{args: words("produce --topic replay --records 1000000 --size 1000 --random")}
	if _, err := b.client(ctx, srv, system{"mainstem"}, j); err != nil {
		srv.stop()
		return err
	}
	_ = syscall.Kill(srv.pid, syscall.SIGKILL)
	for syscall.Kill(srv.pid, 0) == nil {
		time.Sleep(10 * time.Millisecond)
		_, _ = syscall.Wait4(srv.pid, nil, syscall.WNOHANG, nil)
	}
	values["journal_mb"] = size(filepath.Join(dir, "journal")) / 1e6
	again, err := b.startMainstem(ctx, dir, never...)
	if err != nil {
		return err
	}
	values["replay_start_s"] = again.took.Seconds()
	again.stop()
	return nil
}

func size(dir string) (bytes float64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			bytes += float64(info.Size())
		}
		return nil
	})
	return bytes
}

// rss is a process's resident memory in MB.
func rss(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6
		}
	}
	return 0
}

// ticks is a process's CPU time in seconds.
func ticks(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}
