package vfs

import (
	"io"
	"io/fs"
)

// FaultFS is a file system with faults on command.
type FaultFS struct {
	Faults
	inner FS
}

var _ FS = (*FaultFS)(nil)

// WithFaults puts faults in front of inner. A DSync write to the file below is one OpWrite here: only
// Mem takes it apart.
func WithFaults(inner FS) *FaultFS { return &FaultFS{inner: inner} }

// Inner answers the file system behind the faults.
func (f *FaultFS) Inner() FS { return f.inner }

func (f *FaultFS) Open(name string, flag Flag) (File, error) {
	op := OpOpen
	if flag&Create != 0 {
		if _, err := f.inner.Stat(name); err != nil {
			op = OpCreate
		}
	}
	if err := f.check(op, name); err != nil {
		return nil, err
	}
	file, err := f.inner.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, faults: &f.Faults}, nil
}

func (f *FaultFS) check(op Op, name string) error { return f.Faults.check(op, name) }

// check is before for all but writes, with the error as a PathError.
func (f *Faults) check(op Op, name string) error {
	if _, err := f.before(op, name); err != nil {
		return &fs.PathError{Op: op.String(), Path: name, Err: err}
	}
	return nil
}

func (f *FaultFS) Remove(name string) error {
	if err := f.check(OpRemove, name); err != nil {
		return err
	}
	return f.inner.Remove(name)
}

func (f *FaultFS) RemoveAll(name string) error {
	if err := f.check(OpRemove, name); err != nil {
		return err
	}
	return f.inner.RemoveAll(name)
}

func (f *FaultFS) Rename(from, to string) error {
	if err := f.check(OpRename, from); err != nil {
		return err
	}
	return f.inner.Rename(from, to)
}

func (f *FaultFS) MkdirAll(name string) error {
	if err := f.check(OpMkdir, name); err != nil {
		return err
	}
	return f.inner.MkdirAll(name)
}

func (f *FaultFS) List(dir string) ([]fs.DirEntry, error) {
	if err := f.check(OpList, dir); err != nil {
		return nil, err
	}
	return f.inner.List(dir)
}

func (f *FaultFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.check(OpStat, name); err != nil {
		return nil, err
	}
	return f.inner.Stat(name)
}

func (f *FaultFS) SyncDir(dir string) error {
	if err := f.check(OpSyncDir, dir); err != nil {
		return err
	}
	return f.inner.SyncDir(dir)
}

func (f *FaultFS) Lock(name string) (io.Closer, error) {
	if err := f.check(OpLock, name); err != nil {
		return nil, err
	}
	return f.inner.Lock(name)
}

func (f *FaultFS) Space(dir string) (free, total uint64, err error) {
	if err := f.check(OpFree, dir); err != nil {
		return 0, 0, err
	}
	return f.inner.Space(dir)
}

type faultFile struct {
	File
	faults *Faults
}

func (f *faultFile) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.faults.check(OpRead, f.Name()); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, offset)
}

func (f *faultFile) WriteAt(p []byte, offset int64) (int, error) {
	partial, err := f.faults.before(OpWrite, f.Name())
	if err == nil {
		return f.File.WriteAt(p, offset)
	}
	n := 0
	if partial > 0 {
		n, _ = f.File.WriteAt(p[:min(partial, len(p))], offset)
	}
	return n, &fs.PathError{Op: "write", Path: f.Name(), Err: err}
}

func (f *faultFile) Sync() error {
	if err := f.faults.check(OpSync, f.Name()); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) StartWriteback(offset, length int64) error {
	if err := f.faults.check(OpWriteback, f.Name()); err != nil {
		return err
	}
	return f.File.StartWriteback(offset, length)
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.faults.check(OpTruncate, f.Name()); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) advise(offset, length int64, advice Advice) error {
	Advise(f.File, offset, length, advice)
	return nil
}
