package engine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPowerLoss takes the power from a real file system under a victim: FS_IOC_SHUTDOWN drops what is
// only in memory. With "flush" the file system's own journal is written first: names and sizes
// without data.
//
// What counts is what was acknowledged before the shutdown began. A real power loss answers nobody
// afterwards; here an fdatasync that is under way at that moment can return nil on ext4, although its
// transaction was dropped.
func TestPowerLoss(t *testing.T) {
	cycles := 2
	if testing.Short() {
		cycles = 1
	}
	if n, err := strconv.Atoi(os.Getenv("MAINSTEM_POWER_CYCLES")); err == nil {
		cycles = n
	}
	for _, v := range variants {
		if v.memory {
			continue
		}
		for _, kind := range []string{"ext4", "xfs"} {
			t.Run(v.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				rng := seeded(t)
				disk := newLoopDisk(t, kind)
				acked, size := 0, 3000
				for cycle := range 2 * cycles {
					flush := cycle%2 == 1
					spec := fmt.Sprintf("%s %s %d %s", v.engine, v.options.IO, size, filepath.Join(disk.dir, "journal"))
					end, err := runVictim(spec, time.Duration(5+rng.IntN(60))*time.Millisecond, func() { disk.shutdown(t, flush) })
					if err != nil {
						t.Fatal(err)
					}
					disk.remount(t)
					acked = wantAcked(t, v, filepath.Join(disk.dir, "journal"), size, max(acked, end.before))
					t.Logf("flush %v: %d records, %d acknowledged before, %d in all; %.100s", flush, acked, end.before, end.printed, end.said)
				}
			})
		}
	}
}

// loopDisk is a file system in a file.
type loopDisk struct{ image, dir string }

func newLoopDisk(t *testing.T, kind string) *loopDisk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED, NOT PASSED: a power loss needs root, for a loop mount")
	}
	d := &loopDisk{image: filepath.Join(t.TempDir(), "image"), dir: t.TempDir()}
	args := map[string][]string{"ext4": {"mkfs.ext4", "-q", "-F"}, "xfs": {"mkfs.xfs", "-q", "-f"}}[kind]
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 320<<20); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range [][]string{append(args, d.image), {"mount", "-o", "loop", d.image, d.dir}} {
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			t.Skipf("SKIPPED, NOT PASSED: a power loss needs a loop mount: %v: %v %s", cmd, err, out)
		}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil { // detached, because a test that failed may have files open
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	return d
}

// shutdown is called while the victim writes.
func (d *loopDisk) shutdown(t *testing.T, flush bool) {
	const (
		fsIocShutdown = 0x8004587d
		logFlush      = 1
		noLogFlush    = 2
	)
	how := noLogFlush
	if flush {
		how = logFlush
	}
	dir, err := os.Open(d.dir)
	if err == nil {
		err = errors.Join(unix.IoctlSetPointerInt(int(dir.Fd()), fsIocShutdown, how), dir.Close())
	}
	if err != nil {
		t.Errorf("shut the file system down: %v", err)
	}
}

func (d *loopDisk) remount(t *testing.T) {
	t.Helper()
	for _, cmd := range [][]string{{"umount", d.dir}, {"mount", "-o", "loop", d.image, d.dir}} {
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", cmd, err, out)
		}
	}
}
