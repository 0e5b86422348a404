package vfs

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	flagDirect = unix.O_DIRECT
	flagDSync  = unix.O_DSYNC
)

// datasync is fdatasync(2): data and size, not the times.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

func (o *osFile) StartWriteback(offset, length int64) error {
	defer runtime.KeepAlive(o.f)
	err := unix.SyncFileRange(int(o.f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
	switch err {
	case nil, syscall.ENOSYS, syscall.ESPIPE, syscall.EOPNOTSUPP: // a hint that nobody took
		return nil
	}
	return &fs.PathError{Op: "sync_file_range", Path: o.f.Name(), Err: err}
}

func (o *osFile) advise(offset, length int64, advice Advice) error {
	defer runtime.KeepAlive(o.f)
	how := unix.FADV_SEQUENTIAL
	if advice == DontNeed {
		how = unix.FADV_DONTNEED
	}
	return unix.Fadvise(int(o.f.Fd()), offset, length, how)
}
