package vfs

import (
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// blockBytes is the unit of a memory file: the longest block. The last block of a file grows by
// doubling, so a small file costs little.
const blockBytes = 64 << 10

// memFile is the content of a file, twice: as written, and as last synced. The two share blocks. A
// shared prefix of a block is never written again: what wants to change it copies the block first,
// and what appends behind it need not. So a sync copies nothing, and appending after it neither.
type memFile struct {
	mu       sync.RWMutex // guards the fields below
	live     []memBlock
	size     int64
	durable  [][]byte // blocks as of the last sync; a short or nil block ends in zeros
	synced   int64    // size as of the last sync
	dirty    span     // blocks of live that may differ from durable
	last     span     // bytes of the last write since the last sync: a power loss may tear it
	counted  int64    // bytes that the disk counts for this file
	unlinked bool
	changed  time.Time
}

// memBlock is b with its first shared bytes frozen. Behind len(b) the block reads as zeros.
type memBlock struct {
	b      []byte
	shared int // may be more than len(b), after a truncation
}

// span is a half-open interval; the zero span is empty.
type span struct{ from, to int64 }

func (s *span) add(from, to int64) {
	if s.from == s.to {
		*s = span{from, to}
		return
	}
	s.from, s.to = min(s.from, from), max(s.to, to)
}

// write puts p at from in the block.
func (k *memBlock) write(p []byte, from int) {
	end := from + len(p)
	first := min(from, len(k.b)) // the gap before from is written too, with zeros
	length := max(end, len(k.b))
	if first < k.shared || length > cap(k.b) {
		room := length
		if length > cap(k.b) {
			room = min(max(2*cap(k.b), length, 256), blockBytes)
		}
		fresh := make([]byte, length, room)
		copy(fresh, k.b)
		k.b, k.shared = fresh, 0
	} else if length > len(k.b) {
		old := len(k.b)
		k.b = k.b[:length]
		if from > old {
			clear(k.b[old:from])
		}
	}
	copy(k.b[from:end], p)
}

// freeze answers the block as it is, to be kept: it will not change any more.
func (k *memBlock) freeze() []byte {
	k.shared = max(k.shared, len(k.b))
	return k.b[:len(k.b):len(k.b)]
}

func (f *memFile) stat() (int64, time.Time) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size, f.changed
}

func (f *memFile) readAt(p []byte, offset int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if offset >= f.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), f.size-offset))
	for done := 0; done < n; {
		block, from := int((offset+int64(done))/blockBytes), int((offset+int64(done))%blockBytes)
		part := p[done:min(n, done+blockBytes-from)]
		got := 0
		if block < len(f.live) && from < len(f.live[block].b) {
			got = copy(part, f.live[block].b[from:])
		}
		clear(part[got:])
		done += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// writeAt stores p. The caller holds mu and made sure that the disk has the space.
func (f *memFile) writeAt(p []byte, offset int64) {
	end := offset + int64(len(p))
	for len(f.live) < int((end+blockBytes-1)/blockBytes) {
		f.live = append(f.live, memBlock{})
	}
	for done := 0; done < len(p); {
		block, from := int((offset+int64(done))/blockBytes), int((offset+int64(done))%blockBytes)
		part := p[done:min(len(p), done+blockBytes-from)]
		f.live[block].write(part, from)
		done += len(part)
	}
	f.size = max(f.size, end)
	f.dirty.add(offset/blockBytes, (end+blockBytes-1)/blockBytes)
	f.last = span{offset, end}
	f.changed = time.Now()
}

// truncate cuts or extends. The caller holds mu.
func (f *memFile) truncate(size int64) {
	blocks := int((size + blockBytes - 1) / blockBytes)
	f.dirty.add(size/blockBytes, int64(max(len(f.live), blocks, len(f.durable))))
	if len(f.live) > blocks {
		clear(f.live[blocks:])
		f.live = f.live[:blocks]
	}
	if rest := int(size % blockBytes); rest != 0 && blocks == len(f.live) {
		if k := &f.live[blocks-1]; len(k.b) > rest {
			k.b = k.b[:rest]
		}
	}
	f.size = size
	f.last = span{}
	f.changed = time.Now()
}

// sync makes live durable. The caller holds mu.
func (f *memFile) sync() {
	for len(f.durable) < len(f.live) {
		f.durable = append(f.durable, nil)
	}
	clear(f.durable[len(f.live):])
	f.durable = f.durable[:len(f.live)]
	for i := f.dirty.from; i < min(f.dirty.to, int64(len(f.live))); i++ {
		f.durable[i] = f.live[i].freeze()
	}
	f.synced, f.dirty, f.last = f.size, span{}, span{}
}

// drop is called when the last name is gone: it answers the bytes to give back.
func (f *memFile) drop() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.counted
	f.counted, f.unlinked = 0, true
	return n
}

// memHandle is an open file.
type memHandle struct {
	disk   *Mem
	file   *memFile
	name   string
	flag   Flag
	closed atomic.Bool
}

func (h *memHandle) Name() string { return h.name }

func (h *memHandle) Size() (int64, error) {
	size, _ := h.file.stat()
	return size, nil
}

func (h *memHandle) Close() error {
	if h.closed.Swap(true) {
		return pathErr("close", h.name, fs.ErrClosed)
	}
	return nil
}

func (h *memHandle) ReadAt(p []byte, offset int64) (int, error) {
	if err := h.allow(OpRead, offset, p); err != nil {
		return 0, err
	}
	if err := h.disk.check(OpRead, h.name); err != nil {
		return 0, err
	}
	return h.file.readAt(p, offset)
}

// allow refuses what the kernel would refuse too.
func (h *memHandle) allow(op Op, offset int64, p []byte) error {
	switch {
	case h.closed.Load():
		return pathErr(op.String(), h.name, fs.ErrClosed)
	case op&(OpWrite|OpTruncate) != 0 && h.flag&(ReadWrite|Truncate) == 0:
		return pathErr(op.String(), h.name, syscall.EBADF)
	case offset < 0 || h.flag&Direct != 0 && p != nil && !aligned(p, offset):
		return pathErr(op.String(), h.name, syscall.EINVAL)
	}
	return nil
}

func (h *memHandle) WriteAt(p []byte, offset int64) (int, error) {
	if err := h.allow(OpWrite, offset, p); err != nil {
		return 0, err
	}
	n, err := len(p), error(nil)
	if partial, fault := h.disk.before(OpWrite, h.name); fault != nil {
		n, err = min(partial, n), fault
	}
	if stored := h.store(p[:n], offset); stored < n {
		n, err = stored, syscall.ENOSPC
	}
	if err != nil {
		return n, pathErr("write", h.name, err)
	}
	if h.flag&DSync != 0 {
		if err := h.Sync(); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// store writes as much of p as the disk has room for, as a real one does.
func (h *memHandle) store(p []byte, offset int64) int {
	h.disk.world.RLock()
	defer h.disk.world.RUnlock()
	f := h.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if need := offset + int64(len(p)) - f.counted; need > 0 && !f.unlinked {
		granted := h.disk.reserve(need)
		f.counted += granted
		p = p[:max(int64(len(p))-(need-granted), 0)]
	}
	if len(p) > 0 {
		f.writeAt(p, offset)
	}
	return len(p)
}

func (h *memHandle) Truncate(size int64) error {
	if err := h.allow(OpTruncate, size, nil); err != nil {
		return err
	}
	if err := h.disk.check(OpTruncate, h.name); err != nil {
		return err
	}
	h.disk.world.RLock()
	defer h.disk.world.RUnlock()
	h.file.mu.Lock()
	defer h.file.mu.Unlock()
	if size < h.file.counted {
		h.disk.used.Add(size - h.file.counted)
		h.file.counted = size
	}
	h.file.truncate(size)
	return nil
}

func (h *memHandle) Sync() error {
	if h.closed.Load() {
		return pathErr("sync", h.name, fs.ErrClosed)
	}
	if err := h.disk.check(OpSync, h.name); err != nil {
		return err
	}
	h.disk.world.RLock()
	defer h.disk.world.RUnlock()
	h.file.mu.Lock()
	defer h.file.mu.Unlock()
	h.file.sync()
	return nil
}

func (h *memHandle) StartWriteback(offset, length int64) error {
	return h.disk.check(OpWriteback, h.name)
}
