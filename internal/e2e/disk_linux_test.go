package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDiskFull fills a small disk under load (P11): the broker says so and ends, nothing that is sent afterwards is
// acknowledged, a start on the full disk does no harm, and once there is room everything acknowledged is back and work goes on.
func TestDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began := time.Now()
	total := &tally{}
	for n, engine := range []string{"ring", "tidwall"} {
		t.Run(engine, func(t *testing.T) {
			volume := NewVolume(t, "ext4", 64)
			ballast := filepath.Join(volume.Dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			o := Options{Dir: filepath.Join(volume.Dir, "data"), Settings: small(map[string]string{"journal.engine": engine})}
			run := startOutage(t, volume, o, Seed(t)+uint64(n))
			run.ends(t, 60*time.Second, "no space left on device", "DISK-001")

			run.server.Launch()
			run.server.Ready(10 * time.Second) // it may find room enough; it may refuse; it may not harm anything
			run.server.Kill()

			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			run.load.Dark() // clients send what they still have, and nothing more
			run.recovers(t, total)
		})
	}
	if total.cycles > 0 {
		Note(t, began, "%s", total)
	}
}

// TestReadOnly makes the kernel find an error in the file system, which it answers by making it read-only under the running
// broker (P11). A start on the read-only file system is refused, and one after it is writable again finds everything.
func TestReadOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, total := time.Now(), &tally{}
	volume := NewVolume(t, "ext4", 256)
	volume.Unmount()
	volume.Mount("errors=remount-ro")
	trigger := fmt.Sprintf("/sys/fs/ext4/%s/trigger_fs_error", filepath.Base(volume.device))
	Need(t, "ext4's trigger_fs_error", func() error { _, err := os.Stat(trigger); return err })
	run := startOutage(t, volume, Options{Dir: filepath.Join(volume.Dir, "data"), Settings: small(nil)}, Seed(t))
	run.load.Await(t, 500, 20*time.Second)
	if err := os.WriteFile(trigger, []byte("1\n"), 0o200); err != nil {
		t.Fatal(err)
	}
	run.load.Dark()
	run.ends(t, 10*time.Second, "read-only file system", "DISK-002")
	if n := run.load.Light(); n > 0 {
		t.Errorf("%d records were acknowledged that were sent when the file system was read-only", n)
	}
	run.server.Launch()
	if code, ended := run.server.Exit(10 * time.Second); !ended || code == 0 || !strings.Contains(run.server.Log(), "read-only file system") {
		t.Errorf("a start on a read-only file system: ended %v, %s; its log:\n%s", ended, run.server.State(), run.server.Log())
	}
	run.server.Kill()
	volume.Unmount()
	volume.Mount()
	run.recovers(t, total)
	Note(t, began, "%s", total)
}

// ends waits until the broker ends by itself, and requires exit code 1 and a log that says why.
func (o *outage) ends(t *testing.T, d time.Duration, says ...string) {
	t.Helper()
	code, ended := o.server.Exit(d)
	if !ended {
		t.Fatalf("the broker still runs after %v; its log:\n%s", d, o.server.Log())
	}
	if code != 1 {
		t.Errorf("the broker ended with %s, want exit code 1", o.server.State())
	}
	for _, text := range says {
		if !o.server.Logged(text) {
			t.Errorf("the log does not say %q:\n%s", text, o.server.Log())
		}
	}
}

// recovers starts the broker again and requires everything that was acknowledged, then that work goes on.
func (o *outage) recovers(t *testing.T, total *tally) {
	t.Helper()
	o.server.Start()
	report := o.audit.Continue(o.server.Addr())
	if len(report.Anomalies) == 0 {
		o.load.Await(t, 50, 20*time.Second)
		report = o.finish(t)
	}
	if total.add(1, report); len(report.Anomalies) > 0 {
		t.Errorf("after the fault was gone: %s\nkept: %s", report, keep(t, o.server))
	}
}

// TestEMFILE takes all file descriptors away (P11): connections that there are go on, the broker does not spin, and when
// descriptors are free again it accepts new ones. Journal and segments are large enough that no file has to be opened
// meanwhile: a broker that cannot begin a new file goes offline, as after any failed write.
func TestEMFILE(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began := time.Now()
	s := StartServer(t, Options{})
	topics := []Topic{{Name: "few", Partitions: 1}}
	CreateTopics(t, s.Addr(), topics...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: topics, Producers: 2, Rate: 20, MaxSize: 200, Seed: Seed(t)})
	load.Await(t, 50, 20*time.Second)
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	limit := uint64(len(open) + 20)
	if err := unix.Prlimit(s.Pid(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	crowd := dialMany(t, s.Addr(), 60)
	before := cpuTime(t, s.Pid())
	from := load.History.Count()
	if !Poll(20*time.Second, func() bool { return load.History.Count() > from+50 }) {
		t.Fatalf("without a file descriptor %d records were acknowledged in 20 s; the broker: %s; its log:\n%s", load.History.Count()-from, s.State(), s.Log())
	}
	<-time.After(time.Second) // the time over which it may not spin
	if used := cpuTime(t, s.Pid()) - before; used > 700*time.Millisecond {
		t.Errorf("without a file descriptor the broker used %v of a second's time", used)
	}
	if !s.Running() {
		t.Fatalf("the broker ended with %s; its log:\n%s", s.State(), s.Log())
	}
	if !s.Logged("too many open files") {
		t.Errorf("the log does not say that files are too many:\n%s", s.Log())
	}
	for _, c := range crowd {
		c.Close()
	}
	if err := NewClient(t, s.Addr()).Ping(t.Context()); err != nil {
		t.Errorf("a new connection when descriptors are free again: %v", err)
	}
	load.Stop(t, 20*time.Second)
	report := NewAudit(t, load).Whole(s.Addr())
	if len(report.Anomalies) > 0 {
		t.Error(report)
	}
	Note(t, began, "limit %d; %s", limit, report)
}
