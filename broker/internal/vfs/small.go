package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// TempSuffix is the end of the name that WriteFileAtomic writes to first. A file with it that is
// found at a start is the debris of a crash and may be removed.
const TempSuffix = ".tmp"

// WriteFileAtomic replaces the small file name by data: after a crash at any moment the file holds
// the old bytes or the new, and the new ones once it returned nil. Temp, fsync, rename, syncdir.
func WriteFileAtomic(fsys FS, name string, data []byte) error {
	temp := name + TempSuffix
	if err := writeWhole(fsys, temp, data); err != nil {
		_ = fsys.Remove(temp) // gives space back; the error that matters is the first
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if err := fsys.Rename(temp, name); err != nil {
		_ = fsys.Remove(temp)
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if err := fsys.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return nil
}

func writeWhole(fsys FS, name string, data []byte) error {
	f, err := fsys.Open(name, ReadWrite|Create|Truncate)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// ReadFile answers the whole of a small file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name, ReadOnly)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// MkdirAllSync makes dir and its parents, as MkdirAll, and makes the names of those it made durable.
func MkdirAllSync(fsys FS, dir string) error {
	var changed []string // parents that get a new entry, deepest first
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		_, err := fsys.Stat(d)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make directory %s: %w", dir, err)
		}
		if filepath.Dir(d) == d {
			break
		}
		changed = append(changed, filepath.Dir(d))
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return fmt.Errorf("make directory %s: %w", dir, err)
	}
	for i := len(changed) - 1; i >= 0; i-- {
		if err := fsys.SyncDir(changed[i]); err != nil {
			return fmt.Errorf("make directory %s: %w", dir, err)
		}
	}
	return nil
}
