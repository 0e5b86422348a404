package vfs_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// faulty is a file system that fails on command.
type faulty interface {
	vfs.FS
	OnOp(func(vfs.Op, string))
	Fail(vfs.Fault)
	Heal()
	Count(vfs.Op) int
}

func onFaulty(t *testing.T, test func(t *testing.T, fsys faulty, dir string)) {
	t.Run("memory", func(t *testing.T) { test(t, vfs.NewMem(), "/") })
	t.Run("os", func(t *testing.T) { test(t, vfs.WithFaults(vfs.OS), t.TempDir()) })
}

func TestTheNthOperationFails(t *testing.T) {
	onFaulty(t, func(t *testing.T, fsys faulty, dir string) {
		f := open(t, fsys, filepath.Join(dir, "data.log"), vfs.ReadWrite|vfs.Create)
		fsys.Fail(vfs.Fault{Op: vfs.OpWrite, Pattern: "*.log", Nth: 3, Times: 2, Err: syscall.EIO})
		fsys.Fail(vfs.Fault{Op: vfs.OpSync, Pattern: "*.index", Err: syscall.EIO})
		var got []string
		for range 6 {
			_, err := f.WriteAt([]byte("x"), 0)
			got = append(got, fmt.Sprint(errors.Is(err, syscall.EIO)))
		}
		if s := strings.Join(got, " "); s != "false false true true false false" {
			t.Errorf("failed: %s", s)
		}
		must(t, f.Sync())
		if n := fsys.Count(vfs.OpWrite); n != 6 {
			t.Errorf("%d writes counted", n)
		}
	})
}

func TestEveryErrnoComesThrough(t *testing.T) {
	onFaulty(t, func(t *testing.T, fsys faulty, dir string) {
		for _, errno := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE} {
			fsys.Fail(vfs.Fault{Err: errno}) // everything
			name := filepath.Join(dir, "f")
			_, open := fsys.Open(name, vfs.ReadWrite|vfs.Create)
			_, list := fsys.List(dir)
			_, stat := fsys.Stat(name)
			_, lock := fsys.Lock(name)
			_, _, free := fsys.Space(dir)
			for i, err := range []error{open, list, stat, lock, free, fsys.Remove(name), fsys.RemoveAll(name),
				fsys.Rename(name, name+"2"), fsys.MkdirAll(name), fsys.SyncDir(dir)} {
				if !errors.Is(err, errno) {
					t.Errorf("operation %d: %v, want %v", i, err, errno)
				}
			}
			fsys.Heal()
		}
	})
}

func TestAFailedWriteLeavesAPart(t *testing.T) {
	onFaulty(t, func(t *testing.T, fsys faulty, dir string) {
		name := filepath.Join(dir, "f")
		f := open(t, fsys, name, vfs.ReadWrite|vfs.Create)
		fsys.Fail(vfs.Fault{Op: vfs.OpWrite, Err: syscall.ENOSPC, Partial: 3})
		if n, err := f.WriteAt([]byte("abcdef"), 0); n != 3 || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%d, %v", n, err)
		}
		if got := read(t, fsys, name); got != "abc" {
			t.Errorf("%q", got)
		}
	})
}

func TestADSyncWriteIsTwoOperations(t *testing.T) {
	disk := vfs.NewMem()
	f := open(t, disk, "/f", vfs.ReadWrite|vfs.Create|vfs.DSync)
	must(t, disk.SyncDir("/"))
	var seen []string
	disk.OnOp(func(op vfs.Op, name string) {
		after := disk.CrashClone(vfs.Crash{Data: vfs.KeepAll})
		seen = append(seen, op.String()+" "+read(t, after, name))
	})
	_, err := f.WriteAt([]byte("x"), 0)
	must(t, err)
	disk.OnOp(nil)
	if got := strings.Join(seen, ", "); got != "write , sync x" {
		t.Errorf("%s", got)
	}
	if got := read(t, disk.CrashClone(vfs.Crash{}), "/f"); got != "x" {
		t.Errorf("durable: %q", got)
	}
	disk.Fail(vfs.Fault{Op: vfs.OpSync, Err: syscall.EIO})
	if _, err := f.WriteAt([]byte("y"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("failed sync of a DSync write: %v", err)
	}
	if got := read(t, disk.CrashClone(vfs.Crash{}), "/f"); got != "x" {
		t.Errorf("durable after the failed sync: %q", got)
	}
}

func TestAFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	disk.SetCapacity(1000)
	f := open(t, disk, "/f", vfs.ReadWrite|vfs.Create)
	if n, err := f.WriteAt(make([]byte, 800), 0); n != 800 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := f.WriteAt(make([]byte, 400), 800); n != 200 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the write that fills the disk: %d, %v", n, err)
	}
	if n, err := f.WriteAt(make([]byte, 1000), 0); n != 1000 || err != nil {
		t.Errorf("overwriting needs no space: %d, %v", n, err)
	}
	if free, _, _ := disk.Space("/"); free != 0 {
		t.Errorf("%d bytes free", free)
	}
	must(t, f.Truncate(300))
	write(t, disk, "/g", strings.Repeat("x", 700))
	must(t, disk.Remove("/f"))
	write(t, disk, "/h", strings.Repeat("x", 300))
	if free, _, _ := disk.Space("/"); free != 0 {
		t.Errorf("%d bytes free", free)
	}
}
