package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// storageModes are the ways to keep a journal.
var storageModes = []struct{ engine, io string }{{"ring", "direct"}, {"tidwall", "direct"}, {"ring", "dsync"}, {"tidwall", "dsync"}}

// mixedTopics roll their segments by size and, one of them, by age.
var mixedTopics = []Topic{
	{Name: "wide", Partitions: 4},
	{Name: "rolling", Partitions: 2, Configs: map[string]string{"segment.ms": "100"}},
	{Name: "single", Partitions: 1},
}

// TestKill kills the broker under load, again and again (P1): nothing acknowledged is lost, and the idempotent producers,
// who live on and repeat what they got no answer for, leave no duplicate. Every journal engine and way to write serves a
// part of the cycles, on a data directory of its own, which is read whole at the end.
func TestKill(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	cycles := Times(t, "E2E_KILL_CYCLES", 1, 60)
	total := &tally{}
	for n, mode := range storageModes {
		share := (cycles + len(storageModes) - 1 - n) / len(storageModes)
		if share == 0 {
			continue
		}
		t.Run(mode.engine+"-"+mode.io, func(t *testing.T) {
			killCycles(t, mode.engine, mode.io, share, seed+uint64(n), total)
		})
	}
	Note(t, began, "%s", total)
}

func killCycles(t *testing.T, engine, io string, cycles int, seed uint64, total *tally) {
	s := StartServer(t, Options{Settings: small(map[string]string{"journal.engine": engine, "journal.io": io})})
	CreateTopics(t, s.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: mixedTopics, Producers: 4, Burst: Times(t, "E2E_BURST", 16, 40), Seed: seed})
	audit, random := NewAudit(t, load), Random(seed, 1)
	var report *Report
	for cycle := range cycles {
		load.Await(t, 200, 20*time.Second)
		<-time.After(between(random, 0, 600*time.Millisecond))
		s.Kill()
		s.Start()
		if report = audit.Continue(s.Addr()); len(report.Anomalies) > 0 {
			t.Fatalf("after kill %d: %s\nkept: %s", cycle+1, report, keep(t, s))
		}
	}
	load.Stop(t, 20*time.Second)
	report = audit.Whole(s.Addr())
	total.add(cycles, report)
	segments, generation := wear(t, s.Dir())
	if t.Logf("%d segments, journal generation %d", segments, generation); cycles > 4 && (segments < 3*len(load.Partitions()) || generation < 3*cycles) {
		t.Errorf("%d segments and journal generation %d after %d kills: too little rolled and rotated to test anything", segments, generation, cycles)
	}
	for _, err := range load.History.Failures() {
		t.Errorf("a client gave up: %v", err)
	}
	if len(report.Anomalies) > 0 {
		t.Errorf("after %d kills: %s\nkept: %s", cycles, report, keep(t, s))
	}
}

// wear counts the segments of a data directory and answers where its journal is: each start is a generation or two, the
// others are files that filled up and checkpoints under load.
func wear(t *testing.T, dir string) (segments, generation int) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	state := readFile(t, dir, "journal-state") // format, engine, generation, sequence
	if _, err := fmt.Sscanf(state, "0\n%s %d", new(string), &generation); err != nil {
		t.Fatalf("read journal-state %q: %v", state, err)
	}
	return len(logs), generation
}

// tally adds up the reports of a test.
type tally struct{ cycles, acked, lost, duplicates, anomalies int }

func (s *tally) add(cycles int, r *Report) {
	s.cycles += cycles
	s.acked += r.Acked
	s.lost += r.Lost()
	s.duplicates += r.Duplicates()
	s.anomalies += len(r.Anomalies)
}

func (s *tally) String() string {
	return fmt.Sprintf("%d cycles, %d acknowledged, %d lost, %d duplicates, %d anomalies", s.cycles, s.acked, s.lost, s.duplicates, s.anomalies)
}
