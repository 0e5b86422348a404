package streams

import (
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// JoinWindow is how far apart two records may be to pair: the other's time lies in [t - before, t + after].
type JoinWindow struct {
	before, after, grace int64
	hasGrace             bool
}

// Within pairs records at most d apart, in either order. The grace, WithGrace, has no default.
func Within(d time.Duration) JoinWindow {
	return JoinWindow{before: d.Milliseconds(), after: d.Milliseconds()}
}

// WithBefore is how much earlier the other record may be; negative: it must be later.
func (w JoinWindow) WithBefore(d time.Duration) JoinWindow { w.before = d.Milliseconds(); return w }

// WithAfter is how much later the other record may be.
func (w JoinWindow) WithAfter(d time.Duration) JoinWindow { w.after = d.Milliseconds(); return w }

// WithGrace is how late a record may be, in stream time.
func (w JoinWindow) WithGrace(d time.Duration) JoinWindow {
	w.grace, w.hasGrace = d.Milliseconds(), true
	return w
}

// Join pairs the records of two streams by key within a window. Each pair is joined once; its time is the later of both. Both sides
// are kept for the window and the grace in <name>-this-join-store and <name>-other-join-store. Records with a null key or value
// are dropped and counted.
func (s Stream[K, V]) Join[W, R any](name string, other Stream[K, W], w JoinWindow, f func(V, W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "inner", func(_ K, v *V, x *W) R { return f(*v, *x) }, opts)
}

// LeftJoin is Join that keeps the left stream's records: one without a match is joined with nil once its window and grace have
// passed, and only then. A record with a null key is joined with nil at once.
func (s Stream[K, V]) LeftJoin[W, R any](name string, other Stream[K, W], w JoinWindow, f func(V, *W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "left", func(_ K, v *V, x *W) R { return f(*v, x) }, opts)
}

// OuterJoin keeps the records of both streams.
func (s Stream[K, V]) OuterJoin[W, R any](name string, other Stream[K, W], w JoinWindow, f func(*V, *W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "outer", func(_ K, v *V, x *W) R { return f(v, x) }, opts)
}

// JoinWithKey is Join with a look at the key.
func (s Stream[K, V]) JoinWithKey[W, R any](name string, other Stream[K, W], w JoinWindow, f func(K, V, W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "inner", func(k K, v *V, x *W) R { return f(k, *v, *x) }, opts)
}

// LeftJoinWithKey is LeftJoin with a look at the key.
func (s Stream[K, V]) LeftJoinWithKey[W, R any](name string, other Stream[K, W], w JoinWindow, f func(K, V, *W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "left", func(k K, v *V, x *W) R { return f(k, *v, x) }, opts)
}

// OuterJoinWithKey is OuterJoin with a look at the key.
func (s Stream[K, V]) OuterJoinWithKey[W, R any](name string, other Stream[K, W], w JoinWindow, f func(K, *V, *W) R, opts ...StoreOption) Stream[K, R] {
	return joinStreams(s, name, other, w, "outer", f, opts)
}

// joinStores names the stores of a stream join as the JVM does.
func joinStores(name, kind string) (this, other, pending string) {
	switch kind {
	case "left":
		return name + "-this-join-store", name + "-outer-other-join-store", name + "-left-shared-join-store"
	case "outer":
		return name + "-outer-this-join-store", name + "-outer-other-join-store", name + "-outer-shared-join-store"
	}
	return name + "-this-join-store", name + "-other-join-store", ""
}

func checkJoin(b *Builder, name string, w JoinWindow, pos string) {
	switch {
	case name == "":
		b.g.Fail(pos, "a join has no name: it names its stores")
	case w.before+w.after < 0:
		b.g.Fail(pos, "join %q: before and after make a window of %d ms", name, w.before+w.after)
	case !w.hasGrace:
		b.g.Fail(pos, "join %q has no grace: say WithGrace(0) if late records are to be ignored at once", name)
	case w.grace < 0:
		b.g.Fail(pos, "join %q: a grace cannot be negative", name)
	}
}

func joinStreams[K, V, W, R any](s Stream[K, V], name string, other Stream[K, W], w JoinWindow, kind string, f func(K, *V, *W) R, opts []StoreOption) Stream[K, R] {
	b, pos := s.b, caller()
	checkJoin(b, name, w, pos)
	s = s.byKey(name+"-left-repartition", kind != "inner")
	other = other.byKey(name+"-right-repartition", kind != "inner")
	s.keepNulls(kind != "inner")
	other.keepNulls(kind != "inner")
	b.g.Copartition("join "+name, pos, s.node, other.node)
	this, that, pending := joinStores(name, kind)
	o := storeOpts(opts)
	o.retention = max(o.retention, time.Duration(w.before+w.after+w.grace)*time.Millisecond)
	thisDef, thatDef := o.declare(b, this, topology.JoinWindow, pos), o.declare(b, that, topology.JoinWindow, pos)
	stores := []string{this, that}
	if pending != "" {
		b.g.AddStore(&topology.Store{Name: pending, Kind: topology.Buffer, Logged: !o.noLog, Pos: pos})
		stores = append(stores, pending)
	}
	for _, st := range stores {
		s.key.need(b, pos, "store "+st)
	}
	s.value.need(b, pos, "store "+this)
	other.value.need(b, pos, "store "+that)
	self := selfJoin(s, other, kind)
	left := b.processor(name+"-left", stores, s.node)
	right := b.processor(name+"-right", stores, other.node)
	if self != nil {
		b.optimisations = append(b.optimisations, func() { b.g.DropStore(that) })
	}
	merge := b.processor(name+"-merge", nil, left, right)
	next := Stream[K, R]{b: b, node: merge, out: &stage[operator.Msg[K, R]]{}, key: s.key}
	made := func(bd *binding) *operator.StreamJoin[K, V, W, R] {
		return once(bd, merge, func() *operator.StreamJoin[K, V, W, R] {
			key := s.key.codec(b)
			op := &operator.StreamJoin[K, V, W, R]{
				Node: bd.node(merge), Span: operator.JoinSpan{Before: w.before, After: w.after, Grace: w.grace},
				Left: kind != "inner", Right: kind == "outer", Join: f, Result: next.value.codec(b), Out: next.out.sink(bd),
				This: operator.NewWindowRows(bd.storeNode(this), key, s.value.codec(b), thisDef.Logged, false, true, 0, thisDef.Retention),
			}
			bd.task.SetStore(this, op.This)
			if self == nil || !b.optimise {
				op.Other = operator.NewWindowRows(bd.storeNode(that), key, other.value.codec(b), thatDef.Logged, false, true, 0, thatDef.Retention)
				bd.task.SetStore(that, op.Other)
			}
			if pending != "" {
				op.Pending = operator.NewPending(bd.storeNode(pending), key, s.value.codec(b), other.value.codec(b), !o.noLog)
				bd.task.SetStore(pending, op.Pending)
			}
			op.Bind()
			return op
		})
	}
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		if self != nil && b.optimise {
			return func(m *operator.Msg[K, V]) { made(bd).SinkSelf(m, self) }
		}
		return made(bd).SinkLeft
	})
	other.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, W]] {
		if self != nil && b.optimise {
			return func(*operator.Msg[K, W]) {} // the left side did all of it
		}
		return made(bd).SinkRight
	})
	return next
}

// selfJoin is the way from a value of the left side to one of the right in an inner join of a stream with itself, nil for other joins.
func selfJoin[K, V, W any](s Stream[K, V], other Stream[K, W], kind string) func(V) W {
	same, ok := any(other.out).(*stage[operator.Msg[K, V]])
	if !ok || same != s.out || kind != "inner" {
		return nil
	}
	return func(v V) W { return any(v).(W) }
}

// JoinOption changes a join of a stream with a table.
type JoinOption func(*joinOptions)

type joinOptions struct {
	grace    int64
	hasGrace bool
}

// JoinGrace holds stream records back for d of the stream's time, so that the table, which must be Versioned, has settled (KIP-923).
func JoinGrace(d time.Duration) JoinOption {
	return func(o *joinOptions) { o.grace, o.hasGrace = d.Milliseconds(), true }
}

// JoinTable looks up each record's key in a table. Only the stream triggers a result; its time is the record's. A versioned table is
// asked as of the record's time. Records with a null key or value are dropped and counted.
func (s Stream[K, V]) JoinTable[W, R any](name string, t Table[K, W], f func(V, W) R, opts ...JoinOption) Stream[K, R] {
	return joinTable(s, name, t.d, false, func(_ K, v V, w *W) R { return f(v, *w) }, opts)
}

// LeftJoinTable is JoinTable that keeps records without a row; one with a null key is joined with nil.
func (s Stream[K, V]) LeftJoinTable[W, R any](name string, t Table[K, W], f func(V, *W) R, opts ...JoinOption) Stream[K, R] {
	return joinTable(s, name, t.d, true, func(_ K, v V, w *W) R { return f(v, w) }, opts)
}

// JoinTableWithKey is JoinTable with a look at the key.
func (s Stream[K, V]) JoinTableWithKey[W, R any](name string, t Table[K, W], f func(K, V, W) R, opts ...JoinOption) Stream[K, R] {
	return joinTable(s, name, t.d, false, func(k K, v V, w *W) R { return f(k, v, *w) }, opts)
}

// LeftJoinTableWithKey is LeftJoinTable with a look at the key.
func (s Stream[K, V]) LeftJoinTableWithKey[W, R any](name string, t Table[K, W], f func(K, V, *W) R, opts ...JoinOption) Stream[K, R] {
	return joinTable(s, name, t.d, true, f, opts)
}

func joinTable[K, V, W, R any](s Stream[K, V], name string, t *table[K, W], left bool, f func(K, V, *W) R, opts []JoinOption) Stream[K, R] {
	b, pos := s.b, caller()
	var o joinOptions
	for _, opt := range opts {
		opt(&o)
	}
	s = s.byKey(name+"-repartition", left)
	s.keepNulls(left)
	b.g.Copartition("join "+name, pos, s.node, t.node)
	stores := append([]string{}, t.stores()...)
	buffer := ""
	if o.hasGrace {
		buffer = graceBuffer(s, name, t, o.grace, pos)
		stores = append(stores, buffer)
	}
	n := b.processor(b.title(name, "join-table"), stores, s.node)
	next := Stream[K, R]{b: b, node: n, out: &stage[operator.Msg[K, R]]{}, key: s.key, filters: s.filters}
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		join := &operator.LookupJoin[K, V, K, W, R]{
			Node: bd.node(n), In: s.types(), Left: left, Table: t.getter(bd), AsOf: t.versioned(), Result: next.value.codec(b),
			Find: func(k K, _ V) (K, bool) { return k, true },
			Join: func(k K, _ *K, v V, w *W) R { return f(k, v, w) },
			Out:  next.out.sink(bd),
		}
		if !o.hasGrace {
			return join.Sink
		}
		d := &operator.Delay[K, V]{Node: bd.storeNode(buffer), Types: s.types(), Grace: o.grace, Logged: true, Out: join.Sink}
		d.Bind()
		return d.Sink
	})
	return next
}

// graceBuffer declares the store of the records that a join holds back.
func graceBuffer[K, V, W any](s Stream[K, V], name string, t *table[K, W], grace int64, pos string) string {
	b := s.b
	switch st := b.g.Store(t.stores()[0]); {
	case !t.versioned() || st == nil:
		b.g.Fail(pos, "join %q has a grace, which needs a table with a history: give the table Versioned", name)
	case grace > st.History:
		b.g.Fail(pos, "join %q waits %d ms, the table's history is %d ms", name, grace, st.History)
	}
	buffer := name + "-Buffer"
	b.g.AddStore(&topology.Store{Name: buffer, Kind: topology.Buffer, Logged: true, Pos: pos})
	s.key.need(b, pos, "store "+buffer)
	s.value.need(b, pos, "store "+buffer)
	return buffer
}

// JoinGlobal looks up a key that a function finds, in a table that is on every instance in full; nothing is repartitioned.
func (s Stream[K, V]) JoinGlobal[GK, W, R any](g GlobalTable[GK, W], key func(K, V) (GK, bool), f func(V, W) R) Stream[K, R] {
	return joinGlobal(s, g, false, key, func(_ K, _ *GK, v V, w *W) R { return f(v, *w) })
}

// LeftJoinGlobal is JoinGlobal that keeps records without a row.
func (s Stream[K, V]) LeftJoinGlobal[GK, W, R any](g GlobalTable[GK, W], key func(K, V) (GK, bool), f func(V, *W) R) Stream[K, R] {
	return joinGlobal(s, g, true, key, func(_ K, _ *GK, v V, w *W) R { return f(v, w) })
}

// JoinGlobalWithKey is JoinGlobal with a look at both keys.
func (s Stream[K, V]) JoinGlobalWithKey[GK, W, R any](g GlobalTable[GK, W], key func(K, V) (GK, bool), f func(K, GK, V, W) R) Stream[K, R] {
	return joinGlobal(s, g, false, key, func(k K, gk *GK, v V, w *W) R { return f(k, *gk, v, *w) })
}

// LeftJoinGlobalWithKey is LeftJoinGlobal with a look at both keys.
func (s Stream[K, V]) LeftJoinGlobalWithKey[GK, W, R any](g GlobalTable[GK, W], key func(K, V) (GK, bool), f func(K, *GK, V, *W) R) Stream[K, R] {
	return joinGlobal(s, g, true, key, f)
}

func joinGlobal[K, V, GK, W, R any](s Stream[K, V], g GlobalTable[GK, W], left bool, key func(K, V) (GK, bool), f func(K, *GK, V, *W) R) Stream[K, R] {
	n := s.b.processor(s.b.title("", "join-global"), nil, s.node)
	next := Stream[K, R]{b: s.b, node: n, out: &stage[operator.Msg[K, R]]{}, key: s.key, moved: s.moved, filters: s.filters}
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return (&operator.LookupJoin[K, V, GK, W, R]{
			Node: bd.node(n), In: s.types(), Left: left, Find: key, Global: true, Table: g.store.rows(bd), Join: f,
			AsOf: g.store.def.Kind == topology.Versioned, Result: next.value.codec(s.b), Out: next.out.sink(bd),
		}).Sink
	})
	return next
}
