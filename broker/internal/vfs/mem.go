package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Mem is a file system in memory. It keeps what is durable apart from what was only written, see
// CrashClone, and fails on command, see Faults. The zero value is not usable: NewMem.
type Mem struct {
	Faults

	// world is held for reading by what changes data, for writing by what changes names and by
	// CrashClone, which so sees one moment of the whole disk. Reads of data do not take it.
	// Order: world before memFile.mu.
	world   sync.RWMutex
	root    *memNode
	pending []*nameOp // changes of names that no SyncDir made durable yet, oldest first
	sweepAt int       // so many pending changes are worth a sweep
	locks   map[string]bool

	capacity atomic.Int64 // bytes; 0 is no limit
	used     atomic.Int64
}

var _ FS = (*Mem)(nil)

// memNode is a directory (file is nil) or a file. Guarded by Mem.world.
type memNode struct {
	file    *memFile
	entries map[string]*memNode // as the living see it
	durable map[string]*memNode // as a power loss leaves it
}

func newMemDir() *memNode {
	return &memNode{entries: map[string]*memNode{}, durable: map[string]*memNode{}}
}

// NewMem makes an empty memory disk without a limit.
func NewMem() *Mem { return &Mem{root: newMemDir(), locks: map[string]bool{}} }

// InMemory answers whether fsys is a memory disk, where preparing files ahead gains nothing.
func InMemory(fsys FS) bool {
	if f, ok := fsys.(*FaultFS); ok {
		fsys = f.inner
	}
	_, ok := fsys.(*Mem)
	return ok
}

// SetCapacity limits the disk to so many bytes of file data; 0 lifts the limit.
func (m *Mem) SetCapacity(bytes int64) { m.capacity.Store(bytes) }

// Used answers the bytes of file data on the disk.
func (m *Mem) Used() int64 { return m.used.Load() }

func pathErr(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (m *Mem) Open(name string, flag Flag) (File, error) {
	m.world.RLock()
	node, err := m.walk(name)
	m.world.RUnlock()
	op := OpOpen
	if err != nil && flag&Create != 0 {
		op = OpCreate
	}
	if err := m.check(op, name); err != nil {
		return nil, err
	}
	if err != nil && op == OpCreate {
		node, err = m.create(name)
	} else if err == nil && flag&(Create|Exclusive) == Create|Exclusive {
		err = syscall.EEXIST
	}
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	if node.file == nil {
		return nil, pathErr("open", name, syscall.EISDIR)
	}
	h := &memHandle{disk: m, file: node.file, name: name, flag: flag}
	if flag&Truncate != 0 {
		if err := h.Truncate(0); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (m *Mem) create(name string) (*memNode, error) {
	m.world.Lock()
	defer m.world.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return nil, err
	}
	if node := dir.entries[base]; node != nil { // somebody was faster
		return node, nil
	}
	node := &memNode{file: &memFile{changed: time.Now()}}
	m.change(nameEdit{dir, base, node})
	return node, nil
}

func (m *Mem) List(dir string) ([]fs.DirEntry, error) {
	if err := m.check(OpList, dir); err != nil {
		return nil, err
	}
	m.world.RLock()
	defer m.world.RUnlock()
	node, err := m.walk(dir)
	if err == nil && node.entries == nil {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathErr("list", dir, err)
	}
	list := make([]fs.DirEntry, 0, len(node.entries))
	for _, name := range sortedNames(node.entries) {
		list = append(list, fs.FileInfoToDirEntry(node.entries[name].info(name)))
	}
	return list, nil
}

func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	if err := m.check(OpStat, name); err != nil {
		return nil, err
	}
	m.world.RLock()
	defer m.world.RUnlock()
	node, err := m.walk(name)
	if err != nil {
		return nil, pathErr("stat", name, err)
	}
	return node.info(path.Base(name)), nil
}

// Lock knows only this disk: a CrashClone is the disk after a restart and holds no locks.
func (m *Mem) Lock(name string) (io.Closer, error) {
	if err := m.check(OpLock, name); err != nil {
		return nil, err
	}
	f, err := m.Open(name, ReadWrite|Create)
	if err != nil {
		return nil, err
	}
	key := path.Clean("/" + name)
	m.world.Lock()
	held := m.locks[key]
	m.locks[key] = true
	m.world.Unlock()
	if held {
		return nil, fmt.Errorf("lock %s: %w (pid %d)", name, ErrLocked, os.Getpid())
	}
	if _, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return nil, err
	}
	return closerFunc(func() error {
		m.world.Lock()
		defer m.world.Unlock()
		delete(m.locks, key)
		return nil
	}), nil
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

func (m *Mem) Space(dir string) (free, total uint64, err error) {
	if err := m.check(OpFree, dir); err != nil {
		return 0, 0, err
	}
	limit := m.capacity.Load()
	if limit == 0 {
		return math.MaxInt64, math.MaxInt64, nil
	}
	return uint64(max(limit-m.used.Load(), 0)), uint64(limit), nil
}

// reserve takes up to n bytes of the disk and answers how many there were.
func (m *Mem) reserve(n int64) int64 {
	for {
		used, limit := m.used.Load(), m.capacity.Load()
		grant := n
		if limit > 0 {
			grant = max(min(n, limit-used), 0)
		}
		if m.used.CompareAndSwap(used, used+grant) {
			return grant
		}
	}
}

// memInfo is a fs.FileInfo.
type memInfo struct {
	name    string
	size    int64
	dir     bool
	changed time.Time
}

func (n *memNode) info(name string) memInfo {
	if n.file == nil {
		return memInfo{name: name, dir: true}
	}
	size, changed := n.file.stat()
	return memInfo{name: name, size: size, changed: changed}
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) ModTime() time.Time { return i.changed }
func (i memInfo) IsDir() bool        { return i.dir }
func (i memInfo) Sys() any           { return nil }

func (i memInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | dirPerm
	}
	return filePerm
}
