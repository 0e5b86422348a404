package operator

import (
	"math"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Windowing is how records fall into windows, in milliseconds.
type Windowing struct {
	Size    int64 // of tumbling, hopping; the difference of sliding windows; 0 for unlimited
	Advance int64
	Start   int64 // of the one unlimited window
	Grace   int64
	Final   bool // emit each window once, when it has closed
}

// End is the end of the window that starts at start.
func (w Windowing) End(start int64) int64 {
	if w.Advance == 0 && w.Size == 0 {
		return math.MaxInt64
	}
	return start + w.Size
}

// windowed is what all windowed aggregations share.
type windowed[K, V, A any] struct {
	Node
	Windowing
	Agg     Codec[A]
	Init    func() A
	First   func(V) A // reduce: the first value is the aggregate
	Add     func(K, V, A) A
	Nulls   bool
	Rows    *WindowRows[K, A]
	SendOld bool
	Out     Sink[Change[processor.Windowed[K], A]]
	time    *int64 // of this operator: the highest timestamp seen
	emitted *int64 // the close time of the last emission
	next    Change[processor.Windowed[K], A]
}

func (o *windowed[K, V, A]) bind() {
	o.time = o.Task.Time(o.Name + ".time")
	if o.Final {
		o.emitted = o.Task.Time(o.Rows.Name)
		o.Rows.rows.Keep(o.keepFrom())
	}
}

// update folds a record into one window.
func (o *windowed[K, V, A]) update(m *Msg[K, V], start int64, old A, oldTime int64, had bool) {
	ts := m.Time
	if had {
		ts = max(ts, oldTime)
	}
	var agg A
	var ok bool
	oldNull := true
	if !had && o.First != nil {
		agg, ok = call(o.Node, o.First, m.Value)
	} else {
		if !had {
			if old, ok = initial(o.Node, o.Init); !ok {
				return
			}
		}
		oldNull = o.Agg.Null(old)
		agg, ok = call3(o.Node, o.Add, m.Key, m.Value, old)
	}
	if !ok {
		return
	}
	null := o.Agg.Null(agg)
	o.Rows.Put(m.Key, start, agg, null, stampOf(null, m.Time, ts), m.Headers)
	o.forward(m, start, old, oldNull, agg, null, ts)
}

func (o *windowed[K, V, A]) forward(m *Msg[K, V], start int64, old A, oldNull bool, agg A, null bool, ts int64) {
	if o.Final {
		return
	}
	o.next = Change[processor.Windowed[K], A]{
		Key: o.window(m.Key, start), New: agg, NoNew: null, NoOld: true, Time: ts, Headers: m.Headers,
	}
	if o.SendOld && !oldNull {
		o.next.Old, o.next.NoOld = old, false
	}
	o.Out(&o.next)
}

func (o *windowed[K, V, A]) window(key K, start int64) processor.Windowed[K] {
	return processor.Windowed[K]{Key: key, Window: processor.SpanMillis(start, o.End(start))}
}

// emit forwards the windows that have closed since the last time, in the order of (start, key). last is the start of the
// newest window that is closed.
func (o *windowed[K, V, A]) emit(m *Msg[K, V], closeTime, first, last int64) {
	if *o.emitted != task.None && *o.emitted >= closeTime || last < 0 {
		return
	}
	type row struct {
		key   K
		start int64
		v     A
		ts    int64
	}
	var rows []row
	o.Rows.rows.ScanAll(max(first, 0), last, func(k []byte, r store.Row) bool {
		v, ts := o.Rows.decode(r.Value)
		rows = append(rows, row{o.Rows.Key.Decode(o.Task, o.Name, k), r.Start, v, ts})
		return true
	})
	*o.emitted = closeTime
	o.Rows.rows.Keep(o.keepFrom())
	for _, r := range rows {
		o.next = Change[processor.Windowed[K], A]{Key: o.window(r.key, r.start), New: r.v, NoOld: true, Time: r.ts, Headers: m.Headers}
		o.Out(&o.next)
	}
}

// keepFrom is the start of the oldest window that may still have to be emitted.
func (o *windowed[K, V, A]) keepFrom() int64 {
	if *o.emitted == task.None {
		return math.MinInt64
	}
	return *o.emitted - o.Size
}

// TimeWindows folds a stream by key and tumbling, hopping or unlimited window. Only a null key drops a record: a null value
// reaches the aggregator. A window is late once its end <= stream time - grace.
type TimeWindows[K, V, A any] struct{ windowed[K, V, A] }

// NewTimeWindows makes the operator.
func NewTimeWindows[K, V, A any](n Node, w Windowing, f Fold[K, V, A], rows *WindowRows[K, A], sendOld bool, out Sink[Change[processor.Windowed[K], A]]) *TimeWindows[K, V, A] {
	o := &TimeWindows[K, V, A]{windowed[K, V, A]{Node: n, Windowing: w, Agg: f.Agg, Init: f.Init, First: f.First, Add: f.Add, Nulls: f.Nulls, Rows: rows, SendOld: sendOld, Out: out}}
	o.bind()
	return o
}

// Fold is an aggregation's functions.
type Fold[K, V, A any] struct {
	Agg   Codec[A]
	Init  func() A
	First func(V) A
	Add   func(K, V, A) A
	Merge func(K, A, A) A // of sessions
	Nulls bool            // a null value reaches Add
}

// Sink takes a record.
func (o *TimeWindows[K, V, A]) Sink(m *Msg[K, V]) {
	if m.NoKey || m.NoValue && !o.Nulls {
		o.missing(m.NoKey)
		return
	}
	*o.time = max(*o.time, m.Time)
	closeTime := *o.time - o.Grace
	if o.Advance == 0 { // unlimited: one window, never late
		if m.Time >= o.Start {
			o.one(m, o.Start)
		}
	} else {
		first := max(0, m.Time-o.Size+o.Advance) / o.Advance * o.Advance
		for start := first; start <= m.Time; start += o.Advance {
			if start+o.Size <= closeTime {
				o.Task.Drop("late")
				continue
			}
			o.one(m, start)
		}
	}
	if o.Final {
		first := int64(0)
		if *o.emitted != task.None {
			first = *o.emitted - o.Size + 1
		}
		o.emit(m, closeTime, first, closeTime-o.Size)
	}
}

func (o *TimeWindows[K, V, A]) one(m *Msg[K, V], start int64) {
	old, ts, had := o.Rows.Get(m.Key, start)
	o.update(m, start, old, ts, had)
}
