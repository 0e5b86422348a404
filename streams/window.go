package streams

import (
	"math"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Window says how records fall into windows; Tumbling, Hopping, Sliding and Unlimited make them.
type Window struct {
	kind          string
	size, advance int64 // ms
	start         int64
}

// Tumbling is windows of one size, one after the other: [0, size), [size, 2 size), aligned to 1970.
func Tumbling(size time.Duration) Window {
	return Window{kind: "tumbling", size: size.Milliseconds(), advance: size.Milliseconds()}
}

// Hopping is windows of one size that start every advance.
func Hopping(size, advance time.Duration) Window {
	return Window{kind: "hopping", size: size.Milliseconds(), advance: advance.Milliseconds()}
}

// Sliding is, for each record, the window [t - diff, t] and the windows of later records that it is in (KIP-450).
func Sliding(diff time.Duration) Window { return Window{kind: "sliding", size: diff.Milliseconds()} }

// Unlimited is one window without an end.
func Unlimited(start time.Time) Window { return Window{kind: "unlimited", start: start.UnixMilli()} }

// WindowOption changes how windows close.
type WindowOption func(*windowOptions)

type windowOptions struct {
	grace    int64
	hasGrace bool
	final    bool
}

// Grace is how late a record may be, in stream time; there is no default (KIP-633).
func Grace(d time.Duration) WindowOption {
	return func(o *windowOptions) { o.grace, o.hasGrace = d.Milliseconds(), true }
}

// EmitFinal forwards each window once, when it has closed, instead of each update (KIP-825).
func EmitFinal() WindowOption { return func(o *windowOptions) { o.final = true } }

// windowedFold is a windowed aggregation without the types of its stream.
type windowedFold[K, A any] struct {
	w     Window
	o     windowOptions
	gap   int64 // of sessions; -1 for windows
	node  *topology.Node
	table *table[Windowed[K], A]
	key   ref[K]
	init  func() A
	merge func(K, A, A) A
	nulls bool
}

func checkWindow(b *Builder, w Window, opts []WindowOption) windowOptions {
	var o windowOptions
	for _, f := range opts {
		f(&o)
	}
	pos := caller()
	switch {
	case w.kind == "unlimited":
		if o.final {
			b.g.Fail(pos, "EmitFinal on an unlimited window: it never closes")
		}
	case !o.hasGrace:
		b.g.Fail(pos, "a %s window has no grace: say Grace(0) if late records are to be dropped at once", w.kind)
	case o.grace < 0:
		b.g.Fail(pos, "a grace cannot be negative")
	}
	switch w.kind {
	case "sliding":
		if w.size <= 0 {
			b.g.Fail(pos, "the difference of sliding windows must be above 0, not %d ms", w.size)
		}
	case "tumbling", "hopping":
		if w.size <= 0 || w.advance <= 0 || w.advance > w.size {
			b.g.Fail(pos, "windows of %d ms every %d ms: the size must be above 0 and the advance between 1 ms and the size", w.size, w.advance)
		}
	}
	return o
}

func (f *windowedFold[K, A]) windowing() operator.Windowing {
	return operator.Windowing{Size: f.w.size, Advance: f.w.advance, Start: f.w.start, Grace: f.o.grace, Final: f.o.final}
}

// least is the shortest retention that the windows need.
func (f *windowedFold[K, A]) least() int64 {
	switch {
	case f.gap >= 0:
		return f.gap + f.o.grace
	case f.w.kind == "unlimited":
		return math.MaxInt64
	case f.w.kind == "sliding":
		return 2*f.w.size + f.o.grace
	}
	return f.w.size + f.o.grace
}

// declare makes the table of a windowed fold.
func (f *windowedFold[K, A]) declare(b *Builder, n *topology.Node, name string, opts []StoreOption, agg ref[A]) {
	o := storeOpts(opts)
	kind, session := topology.Window, f.gap >= 0
	if session {
		kind = topology.Session
	}
	st := o.declare(b, name, kind, n.Pos)
	least := f.least()
	switch {
	case st.Retention == 0:
		st.Retention = least
	case st.Retention < least && f.w.kind != "unlimited":
		b.g.Fail(n.Pos, "store %q is kept for %d ms, windows and grace need %d", name, st.Retention, least)
	}
	if f.w.kind == "unlimited" {
		st.Retention = math.MaxInt64
	}
	st.Size = f.w.size
	f.key.need(b, n.Pos, "store "+name)
	agg.need(b, n.Pos, "store "+name)
	n.Stores = append(n.Stores, name)
	f.node = n
	shape := &windowShape{grace: f.o.grace, session: session, gap: f.gap, size: f.w.size}
	t := &table[Windowed[K], A]{
		b: b, node: n, out: &stage[operator.Change[Windowed[K], A]]{}, key: windowedRef(f.key, f.w.size, session), value: agg, noStore: true,
		ask: func(bool) bool { return true }, versioned: func() bool { return false }, window: shape,
	}
	t.stores = func() []string { return []string{name} }
	t.getter = func(bd *binding) operator.Getter[Windowed[K], A] {
		if session {
			return operator.SessionGetter(sessionRows(bd, f, st))
		}
		return operator.WindowGetter(windowRows(bd, f, st))
	}
	f.table = t
}

func windowRows[K, A any](bd *binding, f *windowedFold[K, A], st *topology.Store) *operator.WindowRows[K, A] {
	return once(bd, st, func() *operator.WindowRows[K, A] {
		rows := operator.NewWindowRows(bd.storeNode(st.Name), f.key.codec(bd.b), f.table.value.codec(bd.b), st.Logged, true, false, st.Size, st.Retention)
		bd.task.SetStore(st.Name, rows)
		return rows
	})
}

func sessionRows[K, A any](bd *binding, f *windowedFold[K, A], st *topology.Store) *operator.SessionRows[K, A] {
	return once(bd, st, func() *operator.SessionRows[K, A] {
		rows := operator.NewSessionRows(bd.storeNode(st.Name), f.key.codec(bd.b), f.table.value.codec(bd.b), st.Logged, st.Retention)
		bd.task.SetStore(st.Name, rows)
		return rows
	})
}

// windowSink is the operator of one stream of a windowed fold.
func windowSink[K, V, A any](bd *binding, n *topology.Node, s Stream[K, V], f *windowedFold[K, A], add func(K, V, A) A, first func(V) A) operator.Sink[operator.Msg[K, V]] {
	st := bd.b.g.Store(f.node.Stores[0])
	fold := operator.Fold[K, V, A]{
		Agg: f.table.value.codec(bd.b), Init: f.init, First: first, Add: add, Merge: f.merge,
		Nulls: f.nulls || s.value.codec(bd.b).Optional,
	}
	out := f.table.out.sink(bd)
	switch {
	case f.gap >= 0:
		o := &operator.Sessions[K, V, A]{
			Node: bd.node(n), Gap: f.gap, Grace: f.o.grace, Final: f.o.final, Fold: fold, Rows: sessionRows(bd, f, st),
			SendOld: f.table.sendOld, Out: out,
		}
		o.Bind()
		return o.Sink
	case f.w.kind == "sliding":
		return operator.NewSliding(bd.node(n), f.windowing(), fold, windowRows(bd, f, st), f.table.sendOld, out).Sink
	}
	return operator.NewTimeWindows(bd.node(n), f.windowing(), fold, windowRows(bd, f, st), f.table.sendOld, out).Sink
}

// windowedTable folds one grouped stream by windows.
func windowedTable[K, V, A any](g Grouped[K, V], f *windowedFold[K, A], name string, add func(K, V, A) A, first func(V) A, agg ref[A], opts []StoreOption) WindowedTable[K, A] {
	s := g.ready(name)
	n := s.b.processor(name+"-aggregate", nil, s.node)
	f.key = s.key
	f.declare(s.b, n, name, opts, agg)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return windowSink(bd, n, s, f, add, first)
	})
	return WindowedTable[K, A]{f.table}
}

// WindowedGroup is a grouped stream by window. A record is dropped for a null key; for sliding windows for a null value too. A
// result's time is that of its latest record.
type WindowedGroup[K, V any] struct {
	g Grouped[K, V]
	w Window
	o windowOptions
}

// WindowedBy groups by window as well.
func (g Grouped[K, V]) WindowedBy(w Window, opts ...WindowOption) WindowedGroup[K, V] {
	return WindowedGroup[K, V]{g, w, checkWindow(g.s.b, w, opts)}
}

// Count counts the records of each key and window, those with a null value too (not in sliding windows).
func (g WindowedGroup[K, V]) Count(name string, opts ...StoreOption) WindowedTable[K, int64] {
	f := &windowedFold[K, int64]{w: g.w, o: g.o, gap: -1, init: zero, nulls: true}
	return windowedTable(g.g, f, name, func(_ K, _ V, n int64) int64 { return n + 1 }, nil, ref[int64]{serde: Int64}, opts)
}

func zero() int64 { return 0 }

// Reduce folds the values of each key and window.
func (g WindowedGroup[K, V]) Reduce(name string, r func(agg, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	f := &windowedFold[K, V]{w: g.w, o: g.o, gap: -1}
	return windowedTable(g.g, f, name, func(_ K, v, agg V) V { return r(agg, v) }, func(v V) V { return v }, g.g.s.value, opts)
}

// Aggregate folds the records of each key and window from an initial value.
func (g WindowedGroup[K, V]) Aggregate[A any](name string, init func() A, add func(K, V, A) A, s Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	f := &windowedFold[K, A]{w: g.w, o: g.o, gap: -1, init: init}
	return windowedTable(g.g, f, name, add, nil, or(s, ref[A]{}), opts)
}

// SessionGroup is a grouped stream by session: records less than a gap apart belong together. Results carry the session's end as
// their time and no headers.
type SessionGroup[K, V any] struct {
	g   Grouped[K, V]
	gap int64
	o   windowOptions
}

func checkSession(b *Builder, gap time.Duration, opts []WindowOption) windowOptions {
	o := checkWindow(b, Window{kind: "session"}, opts)
	if gap < 0 {
		b.g.Fail(caller(), "a session's gap cannot be negative")
	}
	return o
}

// SessionsBy groups by session as well.
func (g Grouped[K, V]) SessionsBy(gap time.Duration, opts ...WindowOption) SessionGroup[K, V] {
	return SessionGroup[K, V]{g, max(gap.Milliseconds(), 0), checkSession(g.s.b, gap, opts)}
}

// Count counts the records of each session, those with a null value too.
func (g SessionGroup[K, V]) Count(name string, opts ...StoreOption) WindowedTable[K, int64] {
	f := &windowedFold[K, int64]{o: g.o, gap: g.gap, init: zero, merge: func(_ K, x, y int64) int64 { return x + y }, nulls: true}
	return windowedTable(g.g, f, name, func(_ K, _ V, n int64) int64 { return n + 1 }, nil, ref[int64]{serde: Int64}, opts)
}

// Reduce folds the values of each session; r merges sessions too.
func (g SessionGroup[K, V]) Reduce(name string, r func(agg, v V) V, opts ...StoreOption) WindowedTable[K, V] {
	f := &windowedFold[K, V]{o: g.o, gap: g.gap, merge: func(_ K, x, y V) V { return r(x, y) }}
	return windowedTable(g.g, f, name, func(_ K, v, agg V) V { return r(agg, v) }, func(v V) V { return v }, g.g.s.value, opts)
}

// Aggregate folds the records of each session: from the initial value, sessions that meet are merged into it in the order of time,
// then the record is added.
func (g SessionGroup[K, V]) Aggregate[A any](name string, init func() A, add func(K, V, A) A, merge func(K, A, A) A, s Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	f := &windowedFold[K, A]{o: g.o, gap: g.gap, init: init, merge: merge}
	return windowedTable(g.g, f, name, add, nil, or(s, ref[A]{}), opts)
}

// WindowedCogroup is a cogroup by window.
type WindowedCogroup[K, A any] struct {
	c Cogrouped[K, A]
	w Window
	o windowOptions
}

// WindowedBy folds by window as well.
func (c Cogrouped[K, A]) WindowedBy(w Window, opts ...WindowOption) WindowedCogroup[K, A] {
	return WindowedCogroup[K, A]{c, w, checkWindow(c.b, w, opts)}
}

// Aggregate folds the streams by key and window.
func (c WindowedCogroup[K, A]) Aggregate(name string, init func() A, s Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	return cogroupWindows(c.c, &windowedFold[K, A]{w: c.w, o: c.o, gap: -1, init: init}, name, s, opts)
}

// SessionCogroup is a cogroup by session.
type SessionCogroup[K, A any] struct {
	c   Cogrouped[K, A]
	gap int64
	o   windowOptions
}

// SessionsBy folds by session as well.
func (c Cogrouped[K, A]) SessionsBy(gap time.Duration, opts ...WindowOption) SessionCogroup[K, A] {
	return SessionCogroup[K, A]{c, max(gap.Milliseconds(), 0), checkSession(c.b, gap, opts)}
}

// Aggregate folds the streams by key and session.
func (c SessionCogroup[K, A]) Aggregate(name string, init func() A, merge func(K, A, A) A, s Serde[A], opts ...StoreOption) WindowedTable[K, A] {
	return cogroupWindows(c.c, &windowedFold[K, A]{o: c.o, gap: c.gap, init: init, merge: merge}, name, s, opts)
}

func cogroupWindows[K, A any](c Cogrouped[K, A], f *windowedFold[K, A], name string, s Serde[A], opts []StoreOption) WindowedTable[K, A] {
	nodes, key := c.parted(name)
	n := c.b.processor(name+"-merge", nil)
	f.key = key
	f.declare(c.b, n, name, opts, or(s, ref[A]{}))
	c.b.g.Copartition("cogroup "+name, n.Pos, nodes...)
	for i, p := range c.parts {
		p.attach(&folder[K, A]{node: n, windowed: f, part: partName(name, i)})
	}
	return WindowedTable[K, A]{f.table}
}
