package streams

import (
	"math"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// WindowedTable is a table by key and window. The way back to a stream is StreamBy, because a method that answered a
// Stream[Windowed[K], V] would instantiate itself without end.
type WindowedTable[K, V any] struct {
	d *table[Windowed[K], V]
}

// StreamBy is the table's updates as records under a key made of key and window; the key counts as changed. The identity is fine.
func (t WindowedTable[K, V]) StreamBy[K2 any](f func(Windowed[K]) K2) Stream[K2, V] {
	n := t.d.b.processor(t.d.b.title("", "to-stream"), nil, t.d.node)
	s := Stream[K2, V]{b: t.d.b, node: n, out: &stage[operator.Msg[K2, V]]{}, value: t.d.value, moved: true}
	s.key.lazy = func(b *Builder) Serde[K2] {
		if same, ok := any(t.d.key.resolve(b)).(Serde[K2]); ok {
			return same
		}
		return ref[K2]{}.resolve(b)
	}
	t.d.out.attach(func(bd *binding) operator.Sink[operator.Change[Windowed[K], V]] {
		in := operator.Types[Windowed[K], V]{Key: t.d.key.codec(bd.b), Value: operator.Codec[V]{Optional: true}}
		return operator.ToStream(operator.SelectKey(bd.node(n), in, s.key.codec(bd.b), func(w Windowed[K], _ V) K2 { return f(w) }, s.out.sink(bd)))
	})
	return s
}

// To writes the updates to a topic under the JVM's windowed keys.
func (t WindowedTable[K, V]) To(topic Topic[Windowed[K], V]) {
	if topic.Key == nil {
		topic.Key = lazySerde[Windowed[K]]{t.d.b, t.d.key}
	}
	windowedTo(t.d, topic)
}

// windowedTo is To without the Stream type of windowed keys.
func windowedTo[K, V any](t *table[K, V], topic Topic[K, V]) {
	b, pos := t.b, caller()
	mid := b.processor(b.title("", "to-stream"), nil, t.node)
	n := b.g.Add(&topology.Node{Name: b.title("", "sink"), Kind: topology.Sink, Topic: topic.Name, Pos: pos}, mid)
	value := or(topic.Value, t.value)
	value.need(b, pos, "topic "+topic.Name)
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		o := &operator.ToTopic[K, V]{Node: bd.node(n), Topic: topic.Name, Key: operator.NewCodec(topic.Key), Value: value.codec(bd.b)}
		return operator.ToStream(o.Sink)
	})
}

// lazySerde is a table's own key serde, found when the topology is built.
type lazySerde[T any] struct {
	b *Builder
	r ref[T]
}

func (s lazySerde[T]) Append(dst []byte, v T) ([]byte, error) { return s.r.resolve(s.b).Append(dst, v) }
func (s lazySerde[T]) Decode(b []byte) (T, error)             { return s.r.resolve(s.b).Decode(b) }

// With sets the serde of the values of a computed table.
func (t WindowedTable[K, V]) With(v Serde[V]) WindowedTable[K, V] {
	t.d.value = or(v, t.d.value)
	return t
}

// Filter keeps the rows that f wants.
func (t WindowedTable[K, V]) Filter(f func(Windowed[K], V) bool) WindowedTable[K, V] {
	return WindowedTable[K, V]{filterTable(t.d, "table-filter", true, f)}
}

// FilterNot keeps the rows that f does not want.
func (t WindowedTable[K, V]) FilterNot(f func(Windowed[K], V) bool) WindowedTable[K, V] {
	return WindowedTable[K, V]{filterTable(t.d, "table-filter-not", false, f)}
}

// MapValues changes the values of rows.
func (t WindowedTable[K, V]) MapValues[W any](f func(V) W) WindowedTable[K, W] {
	return WindowedTable[K, W]{mapTable(t.d, "table-map-values", false, func(_ Windowed[K], v V) (W, bool) { return f(v), true })}
}

// MapValuesWithKey is MapValues with a look at key and window.
func (t WindowedTable[K, V]) MapValuesWithKey[W any](f func(Windowed[K], V) W) WindowedTable[K, W] {
	return WindowedTable[K, W]{mapTable(t.d, "table-map-values", false, func(k Windowed[K], v V) (W, bool) { return f(k, v), true })}
}

// Stored keeps the rows of a computed table in a store of this name.
func (t WindowedTable[K, V]) Stored(name string, s Serde[V], opts ...StoreOption) WindowedTable[K, V] {
	return WindowedTable[K, V]{stored(t.d, name, s, opts)}
}

// GroupBy groups rows under another key.
func (t WindowedTable[K, V]) GroupBy[K2, V2 any](f func(Windowed[K], V) (K2, V2), k Serde[K2], v Serde[V2]) GroupedTable[K2, V2] {
	return groupTable(t.d, f, k, v)
}

// Buffer bounds what a suppression holds back.
type Buffer struct {
	limits operator.Limits
	noLog  bool
}

// Unbounded holds back whatever comes.
func Unbounded() Buffer {
	return Buffer{limits: operator.Limits{Records: math.MaxInt64, Bytes: math.MaxInt64}}
}

// MaxRecords bounds a buffer; when it is full the task stops, unless EmitEarlyWhenFull is set.
func MaxRecords(n int64) Buffer {
	return Buffer{limits: operator.Limits{Records: n, Bytes: math.MaxInt64}}
}

// MaxBytes bounds a buffer by bytes as well.
func (b Buffer) MaxBytes(n int64) Buffer { b.limits.Bytes = n; return b }

// EmitEarlyWhenFull lets the oldest rows go before their time instead of stopping.
func (b Buffer) EmitEarlyWhenFull() Buffer { b.limits.Early = true; return b }

// NoLog gives the buffer no changelog.
func (b Buffer) NoLog() Buffer { b.noLog = true; return b }

// SuppressFor holds updates back for d of stream time: of several updates of a row only the last goes on.
func (t Table[K, V]) SuppressFor(name string, d time.Duration, buf Buffer) Table[K, V] {
	return Table[K, V]{suppressed(t.d, name, d.Milliseconds(), nil, buf)}
}

// SuppressFor holds updates back for d of stream time.
func (t WindowedTable[K, V]) SuppressFor(name string, d time.Duration, buf Buffer) WindowedTable[K, V] {
	return WindowedTable[K, V]{suppressed(t.d, name, d.Milliseconds(), nil, buf)}
}

// Suppress holds each window back until it has closed: its row goes on once. A buffer that may emit early breaks that promise.
func (t WindowedTable[K, V]) Suppress(name string, buf Buffer) WindowedTable[K, V] {
	wait := t.d.window.grace
	if t.d.window.session {
		wait += t.d.window.gap
	}
	if buf.limits.Early {
		t.d.b.g.Fail(caller(), "Suppress %q promises one row a window and cannot emit early: use SuppressFor, or a buffer that stops", name)
	}
	return WindowedTable[K, V]{suppressed(t.d, name, wait, func(w Windowed[K]) int64 { return w.Window.End.UnixMilli() }, buf)}
}

func suppressed[K, V any](t *table[K, V], name string, wait int64, until func(K) int64, buf Buffer) *table[K, V] {
	t.needOld(true)
	next := computed[K, V, V](t, "suppress")
	if name == "" {
		t.b.g.Fail(next.node.Pos, "a suppression has no name: it names the store of what waits")
		name = next.node.Name
	}
	next.node.Name = name
	next.value, next.noStore = t.value, true
	store := name + "-store"
	t.b.g.AddStore(&topology.Store{Name: store, Kind: topology.Buffer, Logged: !buf.noLog, Pos: next.node.Pos})
	next.node.Stores = append(next.node.Stores, store)
	next.key.need(t.b, next.node.Pos, "store "+store)
	next.value.need(t.b, next.node.Pos, "store "+store)
	next.versioned = func() bool { return false }
	next.stores = func() []string { return append([]string{store}, t.stores()...) }
	made := func(bd *binding) *operator.Suppress[K, V] {
		return once(bd, next.node, func() *operator.Suppress[K, V] {
			o := &operator.Suppress[K, V]{
				Node: bd.node(next.node), Key: next.key.codec(bd.b), Value: next.value.codec(bd.b), Wait: wait, Until: until,
				Final: until != nil, Limits: buf.limits, Logged: !buf.noLog, SendOld: next.sendOld,
			}
			o.Bind(store)
			return o
		})
	}
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		o := made(bd)
		o.Out = next.out.sink(bd)
		return o.Sink
	})
	next.getter = func(bd *binding) operator.Getter[K, V] { return made(bd).Prior(t.getter(bd)) }
	return next
}
