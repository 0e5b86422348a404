package controller

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// anyConfig takes every key and value.
type anyConfig struct{}

func (anyConfig) Validate(metadata.ResourceType, string, string, string) error       { return nil }
func (anyConfig) ValidateSet(metadata.ResourceType, string, map[string]string) error { return nil }
func (anyConfig) List(metadata.ResourceType, string) bool                            { return false }
func (anyConfig) Default(metadata.ResourceType, string) string                       { return "" }

var _ cluster.Configs = anyConfig{}

// journal is a store's RAFT records in memory. gate, when set, holds every append until it yields.
type journal struct {
	mu         sync.Mutex
	records    [][]byte
	replayed   [][]byte
	appends    int
	fail       error
	gate       chan struct{}
	checkpoint func() error
}

func (j *journal) AppendRaft(payload []byte) <-chan error {
	done := make(chan error, 1)
	go func() {
		if j.gate != nil {
			<-j.gate
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.appends++; j.fail == nil {
			j.records = append(j.records, slices.Clone(payload))
		}
		done <- j.fail
	}()
	return done
}

func (j *journal) ReplayedRaft() [][]byte           { return j.replayed }
func (j *journal) OnRaftCheckpoint(fn func() error) { j.checkpoint = fn }

// restart is the journal as the next process finds it.
func (j *journal) restart() *journal {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Clone(j.records)
	return &journal{records: all, replayed: all}
}

// release checkpoints and drops what was durable before it, as a store does with a generation.
func (j *journal) release() error {
	j.mu.Lock()
	n := len(j.records)
	j.mu.Unlock()
	if err := j.checkpoint(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records = slices.Clone(j.records[n:])
	return nil
}

// disk is vfs.FS on a directory of the test. After left operations that change something, every further one fails.
type disk struct {
	mu   sync.Mutex
	left int // -1: no limit
}

var errDisk = errors.New("the disk has failed")

func (d *disk) change() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == 0 {
		return errDisk
	}
	if d.left > 0 {
		d.left--
	}
	return nil
}

func (d *disk) Open(name string, flag vfs.Flag) (vfs.File, error) {
	how := os.O_RDONLY
	if flag&vfs.ReadWrite != 0 {
		if err := d.change(); err != nil {
			return nil, err
		}
		how = os.O_RDWR
	}
	if flag&vfs.Create != 0 {
		how |= os.O_CREATE
	}
	if flag&vfs.Truncate != 0 {
		how |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, how, 0o644)
	if err != nil {
		return nil, err
	}
	return &file{f, d}, nil
}

func (d *disk) Remove(name string) error {
	if err := d.change(); err != nil {
		return err
	}
	return os.Remove(name)
}

func (d *disk) Rename(from, to string) error {
	if err := d.change(); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (d *disk) RemoveAll(name string) error            { return os.RemoveAll(name) }
func (d *disk) MkdirAll(name string) error             { return os.MkdirAll(name, 0o755) }
func (d *disk) List(dir string) ([]fs.DirEntry, error) { return os.ReadDir(dir) }
func (d *disk) Stat(name string) (fs.FileInfo, error)  { return os.Stat(name) }
func (d *disk) SyncDir(string) error                   { return d.change() }
func (d *disk) Lock(string) (io.Closer, error)         { return nil, errors.ErrUnsupported }
func (d *disk) Free(string) (uint64, error)            { return 1 << 40, nil }

type file struct {
	*os.File
	disk *disk
}

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	if err := f.disk.change(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, at)
}

func (f *file) Sync() error                       { return f.disk.change() }
func (f *file) StartWriteback(int64, int64) error { return nil }
func (f *file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// snapshotsIn lists the snapshot files of a directory.
func snapshotsIn(dir string) []string {
	names, _ := filepath.Glob(filepath.Join(dir, Directory, "*"+snapshotSuffix))
	return names
}
