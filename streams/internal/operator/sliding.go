package operator

import (
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Sliding folds a stream by key and sliding windows (KIP-450): for each record the window that ends at it and, when a later
// record exists, the one that starts after it. A null key or value drops the record. The order of updates is 4.3.1's: windows
// that exist, newest first, then those that are made.
type Sliding[K, V, A any] struct{ windowed[K, V, A] }

// NewSliding makes the operator; Size is the time difference.
func NewSliding[K, V, A any](n Node, w Windowing, f Fold[K, V, A], rows *WindowRows[K, A], sendOld bool, out Sink[Change[processor.Windowed[K], A]]) *Sliding[K, V, A] {
	o := &Sliding[K, V, A]{windowed[K, V, A]{Node: n, Windowing: w, Agg: f.Agg, Init: f.Init, First: f.First, Add: f.Add, Rows: rows, SendOld: sendOld, Out: out}}
	o.bind()
	return o
}

// windowRow is a window that exists.
type windowRow[A any] struct {
	start int64
	v     A
	ts    int64
}

// Sink takes a record.
func (o *Sliding[K, V, A]) Sink(m *Msg[K, V]) {
	if m.NoKey || m.NoValue {
		o.missing(m.NoKey)
		return
	}
	*o.time = max(*o.time, m.Time)
	closeTime := *o.time - o.Grace
	if m.Time+o.Size < closeTime {
		o.Task.Drop("late")
		return
	}
	if m.Time < o.Size {
		o.early(m, closeTime)
		return
	}
	o.later(m, closeTime)
	if o.Final {
		first := int64(0)
		if *o.emitted != task.None {
			first = *o.emitted - o.Size
		}
		o.emit(m, closeTime, first, closeTime-o.Size-1)
	}
}

// found is the windows of the key that a record may touch.
func (o *Sliding[K, V, A]) found(key K, from, to int64) []windowRow[A] {
	var out []windowRow[A]
	o.Rows.Fetch(key, from, to, func(start int64, v A, ts int64) bool {
		out = append(out, windowRow[A]{start, v, ts})
		return true
	})
	return out
}

// put updates a window unless it has closed.
func (o *Sliding[K, V, A]) put(m *Msg[K, V], closeTime int64, w windowRow[A], had bool) {
	if w.start+o.Size < closeTime {
		o.Task.Drop("late")
		return
	}
	o.update(m, w.start, w.v, w.ts, had)
}

func (o *Sliding[K, V, A]) later(m *Msg[K, V], closeTime int64) {
	rows := o.found(m.Key, max(0, m.Time-2*o.Size), m.Time+1)
	starts := map[int64]bool{}
	var left, right *windowRow[A]
	leftMade, rightMade := false, false
	previous := task.None
	for i := len(rows) - 1; i >= 0; i-- {
		w := &rows[i]
		starts[w.start] = true
		end := w.start + o.Size
		switch {
		case w.start == m.Time+1:
			rightMade = true
		case end > m.Time:
			if right == nil {
				right = w
			}
			o.put(m, closeTime, *w, true)
		case end == m.Time:
			leftMade = true
			o.put(m, closeTime, *w, true)
			if w.ts >= m.Time {
				return // every window of this record exists
			}
			previous = w.ts
		default:
			left, previous = w, w.ts
		}
		if end < m.Time {
			break
		}
	}
	if previous != task.None {
		if start := previous + 1; !starts[start] && start+o.Size >= m.Time {
			o.put(m, closeTime, windowRow[A]{start: start}, false)
		}
	}
	if !leftMade {
		w := windowRow[A]{start: m.Time - o.Size}
		had := false
		if left != nil && previous >= m.Time-o.Size {
			w.v, w.ts, had = left.v, m.Time, true
		}
		o.put(m, closeTime, w, had)
	}
	o.rightOf(m, right, rightMade)
}

// rightOf makes the window after this record when later records exist: it holds what the newest window that contains both held.
func (o *Sliding[K, V, A]) rightOf(m *Msg[K, V], right *windowRow[A], made bool) {
	if made || right == nil || right.ts <= m.Time {
		return
	}
	var none A
	start := m.Time + 1
	o.Rows.Put(m.Key, start, right.v, false, right.ts, m.Headers)
	o.forward(m, start, none, true, right.v, false, right.ts)
}

// early is a record whose left window would start before 0: those share [0, Size].
func (o *Sliding[K, V, A]) early(m *Msg[K, V], closeTime int64) {
	starts := map[int64]bool{}
	var combined, right *windowRow[A]
	rightMade := false
	previous := task.None
	rows := o.found(m.Key, 0, m.Time+1)
	for i := range rows {
		w := &rows[i]
		starts[w.start] = true
		switch {
		case w.start == 0:
			combined = w
			if w.ts < m.Time {
				previous = w.ts
			}
		case w.start <= m.Time:
			right = w
			o.put(m, closeTime, *w, true)
		default:
			rightMade = true
		}
	}
	if right == nil && combined != nil && combined.ts > m.Time {
		right = combined
	}
	o.rightOf(m, right, rightMade)
	if previous != task.None && !starts[previous+1] {
		o.put(m, closeTime, windowRow[A]{start: previous + 1}, false)
	}
	if combined == nil {
		o.put(m, closeTime, windowRow[A]{}, false)
	} else {
		o.put(m, closeTime, *combined, true)
	}
}
