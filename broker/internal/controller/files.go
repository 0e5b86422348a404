package controller

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

const tempSuffix = ".tmp"

// replaceFile replaces a file whole: after a crash it is the old one or the new one, and the new one for good when it
// returns nil (temp, fsync, rename, syncdir).
func replaceFile(f vfs.FS, name string, data []byte) error {
	temp := name + tempSuffix
	if err := writeFile(f, temp, data); err != nil {
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := f.Rename(temp, name); err != nil {
		return err
	}
	return f.SyncDir(path.Dir(name))
}

func writeFile(f vfs.FS, name string, data []byte) (err error) {
	file, err := f.Open(name, vfs.ReadWrite|vfs.Create|vfs.Truncate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(data, 0); err != nil {
		return err
	}
	return file.Sync()
}

func readFile(f vfs.FS, name string) (data []byte, err error) {
	file, err := f.Open(name, vfs.ReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	data = make([]byte, size)
	if n, err := file.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && int64(n) == size) {
		return nil, err
	}
	return data, nil
}
