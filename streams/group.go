package streams

import (
	"fmt"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Grouped is a stream by key, ready to be folded. When the key may have changed, the fold goes through the topic
// <app>-<name>-repartition, where name is the fold's.
type Grouped[K, V any] struct {
	s Stream[K, V]
}

// GroupByKey groups the stream by the key that it has.
func (s Stream[K, V]) GroupByKey() Grouped[K, V] {
	return Grouped[K, V]{s}
}

// GroupBy groups the stream by a key that f finds; it is always repartitioned. k is the serde of the key.
func (s Stream[K, V]) GroupBy[K2 any](f func(K, V) K2, k Serde[K2]) Grouped[K2, V] {
	return s.SelectKey(f).With(k, nil).GroupByKey()
}

// ready is the stream at the place where it is folded.
func (g Grouped[K, V]) ready(name string) Stream[K, V] {
	return g.s.byKey(name+"-repartition", false)
}

// Count counts records by key. A null key or value is dropped and counted as dropped. The result's time is the latest record's.
func (g Grouped[K, V]) Count(name string, opts ...StoreOption) Table[K, int64] {
	return aggregate(g, name, ref[int64]{serde: Int64}, operator.Aggregate[K, V, int64]{
		Init: func() int64 { return 0 }, Add: func(_ K, _ V, n int64) int64 { return n + 1 },
	}, opts)
}

// Reduce folds the values of a key; the first value is the aggregate as it is. Nulls are dropped and counted.
func (g Grouped[K, V]) Reduce(name string, f func(agg, v V) V, opts ...StoreOption) Table[K, V] {
	return aggregate(g, name, g.s.value, operator.Aggregate[K, V, V]{
		First: func(v V) V { return v }, Add: func(_ K, v, agg V) V { return f(agg, v) },
	}, opts)
}

// Aggregate folds the records of a key from an initial value; s is the serde of the aggregate. A null aggregate (of an optional
// type) deletes the row. Nulls are dropped and counted.
func (g Grouped[K, V]) Aggregate[A any](name string, init func() A, add func(K, V, A) A, s Serde[A], opts ...StoreOption) Table[K, A] {
	return aggregate(g, name, or(s, ref[A]{}), operator.Aggregate[K, V, A]{Init: init, Add: add}, opts)
}

func aggregate[K, V, A any](g Grouped[K, V], name string, agg ref[A], fold operator.Aggregate[K, V, A], opts []StoreOption) Table[K, A] {
	s := g.ready(name)
	n := s.b.processor(name+"-aggregate", nil, s.node)
	t := ownTable(s.b, n, name, storeOpts(opts), s.key, agg)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		o := fold
		o.Node, o.In, o.Agg = bd.node(n), s.types(), t.value.codec(bd.b)
		o.Rows, o.SendOld, o.Out = t.stored.rows(bd), t.sendOld, t.out.sink(bd)
		return o.Sink
	})
	return Table[K, A]{t}
}

// Cogrouped is several grouped streams that are folded into one table.
type Cogrouped[K, A any] struct {
	b     *Builder
	parts []cogroupPart[K, A]
}

// cogroupPart is one stream of a cogroup, with its value's type hidden.
type cogroupPart[K, A any] struct {
	ready  func(name string) (*topology.Node, ref[K])
	attach func(f *folder[K, A])
}

// partName names the node of one stream of a cogroup.
func partName(name string, i int) string { return fmt.Sprintf("%s-aggregate-%d", name, i) }

// folder is where the parts of a cogroup meet: it makes the sink of a part with its own add.
type folder[K, A any] struct {
	part     string // the name of the node of this stream
	node     *topology.Node
	table    *table[K, A]
	init     func() A
	windowed *windowedFold[K, A]
}

// Cogroup starts a fold over several streams with this one.
func (g Grouped[K, V]) Cogroup[A any](add func(K, V, A) A) Cogrouped[K, A] {
	return Cogrouped[K, A]{b: g.s.b}.With(g, add)
}

// With adds a stream to the fold.
func (c Cogrouped[K, A]) With[V any](g Grouped[K, V], add func(K, V, A) A) Cogrouped[K, A] {
	var s Stream[K, V]
	part := cogroupPart[K, A]{
		ready: func(name string) (*topology.Node, ref[K]) {
			s = g.ready(name)
			return s.node, s.key
		},
		attach: func(f *folder[K, A]) {
			n := c.b.processor(f.part, append([]string{}, f.node.Stores...), s.node)
			s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
				if f.windowed != nil {
					return windowSink(bd, n, s, f.windowed, add, nil)
				}
				o := operator.Aggregate[K, V, A]{
					Node: bd.node(n), In: s.types(), Agg: f.table.value.codec(bd.b), Init: f.init, Add: add,
					Rows: f.table.stored.rows(bd), SendOld: f.table.sendOld, Out: f.table.out.sink(bd),
				}
				return o.Sink
			})
			f.node.Parents = append(f.node.Parents, n)
			n.Children = append(n.Children, f.node)
		},
	}
	c.parts = append(append([]cogroupPart[K, A]{}, c.parts...), part)
	return c
}

// parted readies all parts; a part that is repartitioned goes through <app>-<name>-repartition, with a number when several do.
func (c Cogrouped[K, A]) parted(name string) (nodes []*topology.Node, key ref[K]) {
	for i, p := range c.parts {
		topic := name
		if i > 0 {
			topic = name + "-" + string(rune('0'+i%10))
		}
		n, k := p.ready(topic)
		nodes, key = append(nodes, n), k
	}
	return nodes, key
}

// Aggregate folds the streams into one table from an initial value.
func (c Cogrouped[K, A]) Aggregate(name string, init func() A, s Serde[A], opts ...StoreOption) Table[K, A] {
	nodes, key := c.parted(name)
	n := c.b.processor(name+"-merge", nil)
	t := ownTable(c.b, n, name, storeOpts(opts), key, or(s, ref[A]{}))
	c.b.g.Copartition("cogroup "+name, n.Pos, nodes...)
	for i, p := range c.parts {
		p.attach(&folder[K, A]{node: n, table: t, init: init, part: partName(name, i)})
	}
	return Table[K, A]{t}
}
