package e2e

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPowerLoss cuts the power of the data directory's file system under load, again and again (P2): what was acknowledged
// is there afterwards, and nothing is acknowledged that was sent after the cut. It is the main durability gate: a killed
// process leaves its writes in the page cache, a file system that is shut down forgets what was not fsynced.
func TestPowerLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, seed, total := time.Now(), Seed(t), &tally{}
	cycles := Times(t, "E2E_POWER_CYCLES", 4, 40)
	for n, c := range []struct{ kind, engine string }{{"ext4", "ring"}, {"xfs", "ring"}, {"ext4", "tidwall"}, {"xfs", "tidwall"}} {
		t.Run(c.kind+"-"+c.engine, func(t *testing.T) {
			share := (cycles + 3 - n) / 4
			for from := 0; from < share; from += volumeCycles {
				to := min(from+volumeCycles, share)
				t.Run(fmt.Sprintf("%d-%d", from+1, to), func(t *testing.T) {
					o := Options{Settings: small(map[string]string{"journal.engine": c.engine})}
					powerLosses(t, newOutage(t, o, c.kind, seed+uint64(n+from)), to-from, total)
				})
			}
		})
	}
	if total.cycles > 0 {
		Note(t, began, "%s", total)
	}
}

// volumeCycles is how many power losses a volume sees: more of their load would fill it.
const volumeCycles = 25

// powerLosses is a number of power losses of one volume, with a look after each and a whole one at the end.
func powerLosses(t *testing.T, run *outage, cycles int, total *tally) {
	t.Helper()
	for cycle := range cycles {
		if n := run.cut(t, cycle); n > 0 {
			t.Errorf("%d records were acknowledged that were sent after the disk was gone", n)
		}
		run.server.Start()
		if report := run.audit.Continue(run.server.Addr()); len(report.Anomalies) > 0 {
			t.Fatalf("after power loss %d: %s\nkept: %s", cycle+1, report, keep(t, run.server))
		}
	}
	report := run.finish(t)
	if total.add(cycles, report); len(report.Anomalies) > 0 {
		t.Errorf("after %d power losses: %s\nkept: %s", cycles, report, keep(t, run.server))
	}
}

// outage is a broker on a file system that loses its power under load.
type outage struct {
	volume *Volume
	server *Server
	load   *Load
	audit  *Audit
	seed   uint64
}

func newOutage(t *testing.T, o Options, kind string, seed uint64) *outage {
	t.Helper()
	volume := NewVolume(t, kind, 600)
	o.Dir = filepath.Join(volume.Dir, "data")
	return startOutage(t, volume, o, seed)
}

// startOutage starts the broker and the load on a volume that is there.
func startOutage(t *testing.T, volume *Volume, o Options, seed uint64) *outage {
	t.Helper()
	s := StartServer(t, o)
	CreateTopics(t, s.Addr(), mixedTopics...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: mixedTopics, Producers: 4, Burst: 40, Seed: seed})
	return &outage{volume, s, load, NewAudit(t, load), seed}
}

// cut is one power loss, up to where the broker can be started again. Two of three end the process in the same instant, with its writes under
// way; the third lets it find out by itself that its disk is gone. Ways to shut down and ways to write take turns. It
// answers how many records were acknowledged that were sent after the disk was gone.
func (o *outage) cut(t *testing.T, n int) (unfounded int64) {
	t.Helper()
	random := Random(o.seed, uint64(n))
	o.load.Await(t, 200, 20*time.Second)
	<-time.After(between(random, 0, 500*time.Millisecond))
	flag := []int{noFlush, flushLog}[n%2]
	if n%3 < 2 {
		o.volume.Shutdown(flag, func() { o.server.Signal(syscall.SIGKILL) })
		o.server.Exit(10 * time.Second)
	} else {
		o.volume.Shutdown(flag, o.server.Freeze)
		o.load.Dark()
		o.server.Signal(syscall.SIGCONT)
		if code, ended := o.server.Exit(10 * time.Second); !ended || code != 1 {
			t.Errorf("10 s after its disk failed the broker has ended: %v, with %s; want exit code 1; its log:\n%s", ended, o.server.State(), o.server.Log())
		}
	}
	o.server.Kill()
	unfounded = o.load.Light()
	o.volume.Unmount()
	o.volume.Mount()
	o.server.Set("journal.io", []string{"direct", "dsync"}[n/2%2])
	return unfounded
}

// finish ends the load and reads everything.
func (o *outage) finish(t *testing.T) *Report {
	t.Helper()
	o.load.Stop(t, 20*time.Second)
	for _, err := range o.load.History.Failures() {
		t.Errorf("a client gave up: %v", err)
	}
	return o.audit.Whole(o.server.Addr())
}
