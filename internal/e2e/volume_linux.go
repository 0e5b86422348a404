package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Volume is a real file system of its own, in an image file behind a loop device, that a test may break.
type Volume struct {
	t      testing.TB
	image  string
	Dir    string // where it is mounted
	device string
}

// canMount answers why loop mounts of a kind of file system are not possible here.
func canMount(kind string) func() error {
	return func() error {
		if os.Geteuid() != 0 {
			return errors.New("not root")
		}
		for _, tool := range []string{"losetup", "mount", "umount", "mkfs." + kind} {
			if _, err := exec.LookPath(tool); err != nil {
				return err
			}
		}
		_, err := os.Stat("/dev/loop-control")
		return err
	}
}

// NewVolume makes and mounts a file system of megabytes; it skips the test where that is not possible. All of it is gone
// when the test ends.
func NewVolume(t testing.TB, kind string, megabytes int64) *Volume {
	t.Helper()
	Need(t, "root, loop devices and mkfs."+kind, canMount(kind))
	base, err := os.MkdirTemp("", fmt.Sprintf("mainstem-e2e-%d-", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	v := &Volume{t: t, image: filepath.Join(base, kind+".img"), Dir: filepath.Join(base, "mnt")}
	release := Hold(base, func() {
		v.Detach()
		_ = os.Remove(v.image)
		_ = os.Remove(v.Dir)
		_ = os.Remove(base)
	})
	t.Cleanup(func() {
		defer release()
		v.Detach()
		if err := os.Remove(v.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still mounted: %v", v.Dir, err)
			return
		}
		_ = os.RemoveAll(base)
	})
	if err := errors.Join(os.Mkdir(v.Dir, 0o755), os.WriteFile(v.image, nil, 0o600), os.Truncate(v.image, megabytes<<20)); err != nil {
		t.Fatal(err)
	}
	quiet := []string{"-q", "-F"}
	if kind == "xfs" {
		quiet = []string{"-q", "-f"}
	}
	v.run("mkfs."+kind, append(quiet, v.image)...)
	v.device = strings.TrimSpace(v.run("losetup", "-f", "--show", v.image))
	v.Mount()
	return v
}

// Mount mounts it.
func (v *Volume) Mount(options ...string) {
	v.t.Helper()
	args := []string{v.device, v.Dir}
	if len(options) > 0 {
		args = append([]string{"-o", strings.Join(options, ",")}, args...)
	}
	v.run("mount", args...)
}

// Unmount unmounts it; whoever used it has just died, so it may be busy for a moment.
func (v *Volume) Unmount() {
	v.t.Helper()
	var last error
	if !Poll(10*time.Second, func() bool { last = unix.Unmount(v.Dir, 0); return last == nil }) {
		v.t.Fatalf("umount %s: %v", v.Dir, last)
	}
}

// Detach gives mount and loop device back, as far as they are there.
func (v *Volume) Detach() {
	for unix.Unmount(v.Dir, unix.MNT_DETACH) == nil {
	}
	if v.device != "" {
		_ = exec.Command("losetup", "-d", v.device).Run() // already gone is fine
		v.device = ""
	}
}

// fsIocShutdown is FS_IOC_SHUTDOWN: _IOR('X', 125, __u32).
const fsIocShutdown = 0x8004587d

// What a shutdown does with the file system's own log first.
const (
	flushLog = 1 // metadata is written, data is not: files of zero length after a create or rename
	noFlush  = 2 // all that was not fsynced is gone
)

// Shutdown takes the file system down as a power cut would: from now on every write and sync on it fails with EIO. It calls
// before at the last moment.
//
// A sync that is under way meanwhile may answer success for bytes that are gone: ext4 and xfs of Linux 6.18 do so for one
// process in ten that appends and syncs in a loop. Whoever promises on the strength of a sync must therefore be dead, or
// stopped outside of any system call, before the shutdown.
func (v *Volume) Shutdown(flag int, before func()) {
	v.t.Helper()
	fd, err := unix.Open(v.Dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		v.t.Fatalf("open %s: %v", v.Dir, err)
	}
	defer unix.Close(fd)
	before()
	if err := unix.IoctlSetPointerInt(fd, fsIocShutdown, flag); err != nil {
		v.t.Fatalf("FS_IOC_SHUTDOWN of %s, flag %d: %v", v.Dir, flag, err)
	}
}

// Free is how many bytes can still be written.
func (v *Volume) Free() int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(v.Dir, &s); err != nil {
		v.t.Fatalf("statfs %s: %v", v.Dir, err)
	}
	return int64(s.Bavail) * s.Bsize
}

func (v *Volume) run(name string, args ...string) string {
	v.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
