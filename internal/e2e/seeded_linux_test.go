package e2e

import (
	"testing"
	"time"
)

// TestSeededAckBeforeFsyncOnDisk: within forty power losses TestPowerLoss must miss records that were acknowledged too early,
// see one acknowledged when the disk was gone, or
// meet a broker that does not start. Ten were enough nearly always, but a cut that falls between two groups shows nothing.
func TestSeededAckBeforeFsyncOnDisk(t *testing.T) {
	skipSeeded(t)
	began, seed := time.Now(), Seed(t)
	run := newOutage(t, Options{Binary: Binary(t, "bug_ack_before_fsync"), Settings: small(nil)}, "ext4", seed)
	for cycle := range 40 {
		unfounded := run.cut(t, cycle)
		run.server.Launch()
		if !run.server.Ready(30 * time.Second) { // a group of its journal was acknowledged, and its bytes lent to others, too early
			Note(t, began, "bug_ack_before_fsync is found by TestPowerLoss: the broker does not start after power loss %d", cycle+1)
			return
		}
		if report := run.audit.Continue(run.server.Addr()); report.Lost() > 0 || unfounded > 0 {
			Note(t, began, "bug_ack_before_fsync is found by TestPowerLoss: power loss %d, %d lost, %d acknowledged without a disk", cycle+1, report.Lost(), unfounded)
			return
		}
	}
	t.Fatal("TestPowerLoss does not find bug_ack_before_fsync within forty power losses")
}
