package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The tests below show that the tests above have teeth (P22): a build with a bug of a known name must be found out by the
// test that is there to find it.

// TestSeededAckBeforeFsync: the bug acknowledges a group before the journal has it. TestPowerLossInMemory must report
// acknowledged records as lost, or a journal that holds other bytes than were acknowledged, because they were lent to the
// next request too early; so must TestPowerLoss where file systems can be mounted (TestSeededAckBeforeFsyncOnDisk).
func TestSeededAckBeforeFsync(t *testing.T) {
	skipSeeded(t)
	began := time.Now()
	cmd := exec.Command("go", "test", "-count=1", "-tags", "bug_ack_before_fsync", "-run", "^TestPowerLossInMemory$", ".")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL: TestPowerLossInMemory") {
		t.Fatalf("TestPowerLossInMemory does not find bug_ack_before_fsync: %v\n%s", err, out)
	}
	symptom := regexp.MustCompile(`after power loss .* [1-9]\d* lost|log is corrupt: journal record of .*`).FindString(string(out))
	if symptom == "" {
		t.Fatalf("TestPowerLossInMemory fails with bug_ack_before_fsync, but for another reason: %v\n%s", err, out)
	}
	Note(t, began, "bug_ack_before_fsync is found by TestPowerLossInMemory: %s", symptom)
}

// TestSeededDedupLost: the bug forgets what producers sent when the broker starts. TestRetryAcrossRestart must see a batch
// that is appended a second time.
func TestSeededDedupLost(t *testing.T) {
	found(t, "bug_dedup_lost", "TestRetryAcrossRestart", "again after the restart: offset 6", retryAcrossRestart)
}

// TestSeededEpochUnchecked: the bug leaves leader epochs as they are when a broker comes back. TestEpochsAcrossRestart must
// see an epoch that did not rise.
func TestSeededEpochUnchecked(t *testing.T) {
	found(t, "bug_epoch_unchecked", "TestEpochsAcrossRestart", "it must rise", epochsAcrossRestart)
}

// found runs a scenario against a build with a bug, for both ways to restart, and requires that each finds it.
func found(t *testing.T, tag, by, symptom string, scenario func(*testing.T, *Server, func(*Server)) error) {
	t.Helper()
	skipSeeded(t)
	began := time.Now()
	for name, end := range restarts {
		err := scenario(t, StartServer(t, Options{Binary: Binary(t, tag), Settings: small(nil)}), end)
		if err == nil || !strings.Contains(err.Error(), symptom) {
			t.Fatalf("%s/%s does not find %s: it says %v, want %q", by, name, tag, err, symptom)
		}
	}
	Note(t, began, "%s is found by %s", tag, by)
}

func skipSeeded(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("short: builds of their own take their time")
	}
}
