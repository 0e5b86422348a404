package vfs

import (
	"path"
	"slices"
	"sort"
	"strings"
	"syscall"
)

// nameOp is one atomic change of names. An edit with a nil node takes the name away.
type nameOp struct{ edits []nameEdit }

type nameEdit struct {
	dir  *memNode
	name string
	node *memNode
}

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

func sortedNames(entries map[string]*memNode) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
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
