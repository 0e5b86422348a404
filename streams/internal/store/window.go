package store

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// None is the time of something that has not seen a record.
const None = int64(math.MinInt64)

// Row is a row of a window store.
type Row struct {
	Start int64
	Seq   uint32
	Value []byte
}

// Window holds rows of (key, window start), or several of each when Duplicates is set. The live rows of a key are a sorted
// slice in memory, so that a lookup opens no iterator; the map below, ordered by time, serves expiry, emission and restarts.
//
// A row is gone once start <= Observed - retention: for reads at once, on the map when time has moved on for a while.
type Window struct {
	rows       Map
	keys       map[string][]Row
	retention  int64
	duplicates bool
	seq        uint32
	observed   int64 // the highest start ever put
	expired    int64 // rows below were removed
	keep       int64 // with keeps: rows from here on stay
	keeps      bool
}

// NewWindow opens a window store over its rows. observed is the store's time at the last commit, or None: then it is the newest row's.
func NewWindow(rows Map, retention int64, duplicates bool, observed int64) *Window {
	w := &Window{rows: rows, keys: map[string][]Row{}, retention: retention, duplicates: duplicates, observed: observed, expired: None}
	rows.Ascend(nil, nil, func(k, v []byte) bool {
		start, key, seq := splitWindowKey(k)
		w.insert(key, Row{start, seq, v})
		w.observed = max(w.observed, start)
		w.seq = max(w.seq, seq)
		return true
	})
	return w
}

func windowKey(start int64, key []byte, seq uint32) []byte {
	k := make([]byte, 0, 12+len(key))
	k = binary.BigEndian.AppendUint64(k, uint64(start)^1<<63)
	k = append(k, key...)
	return binary.BigEndian.AppendUint32(k, seq)
}

func splitWindowKey(k []byte) (start int64, key []byte, seq uint32) {
	n := len(k) - 4
	return int64(binary.BigEndian.Uint64(k) ^ 1<<63), k[8:n], binary.BigEndian.Uint32(k[n:])
}

// Observed is the store's own time: None before the first put.
func (w *Window) Observed() int64 { return w.observed }

// Horizon is the highest start that reads no longer see.
func (w *Window) Horizon() int64 { return horizon(w.observed, w.retention) }

func horizon(observed, retention int64) int64 {
	if observed == None || observed < math.MinInt64+retention {
		return None
	}
	return observed - retention
}

// Put sets (key, start) to value, or removes it when value is nil, or adds a row in a store with duplicates, where nil is
// ignored. False means that the row is too old. seq is the row's number for the changelog.
func (w *Window) Put(key []byte, start int64, value []byte) (seq uint32, kept bool) {
	w.observed = max(w.observed, start)
	if h := w.Horizon(); h != None && start <= h {
		return 0, false
	}
	if w.duplicates {
		w.seq = (w.seq + 1) & math.MaxInt32
		if seq = w.seq; value == nil {
			return seq, true
		}
	}
	w.set(key, start, seq, value)
	w.expire()
	return seq, true
}

// Restore puts a row as a changelog tells it.
func (w *Window) Restore(key []byte, start int64, seq uint32, value []byte) {
	w.observed = max(w.observed, start)
	w.seq = max(w.seq, seq)
	w.set(key, start, seq, value)
	w.expire()
}

func (w *Window) set(key []byte, start int64, seq uint32, value []byte) {
	if value == nil {
		w.rows.Delete(windowKey(start, key, seq))
		w.remove(key, start, seq)
		return
	}
	w.rows.Set(windowKey(start, key, seq), value)
	w.insert(key, Row{start, seq, value})
}

// find is where (start, seq) is or would be in rows.
func find(rows []Row, start int64, seq uint32) (int, bool) {
	n := len(rows)
	if n == 0 || rows[n-1].Start < start || rows[n-1].Start == start && rows[n-1].Seq < seq {
		return n, false // in order: the common case
	}
	i := sort.Search(n, func(i int) bool { return rows[i].Start > start || rows[i].Start == start && rows[i].Seq >= seq })
	return i, i < n && rows[i].Start == start && rows[i].Seq == seq
}

func (w *Window) insert(key []byte, r Row) {
	rows := w.keys[view(key)]
	i, there := find(rows, r.Start, r.Seq)
	if there {
		rows[i].Value = r.Value
		return
	}
	w.keys[string(key)] = slices.Insert(rows, i, r)
}

func (w *Window) remove(key []byte, start int64, seq uint32) {
	rows := w.keys[view(key)]
	if i, there := find(rows, start, seq); there {
		if len(rows) == 1 {
			delete(w.keys, view(key))
			return
		}
		w.keys[string(key)] = slices.Delete(rows, i, i+1)
	}
}

// Get is the value of (key, start); nil when there is none.
func (w *Window) Get(key []byte, start int64) []byte {
	if h := w.Horizon(); h != None && start <= h {
		return nil
	}
	rows := w.keys[view(key)]
	if i, there := find(rows, start, 0); there {
		return rows[i].Value
	}
	return nil
}

// Fetch is the live rows of a key with from <= start <= to, oldest first. The slice is valid until the next write.
func (w *Window) Fetch(key []byte, from, to int64) []Row {
	if h := w.Horizon(); h != None && from <= h {
		from = h + 1
	}
	rows := w.keys[view(key)]
	i, _ := find(rows, from, 0)
	j := len(rows)
	for j > i && rows[j-1].Start > to {
		j--
	}
	return rows[i:j]
}

// Scan calls f for the live rows with from <= start <= to of all keys, in the order of (start, key).
func (w *Window) Scan(from, to int64, f func(key []byte, r Row) bool) {
	if h := w.Horizon(); h != None && from <= h {
		from = h + 1
	}
	w.scan(from, to, f)
}

func (w *Window) scan(from, to int64, f func(key []byte, r Row) bool) {
	if to < from {
		return
	}
	var end []byte
	if to != math.MaxInt64 {
		end = timeBound(to + 1)
	}
	w.rows.Ascend(timeBound(from), end, func(k, v []byte) bool {
		start, key, seq := splitWindowKey(k)
		return f(key, Row{start, seq, v})
	})
}

func timeBound(t int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t)^1<<63) }

// expire removes what reads no longer see, in steps: a quarter of the retention at a time.
func (w *Window) expire() {
	h := w.Horizon()
	if w.keeps {
		h = min(h, w.keep-1)
		if w.keep == math.MinInt64 {
			return
		}
	}
	if h == None || w.expired != None && h-w.expired < w.retention/4+1 {
		return
	}
	var gone [][]byte
	w.rows.Ascend(nil, timeBound(h+1), func(k, _ []byte) bool {
		gone = append(gone, slices.Clone(k))
		return true
	})
	for _, k := range gone {
		start, key, seq := splitWindowKey(k)
		w.remove(key, start, seq)
		w.rows.Delete(k)
	}
	w.expired = h
}

// Keep says that rows from this start on must stay although no read sees them: they are still to be emitted.
func (w *Window) Keep(from int64) { w.keep, w.keeps = from, true }

// ScanAll is Scan without the horizon.
func (w *Window) ScanAll(from, to int64, f func(key []byte, r Row) bool) { w.scan(from, to, f) }
