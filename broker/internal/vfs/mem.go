package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
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

// nameOp is one atomic change of names. An edit with a nil node takes the name away.
type nameOp struct{ edits []nameEdit }

type nameEdit struct {
	dir  *memNode
	name string
	node *memNode
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

// walk finds a node. The caller holds world.
func (m *Mem) walk(name string) (*memNode, error) {
	node := m.root
	for part := range strings.SplitSeq(path.Clean("/"+name), "/") {
		if part == "" {
			continue
		}
		if node.entries == nil {
			return nil, syscall.ENOTDIR
		}
		next := node.entries[part]
		if next == nil {
			return nil, syscall.ENOENT
		}
		node = next
	}
	return node, nil
}

// parent finds the directory that holds name, and the name in it. The caller holds world.
func (m *Mem) parent(name string) (*memNode, string, error) {
	dir, base := path.Split(path.Clean("/" + name))
	node, err := m.walk(dir)
	switch {
	case err != nil:
		return nil, "", err
	case node.entries == nil:
		return nil, "", syscall.ENOTDIR
	case base == "":
		return nil, "", syscall.EBUSY // the root itself
	}
	return node, base, nil
}

// change edits names, now for the living and at a SyncDir for good. The caller holds world for writing.
func (m *Mem) change(edits ...nameEdit) {
	for _, e := range edits {
		e.apply(e.dir.entries)
	}
	m.pending = append(m.pending, &nameOp{edits: edits})
}

func (e nameEdit) apply(entries map[string]*memNode) {
	if e.node == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.node
	}
}

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

func (m *Mem) Remove(name string) error {
	if err := m.check(OpRemove, name); err != nil {
		return err
	}
	m.world.Lock()
	defer m.world.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return pathErr("remove", name, err)
	}
	switch node := dir.entries[base]; {
	case node == nil:
		return pathErr("remove", name, syscall.ENOENT)
	case len(node.entries) > 0:
		return pathErr("remove", name, syscall.ENOTEMPTY)
	default:
		m.unlink(dir, base, node)
	}
	return nil
}

func (m *Mem) unlink(dir *memNode, base string, node *memNode) {
	m.change(nameEdit{dir, base, nil})
	m.forget(node)
}

// forget gives the space of an unlinked file back. What an open handle still holds is not counted.
func (m *Mem) forget(node *memNode) {
	if node != nil && node.file != nil {
		m.used.Add(-node.file.drop())
	}
}

func (m *Mem) RemoveAll(name string) error {
	if err := m.check(OpRemove, name); err != nil {
		return err
	}
	m.world.Lock()
	defer m.world.Unlock()
	dir, base, err := m.parent(name)
	if err == syscall.ENOENT {
		return nil
	}
	if err != nil {
		return pathErr("remove all", name, err)
	}
	if node := dir.entries[base]; node != nil {
		m.removeTree(dir, base, node)
	}
	return nil
}

// removeTree takes the leaves first, each a change of its own, as rm -r does.
func (m *Mem) removeTree(dir *memNode, base string, node *memNode) {
	for _, name := range sortedNames(node.entries) {
		m.removeTree(node, name, node.entries[name])
	}
	m.unlink(dir, base, node)
}

func sortedNames(entries map[string]*memNode) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (m *Mem) Rename(from, to string) error {
	if err := m.check(OpRename, from); err != nil {
		return err
	}
	m.world.Lock()
	defer m.world.Unlock()
	fromDir, fromBase, err := m.parent(from)
	if err != nil {
		return pathErr("rename", from, err)
	}
	toDir, toBase, err := m.parent(to)
	if err != nil {
		return pathErr("rename", to, err)
	}
	node, old := fromDir.entries[fromBase], toDir.entries[toBase]
	switch {
	case node == nil:
		return pathErr("rename", from, syscall.ENOENT)
	case node == old:
		return nil
	case old == nil:
	case old.file == nil:
		return pathErr("rename", to, syscall.EEXIST) // as os.Rename, also when it is empty
	case node.file == nil:
		return pathErr("rename", to, syscall.ENOTDIR)
	}
	m.change(nameEdit{fromDir, fromBase, nil}, nameEdit{toDir, toBase, node})
	m.forget(old)
	return nil
}

func (m *Mem) MkdirAll(name string) error {
	if err := m.check(OpMkdir, name); err != nil {
		return err
	}
	m.world.Lock()
	defer m.world.Unlock()
	node := m.root
	for part := range strings.SplitSeq(path.Clean("/"+name), "/") {
		if part == "" {
			continue
		}
		next := node.entries[part]
		if next == nil {
			next = newMemDir()
			m.change(nameEdit{node, part, next})
		}
		if next.entries == nil {
			return pathErr("mkdir", name, syscall.ENOTDIR)
		}
		node = next
	}
	return nil
}

func (m *Mem) SyncDir(dir string) error {
	if err := m.check(OpSyncDir, dir); err != nil {
		return err
	}
	m.world.Lock()
	defer m.world.Unlock()
	node, err := m.walk(dir)
	if err == nil && node.entries == nil {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return pathErr("syncdir", dir, err)
	}
	rest := m.pending[:0]
	for _, op := range m.pending {
		if op.touches(node) {
			op.settle()
		} else {
			rest = append(rest, op)
		}
	}
	clear(m.pending[len(rest):])
	m.pending = rest
	if len(rest) > m.sweepAt {
		m.sweep()
		m.sweepAt = 2*len(m.pending) + 256
	}
	return nil
}

// sweep drops the changes in directories that no crash can bring back: nobody will sync those, so
// without it a removed tree would be remembered for ever.
func (m *Mem) sweep() {
	seen := map[*memNode]bool{}
	var mark func(*memNode)
	mark = func(node *memNode) {
		if node == nil || node.entries == nil || seen[node] {
			return
		}
		seen[node] = true
		for _, next := range node.entries {
			mark(next)
		}
		for _, next := range node.durable {
			mark(next)
		}
	}
	mark(m.root)
	for _, op := range m.pending { // oldest first: a directory is made before its entries
		for _, e := range op.edits {
			if seen[e.dir] {
				mark(e.node)
			}
		}
	}
	m.pending = slices.DeleteFunc(m.pending, func(op *nameOp) bool {
		return !slices.ContainsFunc(op.edits, func(e nameEdit) bool { return seen[e.dir] })
	})
}

func (o *nameOp) touches(dir *memNode) bool {
	for _, e := range o.edits {
		if e.dir == dir {
			return true
		}
	}
	return false
}

// settle makes the change durable, in both directories of a rename: a rename is atomic.
func (o *nameOp) settle() {
	for _, e := range o.edits {
		e.apply(e.dir.durable)
	}
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

func (m *Mem) Free(dir string) (uint64, error) {
	if err := m.check(OpFree, dir); err != nil {
		return 0, err
	}
	limit := m.capacity.Load()
	if limit == 0 {
		return math.MaxInt64, nil
	}
	return uint64(max(limit-m.used.Load(), 0)), nil
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
