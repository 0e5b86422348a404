package operator

// JoinSpan is which records pair: those whose time difference right - left lies in [-Before, After].
type JoinSpan struct {
	Before, After, Grace int64
}

// StreamJoin joins two streams within a window. Left and outer joins wait for the end of a row's window and grace before it is
// joined with nothing: a row within grace has either matches or one null row, never both (streams.md 9.2; Kafka 4.3.1 differs:
// KAFKA-19536, KAFKA-16123).
type StreamJoin[K, V, W, R any] struct {
	Node
	Span    JoinSpan
	Left    bool // the left side is preserved
	Right   bool
	Join    func(K, *V, *W) R
	Result  Codec[R]
	This    *WindowRows[K, V]
	Other   *WindowRows[K, W]
	Pending *Pending[K, V, W] // nil for an inner join
	Out     Sink[Msg[K, R]]
	time    *int64
	next    Msg[K, R]
}

// Bind finds the join's time.
func (o *StreamJoin[K, V, W, R]) Bind() { o.time = o.Task.Time(o.Name + ".time") }

// SinkLeft takes a record of the left stream.
func (o *StreamJoin[K, V, W, R]) SinkLeft(m *Msg[K, V]) {
	if !joinable(o, m, o.Left, func() { o.emit(m.Key, m.NoKey, &m.Value, nil, m.Time, m) }) {
		remember(o.This, m)
		return
	}
	defer o.This.Put(m.Key, m.Time, m.Value, false, m.Time, m.Headers)
	o.close(m)
	matched := false
	o.Other.Fetch(m.Key, max(0, m.Time-o.Span.Before), max(0, m.Time+o.Span.After), func(start int64, w W, _ int64) bool {
		matched = true
		if o.Pending != nil {
			o.Pending.forget(start, rightSide, m.Key, m)
		}
		o.emit(m.Key, false, &m.Value, &w, max(m.Time, start), m)
		return true
	})
	if !matched && o.Left {
		o.wait(m.Time+o.Span.After, func() { o.Pending.addLeft(m) })
	}
}

// SinkRight takes a record of the right stream.
func (o *StreamJoin[K, V, W, R]) SinkRight(m *Msg[K, W]) {
	if !joinable(o, m, o.Right, func() { o.emit(m.Key, m.NoKey, nil, &m.Value, m.Time, m) }) {
		remember(o.Other, m)
		return
	}
	defer o.Other.Put(m.Key, m.Time, m.Value, false, m.Time, m.Headers)
	o.close(m)
	matched := false
	o.This.Fetch(m.Key, max(0, m.Time-o.Span.After), max(0, m.Time+o.Span.Before), func(start int64, v V, _ int64) bool {
		matched = true
		if o.Pending != nil {
			o.Pending.forget(start, leftSide, m.Key, m)
		}
		o.emit(m.Key, false, &v, &m.Value, max(m.Time, start), m)
		return true
	})
	if !matched && o.Right {
		o.wait(m.Time+o.Span.Before, func() { o.Pending.addRight(m) })
	}
}

// SinkSelf takes a record of a stream that is joined with itself over one store: it meets the rows before it, is stored, and the
// rows, itself included, meet it.
func (o *StreamJoin[K, V, W, R]) SinkSelf(m *Msg[K, V], asOther func(V) W) {
	if !joinable(o, m, false, nil) {
		remember(o.This, m)
		return
	}
	w := asOther(m.Value)
	o.This.Fetch(m.Key, max(0, m.Time-o.Span.Before), max(0, m.Time+o.Span.After), func(start int64, v V, _ int64) bool {
		other := asOther(v)
		o.emit(m.Key, false, &m.Value, &other, max(m.Time, start), m)
		return true
	})
	o.This.Put(m.Key, m.Time, m.Value, false, m.Time, m.Headers)
	o.This.Fetch(m.Key, max(0, m.Time-o.Span.After), max(0, m.Time+o.Span.Before), func(start int64, v V, _ int64) bool {
		o.emit(m.Key, false, &v, &w, max(m.Time, start), m)
		return true
	})
}

// joinable is steps 1 and 2 for either side: every record moves time; nulls are dropped or, on a preserved side, joined with nothing.
func joinable[K, V, W, R, X any](o *StreamJoin[K, V, W, R], m *Msg[K, X], preserved bool, alone func()) bool {
	*o.time = max(*o.time, m.Time)
	switch {
	case m.NoValue:
		o.missing(false)
		return false
	case m.NoKey && preserved:
		alone()
		return false
	case m.NoKey:
		o.missing(true)
		return false
	}
	return true
}

// remember lets a record with a null value move the time of its side's store, as the JVM's write of it does.
func remember[K, X any](rows *WindowRows[K, X], m *Msg[K, X]) {
	if m.NoValue && !m.NoKey {
		rows.Put(m.Key, m.Time, m.Value, true, m.Time, m.Headers)
	}
}

// stamped is a record's key and headers, whatever its value.
type stamped interface{ stamp() (int64, headersOf) }

func (m *Msg[K, V]) stamp() (int64, headersOf) { return m.Time, m.Headers }

// close lets rows whose window has closed go, before the record that moved time is joined.
func (o *StreamJoin[K, V, W, R]) close(m stamped) {
	ts, headers := m.stamp()
	if o.Pending == nil || ts != *o.time {
		return
	}
	o.Pending.closed(*o.time-o.Span.After-o.Span.Grace, *o.time-o.Span.Before-o.Span.Grace, headers, func(key K, v *V, w *W, at int64) {
		o.forward(key, false, v, w, at, headers)
	})
}

// wait holds a row that has no match, unless its window has closed already.
func (o *StreamJoin[K, V, W, R]) wait(end int64, hold func()) {
	if end+o.Span.Grace < *o.time {
		o.Task.Drop("late")
		return
	}
	hold()
}

func (o *StreamJoin[K, V, W, R]) emit(key K, noKey bool, v *V, w *W, ts int64, m stamped) {
	_, headers := m.stamp()
	o.forward(key, noKey, v, w, ts, headers)
}

func (o *StreamJoin[K, V, W, R]) forward(key K, noKey bool, v *V, w *W, ts int64, headers headersOf) {
	r, ok := call3(o.Node, o.Join, key, v, w)
	if !ok {
		return
	}
	o.next = Msg[K, R]{Key: key, NoKey: noKey, Value: r, NoValue: o.Result.Null(r), Time: ts, Headers: headers}
	o.Out(&o.next)
}
