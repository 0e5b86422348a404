package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestShutdown stops the broker with SIGTERM under load, again and again (P20): each stop is clean and within three seconds,
// leaves the marker that saves the next start a recovery, and the producers, who only repeat, notice nothing.
func TestShutdown(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, seed := time.Now(), Seed(t)
	cycles := Times(t, "E2E_SHUTDOWN_CYCLES", 20, 20)
	s := StartServer(t, Options{Settings: small(nil)})
	CreateTopics(t, s.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: mixedTopics, Producers: 4, Seed: seed})
	audit, random, total := NewAudit(t, load), Random(seed, 1), &tally{}
	var slowest time.Duration
	for cycle := range cycles {
		load.Await(t, 200, 20*time.Second)
		<-time.After(between(random, 0, 300*time.Millisecond))
		took := s.Stop()
		if slowest = max(slowest, took); took > 3*time.Second {
			t.Errorf("stop %d took %v; its log:\n%s", cycle+1, took, s.Log())
		}
		marker := filepath.Join(s.Dir(), ".kafka_cleanshutdown")
		if _, err := os.Stat(marker); err != nil {
			t.Errorf("no marker of a clean shutdown: %v", err)
		}
		s.Start()
		if _, err := os.Stat(marker); err == nil {
			t.Errorf("%s is still there while the broker runs: a crash would be taken for a clean stop", marker)
		}
		if report := audit.Continue(s.Addr()); len(report.Anomalies) > 0 {
			t.Fatalf("after stop %d: %s\nkept: %s", cycle+1, report, keep(t, s))
		}
	}
	load.Stop(t, 20*time.Second)
	for _, err := range load.History.Failures() {
		t.Errorf("a client noticed: %v", err)
	}
	report := audit.Whole(s.Addr())
	if total.add(cycles, report); len(report.Anomalies) > 0 {
		t.Error(report)
	}
	Note(t, began, "%s, slowest stop %v", total, slowest.Round(time.Millisecond))
}

// TestShutdownSecondSignal sends a second SIGTERM while the first is obeyed: the broker ends at once, and that loses nothing.
func TestShutdownSecondSignal(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, seed, total := time.Now(), Seed(t), &tally{}
	s := StartServer(t, Options{Settings: small(nil)})
	CreateTopics(t, s.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: mixedTopics, Producers: 4, Seed: seed})
	audit, random, early := NewAudit(t, load), Random(seed, 1), 0
	const cycles = 8
	for range cycles {
		load.Await(t, 200, 20*time.Second)
		s.Signal(syscall.SIGTERM)
		<-time.After(between(random, 0, 4*time.Millisecond))
		second := time.Now()
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		code, ended := s.Exit(2 * time.Second)
		if !ended {
			t.Fatalf("the broker still runs 2 s after the second SIGTERM; its log:\n%s", s.Log())
		}
		if code != 0 { // ended by the signal, not by itself
			if early++; time.Since(second) > 500*time.Millisecond {
				t.Errorf("the second signal took %v", time.Since(second))
			}
		}
		s.Start()
		report := audit.Continue(s.Addr())
		if total.add(1, &Report{}); len(report.Anomalies) > 0 {
			t.Fatalf("%s\nkept: %s", report, keep(t, s))
		}
	}
	if early == 0 {
		t.Errorf("of %d second signals none came before the stop was over: nothing was tested", cycles)
	}
	load.Stop(t, 20*time.Second)
	report := audit.Whole(s.Addr())
	if total.add(0, report); len(report.Anomalies) > 0 {
		t.Error(report)
	}
	Note(t, began, "%s, %d ended by the second signal", total, early)
}

// TestShutdownTwoBrokers starts a second broker on the directory of the first: it is refused with the code for conflicts,
// a message that names the other process, and no harm done.
func TestShutdownTwoBrokers(t *testing.T) {
	began := time.Now()
	first := StartServer(t, Options{})
	second := NewServer(t, Options{Dir: first.Dir()})
	second.Launch()
	code, ended := second.Exit(10 * time.Second)
	if !ended || code != 7 {
		t.Errorf("the second broker on a data directory: ended %v, with %s; want exit code 7", ended, second.State())
	}
	for _, want := range []string{"in use by another process", "DISK-004", strings.TrimSpace(readFile(t, first.Dir(), ".lock"))} {
		if !second.Logged(want) {
			t.Errorf("the second broker does not say %q:\n%s", want, second.Log())
		}
	}
	if err := NewClient(t, first.Addr()).Ping(t.Context()); err != nil || !first.Running() {
		t.Errorf("the first broker: %v, %s", err, first.State())
	}
	Note(t, began, "exit code %d", code)
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
