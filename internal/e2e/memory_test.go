package e2e

import (
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// TestPowerLossInMemory is TestPowerLoss without root: the broker's own code in this process, on a disk in memory that
// forgets what was not synced and tears what was being written.
func TestPowerLossInMemory(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	cycles := Times(t, "E2E_POWER_CYCLES", 5, 40)
	var opts []brokertest.Option
	for key, value := range small(nil) {
		opts = append(opts, brokertest.Set(key, value))
	}
	b := brokertest.Start(t, opts...)
	CreateTopics(t, b.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: b.Addr(), Topics: mixedTopics, Producers: 4, Seed: seed})
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
