package vfs

import (
	"bytes"
	"math/rand/v2"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

// Keep says what of the unsynced survives a crash.
type Keep uint8

const (
	KeepNothing Keep = iota // of data and of names: only what was synced
	KeepAll                 // a killed process: the page cache survives
	KeepTorn                // data: all but a part of the last write of each file, cut at any byte. Names: each change by a coin
	KeepSectors             // data: each 512-byte sector by a coin, sizes anywhere between. Names: as KeepTorn
	KeepRandom              // each file by one of the above, drawn from the seed
)

// Crash says how the power is lost. The zero value loses everything that was not synced.
type Crash struct {
	Seed  uint64
	Data  Keep
	Names Keep
}

// CrashClone answers the disk as it would be found after a power loss at this moment. The living disk
// goes on undisturbed; the clone is a disk of its own, without faults, locks or open files. The same
// history and the same Crash make the same disk.
//
// Data is lost independently of names, and names independently of each other, which is more than
// most file systems permit: a file can come back empty under its new name, or whole under the old.
func (m *Mem) CrashClone(crash Crash) *Mem {
	m.world.Lock()
	defer m.world.Unlock()
	c := &crasher{crash: crash, rng: rand.New(rand.NewPCG(crash.Seed, 0x6d61696e)), files: map[*memFile]*memNode{}}
	clone := NewMem()
	clone.capacity.Store(m.capacity.Load())
	c.disk = clone
	clone.root = c.dir(m.root, c.survivors(m.pending))
	return clone
}

// crasher builds the disk after the crash.
type crasher struct {
	crash Crash
	rng   *rand.Rand
	disk  *Mem
	files map[*memFile]*memNode // a file with two names stays one
	buf   []byte                // one block
}

// survivors answers the directories that changes of names are kept in, as they will be.
func (c *crasher) survivors(pending []*nameOp) map[*memNode]map[string]*memNode {
	after := map[*memNode]map[string]*memNode{}
	for _, op := range pending {
		if !c.keepName() {
			continue
		}
		for _, e := range op.edits {
			entries := after[e.dir]
			if entries == nil {
				entries = make(map[string]*memNode, len(e.dir.durable)+1)
				for name, node := range e.dir.durable {
					entries[name] = node
				}
				after[e.dir] = entries
			}
			e.apply(entries)
		}
	}
	return after
}

func (c *crasher) keepName() bool {
	switch c.crash.Names {
	case KeepNothing:
		return false
	case KeepAll:
		return true
	default:
		return c.rng.IntN(2) == 0
	}
}

func (c *crasher) dir(old *memNode, after map[*memNode]map[string]*memNode) *memNode {
	entries, changed := after[old]
	if !changed {
		entries = old.durable
	}
	dir := newMemDir()
	for _, name := range sortedNames(entries) {
		node := entries[name]
		var kept *memNode
		if node.file != nil {
			kept = c.file(node)
		} else {
			kept = c.dir(node, after)
		}
		dir.entries[name], dir.durable[name] = kept, kept
	}
	return dir
}

func (c *crasher) file(node *memNode) *memNode {
	if kept := c.files[node.file]; kept != nil {
		return kept
	}
	kept := &memNode{file: c.content(node.file)}
	c.files[node.file] = kept
	return kept
}

// content answers what is left of a file: the durable bytes, and of the others what the crash keeps.
// Nobody writes meanwhile, for the caller holds world.
func (c *crasher) content(f *memFile) *memFile {
	kept := &memFile{size: f.synced, changed: f.changed, live: make([]memBlock, len(f.durable))}
	for i, b := range f.durable {
		kept.live[i] = memBlock{b: b[:len(b):len(b)], shared: len(b)}
	}
	if f.dirty != (span{}) || f.size != f.synced {
		c.keepData(f, kept)
	}
	kept.dirty = span{0, int64(len(kept.live))}
	kept.sync() // what survived is durable
	kept.counted = kept.size
	c.disk.used.Add(kept.counted)
	return kept
}

func (c *crasher) keepData(f, kept *memFile) {
	keep := c.crash.Data
	if keep == KeepRandom {
		keep = Keep(c.rng.IntN(int(KeepRandom)))
	}
	switch keep {
	case KeepAll:
		c.copyRange(f, kept, 0, f.size)
		kept.truncate(f.size)
	case KeepTorn:
		c.tear(f, kept)
	case KeepSectors:
		c.scatter(f, kept)
	}
}

// tear keeps everything but the end of the last write, cut at any byte. Where that write grew the file,
// the new size may be there without the data: zeros.
func (c *crasher) tear(f, kept *memFile) {
	cut := f.last.from
	if n := f.last.to - f.last.from; n > 0 {
		cut += c.rng.Int64N(n + 1)
	}
	if f.last == (span{}) { // the last change was a truncation
		cut = f.size
	}
	c.copyRange(f, kept, 0, cut)
	c.copyRange(f, kept, f.last.to, f.size)
	size := max(min(f.size, max(cut, f.synced)), min(f.size, kept.size))
	if c.rng.IntN(2) == 0 {
		size = f.size
	}
	kept.truncate(size)
}

// scatter keeps each changed sector by a coin, and a size anywhere between the durable and the new.
func (c *crasher) scatter(f, kept *memFile) {
	for from := f.dirty.from * blockBytes; from < min(f.dirty.to*blockBytes, f.size); from += sectorBytes {
		if c.rng.IntN(2) == 0 {
			c.copyRange(f, kept, from, min(from+sectorBytes, f.size))
		}
	}
	low, high := min(f.size, f.synced), max(f.size, f.synced)
	switch c.rng.IntN(3) {
	case 0:
		kept.truncate(f.synced)
	case 1:
		kept.truncate(f.size)
	default:
		kept.truncate(low + c.rng.Int64N(high-low+1))
	}
}

// copyRange takes the bytes [from, to) over from the living file, block by block.
func (c *crasher) copyRange(f, kept *memFile, from, to int64) {
	if c.buf == nil {
		c.buf = make([]byte, blockBytes)
	}
	for from < to {
		n := min(to-from, blockBytes-from%blockBytes)
		if !f.unchanged(int(from / blockBytes)) {
			got, _ := f.readAt(c.buf[:n], from)
			kept.writeAt(c.buf[:got], from)
		}
		from += n
	}
}

// unchanged answers whether block i is as it was at the last sync.
func (f *memFile) unchanged(i int) bool {
	var live, durable []byte
	if i < len(f.live) {
		live = f.live[i].b
	}
	if i < len(f.durable) {
		durable = f.durable[i]
	}
	return sameBlock(live, durable)
}

func sameBlock(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || bytes.Equal(a, b))
}
