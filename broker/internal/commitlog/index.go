package commitlog

import (
	"encoding/binary"
	"fmt"
	"sort"
	"sync"
)

// sparse is a segment's .index or .timeindex: a file of rising entries of fixed size, written by plain appends.
//
//	.index      8 bytes: relative offset u32, position u32
//	.timeindex 12 bytes: timestamp i64, relative offset u32
//
// The newest entries stay in memory until there are tailEntries of them, or the segment is synced: most lookups want the
// end of a log. One goroutine appends (under Log.mu); lookups may run at any time.
type sparse struct {
	file  *file
	width int64 // bytes of an entry

	mu      sync.RWMutex // guards the fields below; never held over I/O
	flushed int          // entries in the file; unknown while -1
	tail    []indexEntry // the entries behind them
}

// indexEntry is an entry of either index: key and value are offset and position, or timestamp and offset.
// Offsets are absolute here, and relative to the segment's base in the file.
type indexEntry struct{ key, value int64 }

const (
	offsetEntryBytes = 8
	timeEntryBytes   = 12
	tailEntries      = 512 // in memory at most; 8 KiB
	unknownEntries   = -1
)

var be = binary.BigEndian

func newSparse(f *file, width int64) *sparse {
	return &sparse{file: f, width: width, flushed: unknownEntries}
}

// encode appends e as the file has it.
func (x *sparse) encode(dst []byte, base int64, e indexEntry) []byte {
	if x.width == timeEntryBytes {
		dst = be.AppendUint64(dst, uint64(e.key))
		return be.AppendUint32(dst, uint32(e.value-base))
	}
	dst = be.AppendUint32(dst, uint32(e.key-base))
	return be.AppendUint32(dst, uint32(e.value))
}

func (x *sparse) decode(b []byte, base int64) indexEntry {
	if x.width == timeEntryBytes {
		return indexEntry{int64(be.Uint64(b)), base + int64(be.Uint32(b[8:]))}
	}
	return indexEntry{base + int64(be.Uint32(b)), int64(be.Uint32(b[4:]))}
}

// count answers how many entries there are.
func (x *sparse) count() (int, error) {
	x.mu.RLock()
	n, tail := x.flushed, len(x.tail)
	x.mu.RUnlock()
	if n != unknownEntries {
		return n + tail, nil
	}
	size, err := x.file.size()
	if err != nil {
		return 0, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.flushed == unknownEntries {
		x.flushed = int(size / x.width)
	}
	return x.flushed + len(x.tail), nil
}

// add appends an entry in memory, and writes the tail when it is long.
func (x *sparse) add(base int64, e indexEntry) error {
	if _, err := x.count(); err != nil {
		return err
	}
	x.mu.Lock()
	x.tail = append(x.tail, e)
	full := len(x.tail) >= tailEntries
	x.mu.Unlock()
	if !full {
		return nil
	}
	return x.flush(base)
}

// flush writes what is in memory. The caller is the one that appends.
func (x *sparse) flush(base int64) error {
	if len(x.tail) == 0 { // the appender may read its own writes without the lock
		return nil
	}
	b := make([]byte, 0, len(x.tail)*int(x.width))
	for _, e := range x.tail {
		b = x.encode(b, base, e)
	}
	if err := x.file.writeAt(b, int64(x.flushed)*x.width); err != nil {
		return fmt.Errorf("write index %s: %w", x.file.path(), err)
	}
	x.mu.Lock()
	x.flushed += len(x.tail)
	x.tail = x.tail[:0]
	x.mu.Unlock()
	return nil
}

// last answers the last entry.
func (x *sparse) last(base int64) (indexEntry, bool, error) {
	n, err := x.count()
	if err != nil || n == 0 {
		return indexEntry{}, false, err
	}
	e, err := x.entry(base, n-1)
	return e, err == nil, err
}

// entry answers entry i.
func (x *sparse) entry(base int64, i int) (indexEntry, error) {
	x.mu.RLock()
	if i >= x.flushed {
		defer x.mu.RUnlock()
		if i-x.flushed >= len(x.tail) {
			return indexEntry{}, fmt.Errorf("index %s has no entry %d", x.file.path(), i)
		}
		return x.tail[i-x.flushed], nil
	}
	x.mu.RUnlock()
	buf := getBuffer(int(x.width))
	defer buf.give()
	b := buf.bytes[:x.width]
	n, err := x.file.readAt(b, int64(i)*x.width)
	if err == nil && n < len(b) {
		err = fmt.Errorf("entry %d is cut short", i)
	}
	if err != nil {
		return indexEntry{}, fmt.Errorf("read index %s: %w", x.file.path(), err)
	}
	return x.decode(b, base), nil
}

// floor answers the last entry whose key is at most key.
func (x *sparse) floor(base, key int64) (indexEntry, bool, error) {
	n, err := x.count()
	if err != nil {
		return indexEntry{}, false, err
	}
	x.mu.RLock()
	if len(x.tail) > 0 && x.tail[0].key <= key {
		i := sort.Search(len(x.tail), func(i int) bool { return x.tail[i].key > key })
		defer x.mu.RUnlock()
		return x.tail[i-1], true, nil
	}
	n = min(n, x.flushed)
	x.mu.RUnlock()
	if n == 0 {
		return indexEntry{}, false, nil
	}
	return x.floorInFile(base, key, n)
}

// pageEntries is how many entries floorInFile reads at once when it has come close.
const pageEntries = 63

// floorInFile searches the first n entries, which are in the file.
func (x *sparse) floorInFile(base, key int64, n int) (e indexEntry, ok bool, err error) {
	h, err := x.file.acquire(false)
	if err != nil {
		return e, false, fmt.Errorf("open index: %w", err)
	}
	defer x.file.release()
	buf := getBuffer((pageEntries + 1) * int(x.width))
	defer buf.give()
	read := func(from, to int) ([]byte, error) {
		b := buf.bytes[:int64(to-from)*x.width]
		if _, err := h.ReadAt(b, int64(from)*x.width); err != nil {
			return nil, fmt.Errorf("read index %s: %w", h.Name(), err)
		}
		return b, nil
	}
	lo, hi := 0, n // entries below lo are at most key, from hi on they are above
	for hi-lo > pageEntries {
		mid := int(uint(lo+hi) >> 1)
		b, err := read(mid, mid+1)
		if err != nil {
			return e, false, err
		}
		if x.decode(b, base).key <= key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	from := max(lo-1, 0)
	b, err := read(from, max(hi, from+1))
	if err != nil {
		return e, false, err
	}
	for ; len(b) > 0; b = b[x.width:] {
		next := x.decode(b, base)
		if next.key > key {
			break
		}
		e, ok = next, true
	}
	return e, ok, nil
}

// cut removes all entries for which drop says so; they are the last ones.
func (x *sparse) cut(base int64, drop func(indexEntry) bool) error {
	n, err := x.count()
	if err != nil {
		return err
	}
	keep := sort.Search(n, func(i int) bool {
		e, err2 := x.entry(base, i)
		if err2 != nil {
			err = err2
		}
		return err2 != nil || drop(e)
	})
	if err != nil {
		return err
	}
	return x.keep(keep)
}

// keep removes all entries but the first n, in memory and in the file.
func (x *sparse) keep(n int) error {
	x.mu.Lock()
	flushed := max(x.flushed, 0)
	if n >= flushed {
		x.tail = x.tail[:n-flushed]
		x.mu.Unlock()
		return nil
	}
	x.flushed, x.tail = n, x.tail[:0]
	x.mu.Unlock()
	if err := x.file.truncate(int64(n) * x.width); err != nil {
		return fmt.Errorf("cut index %s: %w", x.file.path(), err)
	}
	return nil
}

// check reads the whole file and cuts it before the first entry that does not rise above the one before it, or lies
// beyond limit: what a crash left of unsynced appends. It answers how many entries stay.
func (x *sparse) check(base int64, sound func(indexEntry) bool) (int, error) {
	size, err := x.file.size()
	if err != nil {
		return 0, err
	}
	b := make([]byte, size)
	n := 0
	if size > 0 {
		if n, err = x.file.readAt(b, 0); err != nil {
			return 0, fmt.Errorf("read index %s: %w", x.file.path(), err)
		}
	}
	b = b[:n]
	good, last := 0, indexEntry{-1, -1}
	for ; len(b) >= int(x.width); b = b[x.width:] {
		e := x.decode(b, base)
		if good > 0 && e.key <= last.key || e.value < last.value || !sound(e) {
			break
		}
		good, last = good+1, e
	}
	x.mu.Lock()
	x.flushed, x.tail = good, nil
	x.mu.Unlock()
	if int64(good)*x.width == size {
		return good, nil
	}
	if err := x.file.truncate(int64(good) * x.width); err != nil {
		return 0, fmt.Errorf("cut index %s: %w", x.file.path(), err)
	}
	return good, nil
}
