package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// onEach runs test on each file system, in an empty directory.
func onEach(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, vfs.OS, t.TempDir()) })
	t.Run("memory", func(t *testing.T) {
		disk := vfs.NewMem()
		must(t, disk.MkdirAll("/data"))
		test(t, disk, "/data")
	})
	t.Run("faults", func(t *testing.T) { test(t, vfs.WithFaults(vfs.OS), t.TempDir()) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, fsys vfs.FS, name, data string) {
	t.Helper()
	f := open(t, fsys, name, vfs.ReadWrite|vfs.Create|vfs.Truncate)
	_, err := f.WriteAt([]byte(data), 0)
	must(t, err)
	must(t, f.Close())
}

func open(t *testing.T, fsys vfs.FS, name string, flag vfs.Flag) vfs.File {
	t.Helper()
	f, err := fsys.Open(name, flag)
	must(t, err)
	return f
}

func read(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name)
	must(t, err)
	return string(data)
}

func names(t *testing.T, fsys vfs.FS, dir string) string {
	t.Helper()
	entries, err := fsys.List(dir)
	must(t, err)
	var list []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func TestFilesAreWhatWasWritten(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "f")
		f := open(t, fsys, name, vfs.ReadWrite|vfs.Create)
		_, err := f.WriteAt([]byte("world"), 100_000)
		must(t, err)
		_, err = f.WriteAt([]byte("hello"), 3)
		must(t, err)
		size, err := f.Size()
		must(t, err)
		if size != 100_005 || f.Name() != name {
			t.Errorf("size %d, name %s", size, f.Name())
		}
		got := make([]byte, 10)
		if n, err := f.ReadAt(got, 0); n != 10 || err != nil || string(got) != "\x00\x00\x00hello\x00\x00" {
			t.Errorf("read %q, %v", got[:n], err)
		}
		if n, err := f.ReadAt(got, 99_998); n != 7 || err != io.EOF || string(got[:n]) != "\x00\x00world" {
			t.Errorf("read at the end %q, %v", got[:n], err)
		}
		if n, err := f.ReadAt(got, 200_000); n != 0 || err != io.EOF {
			t.Errorf("read behind the end %d, %v", n, err)
		}
		must(t, f.Truncate(5))
		must(t, f.Truncate(8))
		must(t, f.Sync())
		must(t, f.StartWriteback(0, 8))
		vfs.Advise(f, 0, 0, vfs.DontNeed)
		must(t, f.Close())
		if got := read(t, fsys, name); got != "\x00\x00\x00he\x00\x00\x00" {
			t.Errorf("after truncating down and up: %q", got)
		}
		if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
		if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("write after close: %v", err)
		}
	})
}

func TestOpenFlags(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "f")
		if _, err := fsys.Open(name, vfs.ReadOnly); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open a missing file: %v", err)
		}
		if _, err := fsys.Open(filepath.Join(dir, "no", "f"), vfs.ReadWrite|vfs.Create); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("create in a missing directory: %v", err)
		}
		write(t, fsys, name, "old")
		if _, err := fsys.Open(name, vfs.ReadWrite|vfs.Create|vfs.Exclusive); !errors.Is(err, fs.ErrExist) {
			t.Errorf("create a second time: %v", err)
		}
		f := open(t, fsys, name, vfs.ReadOnly)
		if _, err := f.WriteAt([]byte("new"), 0); !errors.Is(err, syscall.EBADF) {
			t.Errorf("write to a file that is open for reading: %v", err)
		}
		must(t, f.Close())
		if _, err := fsys.Open(filepath.Join(name, "below"), vfs.ReadOnly); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("open below a file: %v", err)
		}
		f = open(t, fsys, name, vfs.ReadWrite|vfs.DSync)
		_, err := f.WriteAt([]byte("N"), 0)
		must(t, err)
		must(t, f.Close())
		if got := read(t, fsys, name); got != "Nld" {
			t.Errorf("%q", got)
		}
	})
}

func TestDirectWantsAlignment(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		f, err := fsys.Open(filepath.Join(dir, "f"), vfs.ReadWrite|vfs.Create|vfs.Direct|vfs.DSync)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("the file system has no direct I/O")
		}
		must(t, err)
		defer f.Close()
		buf := vfs.AlignedBuffer(2 * vfs.DirectAlign)
		buf[0], buf[len(buf)-1] = 'a', 'z'
		_, err = f.WriteAt(buf, vfs.DirectAlign)
		must(t, err)
		if _, err := f.WriteAt(buf[1:1+vfs.DirectAlign], 0); !errors.Is(err, syscall.EINVAL) {
			t.Skipf("this disk takes unaligned direct writes: %v", err)
		}
		if _, err := f.WriteAt(buf, 7); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("unaligned offset: %v", err)
		}
	})
}

func TestNames(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		at := func(name string) string { return filepath.Join(dir, name) }
		must(t, vfs.MkdirAllSync(fsys, at("a/b/c")))
		must(t, fsys.MkdirAll(at("a/b")))
		write(t, fsys, at("a/b/f"), "1")
		write(t, fsys, at("a/g"), "2")
		if got := names(t, fsys, at("a")); got != "b/ g" {
			t.Errorf("list: %s", got)
		}
		must(t, fsys.Rename(at("a/g"), at("a/b/f")))
		must(t, fsys.Rename(at("a/b"), at("moved")))
		must(t, fsys.SyncDir(dir))
		if got := names(t, fsys, dir) + ": " + names(t, fsys, at("moved")) + ": " + read(t, fsys, at("moved/f")); got != "a/ moved/: c/ f: 2" {
			t.Errorf("after renames: %s", got)
		}
		info, err := fsys.Stat(at("moved/f"))
		must(t, err)
		if info.Name() != "f" || info.Size() != 1 || info.IsDir() || info.ModTime().IsZero() {
			t.Errorf("stat: %v", info)
		}
		for _, err := range []error{fsys.Rename(at("none"), at("x")), fsys.Remove(at("none"))} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing name: %v", err)
			}
		}
		if err := fsys.Rename(at("a"), at("moved")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("rename over a directory: %v", err)
		}
		if err := fsys.Remove(at("moved")); !errors.Is(err, syscall.ENOTEMPTY) {
			t.Errorf("remove a full directory: %v", err)
		}
		if err := fsys.MkdirAll(at("moved/f/x")); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("make a directory below a file: %v", err)
		}
		must(t, fsys.RemoveAll(at("moved")))
		must(t, fsys.RemoveAll(at("moved")))
		must(t, fsys.Remove(at("a")))
		if got := names(t, fsys, dir); got != "" {
			t.Errorf("left: %s", got)
		}
		if _, err := fsys.List(at("a")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("list a missing directory: %v", err)
		}
	})
}

func TestARemovedFileCanStillBeRead(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "f")
		write(t, fsys, name, "still here")
		f := open(t, fsys, name, vfs.ReadOnly)
		must(t, fsys.Remove(name))
		got := make([]byte, 5)
		_, err := f.ReadAt(got, 0)
		must(t, err)
		must(t, f.Close())
		if string(got) != "still" {
			t.Errorf("%q", got)
		}
	})
}

func TestALockNamesItsHolder(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, ".lock")
		lock, err := fsys.Lock(name)
		must(t, err)
		_, err = fsys.Lock(name)
		if !errors.Is(err, vfs.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Errorf("second lock: %v", err)
		}
		must(t, lock.Close())
		lock, err = fsys.Lock(name)
		must(t, err)
		must(t, lock.Close())
	})
}

func TestFreeSpace(t *testing.T) {
	onEach(t, func(t *testing.T, fsys vfs.FS, dir string) {
		free, total, err := fsys.Space(dir)
		must(t, err)
		if free == 0 || total < free {
			t.Error("a disk without space runs this test")
		}
	})
}

func TestAlignedBuffer(t *testing.T) {
	for _, n := range []int{0, 1, 512, vfs.DirectAlign, vfs.DirectAlign + 1, 1 << 20} {
		b := vfs.AlignedBuffer(n)
		if len(b) != n || cap(b) != vfs.AlignUp(n) {
			t.Errorf("%d bytes: length %d, capacity %d", n, len(b), cap(b))
		}
	}
}
