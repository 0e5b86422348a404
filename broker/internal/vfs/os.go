//go:build unix

package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// OS is the file system of the operating system.
var OS FS = osFS{}

const (
	filePerm = 0o644
	dirPerm  = 0o755
)

type osFS struct{}

func (osFS) Open(name string, flag Flag) (File, error) {
	if flag&Direct != 0 && flagDirect == 0 {
		return nil, &fs.PathError{Op: "open direct", Path: name, Err: errors.ErrUnsupported}
	}
	f, err := os.OpenFile(name, osFlags(flag), filePerm)
	switch {
	case err == nil:
		return &osFile{f: f}, nil
	case flag&Direct != 0 && errors.Is(err, syscall.EINVAL):
		// open(2): "EINVAL: the filesystem does not support the O_DIRECT flag".
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	default:
		return nil, err
	}
}

func osFlags(flag Flag) int {
	mode := os.O_RDONLY
	if flag&ReadWrite != 0 {
		mode = os.O_RDWR
	}
	for _, pair := range [...]struct {
		flag Flag
		os   int
	}{
		{Create, os.O_CREATE}, {Exclusive, os.O_EXCL}, {Truncate, os.O_TRUNC},
		{Direct, flagDirect}, {DSync, flagDSync},
	} {
		if flag&pair.flag != 0 {
			mode |= pair.os
		}
	}
	return mode
}

func (osFS) Remove(name string) error               { return os.Remove(name) }
func (osFS) RemoveAll(name string) error            { return os.RemoveAll(name) }
func (osFS) Rename(from, to string) error           { return os.Rename(from, to) }
func (osFS) MkdirAll(name string) error             { return os.MkdirAll(name, dirPerm) }
func (osFS) List(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (osFS) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (osFS) Space(dir string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

// Lock takes flock(2) on name: the kernel lets go when the process ends, however it ends. The file
// stays, for removing it would let two processes hold a lock on two files of one name.
func (osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		holder, _ := os.ReadFile(name) // only for the message
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w (pid %s)", name, ErrLocked, strings.TrimSpace(string(holder)))
		}
		return nil, &fs.PathError{Op: "flock", Path: name, Err: err}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func flock(f *os.File) error {
	defer runtime.KeepAlive(f)
	return ignoringEINTR(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
}

// ignoringEINTR calls again when a signal came first: nothing was tried yet, so this is not a retry.
func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

type osFile struct{ f *os.File }

func (o *osFile) ReadAt(p []byte, offset int64) (int, error)  { return o.f.ReadAt(p, offset) }
func (o *osFile) WriteAt(p []byte, offset int64) (int, error) { return o.f.WriteAt(p, offset) }
func (o *osFile) Truncate(size int64) error                   { return o.f.Truncate(size) }
func (o *osFile) Close() error                                { return o.f.Close() }
func (o *osFile) Name() string                                { return o.f.Name() }

func (o *osFile) Sync() error {
	defer runtime.KeepAlive(o.f)
	for {
		switch err := datasync(o.f); err {
		case nil:
			return nil
		case syscall.EINTR: // a signal came first
		default:
			return &fs.PathError{Op: "fdatasync", Path: o.f.Name(), Err: err}
		}
	}
}

func (o *osFile) Size() (int64, error) {
	info, err := o.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
