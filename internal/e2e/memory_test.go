package e2e

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// TestPowerLossInMemory is TestPowerLoss without root: the broker's own code in this process, on a disk in memory that
// forgets what was not synced and tears what was being written.
func TestPowerLossInMemory(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	cycles := Times(t, "E2E_POWER_CYCLES", 3, 40)
	var opts []brokertest.Option
	for key, value := range small(nil) {
		opts = append(opts, brokertest.Set(key, value))
	}
	b := brokertest.Start(t, opts...)
	CreateTopics(t, b.Addr(), mixedTopics...)
	cfg := LoadConfig{Address: b.Addr(), Topics: mixedTopics, Producers: 4, Seed: seed}
	if testing.Short() { // the race detector looks at every byte that is copied
		cfg.Rate, cfg.MaxSize = 30, 2000
	}
	load := StartLoad(t, cfg)
	audit, random, total := NewAudit(t, load), Random(seed, 1), &tally{}
	for cycle := range cycles {
		load.Await(t, 100, 20*time.Second)
		<-time.After(between(random, 0, 50*time.Millisecond))
		b.PowerLoss(seed + uint64(cycle))
		if report := audit.Continue(b.Addr()); len(report.Anomalies) > 0 {
			t.Fatalf("after power loss %d: %s", cycle+1, report)
		}
	}
	load.Stop(t, 20*time.Second)
	report := audit.Whole(b.Addr())
	if total.add(cycles, report); len(report.Anomalies) > 0 || len(load.History.Failures()) > 0 {
		t.Errorf("after %d power losses: %s; failures: %v", cycles, report, load.History.Failures())
	}
	Note(t, began, "%s", total)
}

// TestFsyncEIO has every fsync fail under load (P11): nothing that is sent from then on is acknowledged, the broker ends and
// says why, and what was acknowledged before is there at the next start.
func TestFsyncEIO(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	b := brokertest.Start(t)
	CreateTopics(t, b.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: b.Addr(), Topics: mixedTopics, Producers: 2, Rate: 50, MaxSize: 2000, Seed: seed})
	audit := NewAudit(t, load)
	load.Await(t, 100, 20*time.Second)
	b.FailSyncs(syscall.EIO)
	load.Dark()
	if err := b.Wait(10 * time.Second); !errors.Is(err, syscall.EIO) {
		t.Errorf("the broker ended with %v, want %v", err, syscall.EIO)
	}
	if n := load.Light(); n > 0 {
		t.Errorf("%d records were acknowledged that were sent when no fsync came through", n)
	}
	b.PowerLoss(seed) // what was written and not synced is of no use: it starts without
	if report := audit.Continue(b.Addr()); len(report.Anomalies) > 0 {
		t.Fatal(report)
	}
	load.Await(t, 100, 20*time.Second)
	load.Stop(t, 20*time.Second)
	report := audit.Whole(b.Addr())
	if len(report.Anomalies) > 0 || len(load.History.Failures()) > 0 {
		t.Errorf("%s; failures: %v", report, load.History.Failures())
	}
	Note(t, began, "%s", report)
}
