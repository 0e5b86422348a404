package streams

import (
	"fmt"
	"slices"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Table is a changing map: for each key the newest value. Its records are updates; a null deletes the row.
type Table[K, V any] struct {
	d *table[K, V]
}

// table is what tables of all kinds of keys share. It has no methods that answer a stream or a table of other types: those are
// functions, because a method that did would instantiate itself without end (streams.md 4.2).
type table[K, V any] struct {
	b      *Builder
	node   *topology.Node
	out    *stage[operator.Change[K, V]]
	key    ref[K]
	value  ref[V]
	stored *tableStore[K, V] // nil: computed
	// sendOld: followers need the value before an update. ask arranges for it; force lets it materialise what is not stored.
	sendOld bool
	ask     func(force bool) bool
	// getter looks rows up; stores names what it reads, which ties the reader to the same task.
	getter    func(bd *binding) operator.Getter[K, V]
	stores    func() []string
	versioned func() bool
	noStore   bool // a store cannot be added afterwards
	window    *windowShape
}

// windowShape is how a windowed table's windows end.
type windowShape struct {
	grace   int64
	session bool
	gap     int64
	size    int64
}

// needOld asks a table for old values.
func (t *table[K, V]) needOld(force bool) bool {
	if !t.sendOld && !t.ask(force) {
		return false
	}
	t.sendOld = true
	return true
}

// isStored says whether rows lie in a store of the table's own.
func (t *table[K, V]) isStored() bool { return t.stored != nil }

// storeRows is the table's own store at work, nil without one.
func (t *table[K, V]) storeRows(bd *binding) operator.Rows[K, V] {
	if t.stored == nil {
		return nil
	}
	return t.stored.rows(bd)
}

// store gives the table a store of its own.
func (t *table[K, V]) store(name string, o storeOptions, pos string) {
	if t.stored != nil || t.noStore {
		t.b.g.Fail(pos, "table %q has its rows elsewhere already: Stored is for computed tables", t.node.Name)
		return
	}
	t.stored = newTableStore(t.b, name, o, t.key, t.value, pos)
	t.node.Stores = append(t.node.Stores, name)
}

// sourceTable is a table that a topic or a stream feeds; its store comes when somebody needs it.
func sourceTable[K, V any](b *Builder, n *topology.Node, name string, o storeOptions, key ref[K], value ref[V]) *table[K, V] {
	t := &table[K, V]{b: b, node: n, out: &stage[operator.Change[K, V]]{}, key: key, value: value}
	materialize := func() {
		if t.stored == nil {
			t.stored = newTableStore(b, name, o, t.key, t.value, n.Pos)
			n.Stores = append(n.Stores, name)
		}
	}
	if name == "" {
		b.g.Fail(n.Pos, "a table has no name: it names the store of its rows")
	}
	if o.materialize || o.versioned {
		materialize()
	}
	t.noStore = true
	t.ask = func(force bool) bool {
		if t.stored == nil && !force {
			return false
		}
		materialize()
		return true
	}
	t.stores = func() []string { materialize(); return []string{name} }
	t.getter = func(bd *binding) operator.Getter[K, V] { return t.stored.rows(bd) }
	t.versioned = func() bool { return o.versioned }
	return t
}

// feed is the sink of a source table.
func (t *table[K, V]) feed(skip bool) func(*binding) operator.Sink[operator.Msg[K, V]] {
	return func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		o := &operator.TableSource[K, V]{Node: bd.node(t.node), Rows: t.storeRows(bd), SendOld: t.sendOld, Out: t.out.sink(bd)}
		if skip && o.Rows != nil {
			o.SkipUnchanged = operator.SameBytes(o.Node, t.value.codec(bd.b))
		}
		return o.Sink
	}
}

// Table reads a topic as a table; name is that of its store, which exists when an operator needs it or with Materialize. Records
// with a null key are dropped and counted; records out of order are applied.
func (b *Builder) Table[K, V any](t Topic[K, V], name string, opts ...StoreOption) Table[K, V] {
	s := source(b, t, sourceOptions{}, b.title("", "table-source"))
	return Table[K, V]{tableOf(s, name, "table", opts)}
}

func tableOf[K, V any](s Stream[K, V], name, kind string, opts []StoreOption) *table[K, V] {
	o := storeOpts(opts)
	if kind == "table" {
		s.b.streams[s.node.Topics[0]] = "a table"
	}
	n := s.b.processor(s.b.title("", kind), nil, s.node)
	t := sourceTable(s.b, n, name, o, s.key, s.value)
	if kind == "table" && !o.versioned {
		s.b.optimisations = append(s.b.optimisations, func() {
			if t.stored != nil {
				t.stored.def.Logged, t.stored.def.Source = false, s.node.Topics[0]
			}
		})
	}
	s.out.attach(t.feed(o.skip))
	return t
}

// ToTable makes a table of the stream: a null value deletes the row. The stream is repartitioned first when its key may have changed.
func (s Stream[K, V]) ToTable(name string, opts ...StoreOption) Table[K, V] {
	s = s.byKey(name+"-repartition", false)
	return Table[K, V]{tableOf(s, name, "to-table", opts)}
}

// computed is a table that a node makes of another's updates.
func computed[K, V, W any](t *table[K, V], kind string) *table[K, W] {
	next := &table[K, W]{b: t.b, out: &stage[operator.Change[K, W]]{}, key: t.key, window: t.window}
	next.node = t.b.processor(t.b.title("", kind), nil, t.node)
	next.ask = func(force bool) bool { return next.isStored() || t.needOld(force) }
	next.stores = func() []string {
		if next.isStored() {
			return []string{next.stored.def.Name}
		}
		return t.stores()
	}
	next.versioned = func() bool {
		if next.isStored() {
			return next.stored.def.Kind == topology.Versioned
		}
		return t.versioned()
	}
	return next
}

// mapTable is a filter or a mapping of a table's values.
func mapTable[K, V, W any](t *table[K, V], kind string, filter bool, f func(K, V) (W, bool)) *table[K, W] {
	next := computed[K, V, W](t, kind)
	if filter {
		next.sendOld = t.needOld(false)
	}
	made := func(bd *binding) *operator.TableMap[K, V, W] {
		return once(bd, next.node, func() *operator.TableMap[K, V, W] {
			return &operator.TableMap[K, V, W]{
				Node: bd.node(next.node), To: next.value.codec(bd.b), F: f, Filter: filter,
				Versioned: t.versioned(), SendOld: next.sendOld, Rows: next.storeRows(bd),
			}
		})
	}
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		o := made(bd)
		o.Out = next.out.sink(bd)
		return o.Sink
	})
	next.getter = func(bd *binding) operator.Getter[K, W] {
		if next.isStored() {
			return next.stored.rows(bd)
		}
		return made(bd).Derive(t.getter(bd))
	}
	return next
}

func filterTable[K, V any](t *table[K, V], kind string, want bool, f func(K, V) bool) *table[K, V] {
	next := mapTable(t, kind, true, func(k K, v V) (V, bool) { return v, f(k, v) == want })
	next.value = t.value
	return next
}

func stored[K, V any](t *table[K, V], name string, s Serde[V], opts []StoreOption) *table[K, V] {
	if s != nil {
		t.value = ref[V]{serde: s}
	}
	t.store(name, storeOpts(opts), caller())
	return t
}

// streamOf is a table's updates as records.
func streamOf[K, V any](t *table[K, V]) Stream[K, V] {
	n := t.b.processor(t.b.title("", "to-stream"), nil, t.node)
	s := Stream[K, V]{b: t.b, node: n, out: &stage[operator.Msg[K, V]]{}, key: t.key, value: t.value}
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] { return operator.ToStream(s.out.sink(bd)) })
	return s
}

// Filter keeps the rows that f wants. A row that leaves the result is deleted; a delete of a row that never was in it is forwarded
// only when the table cannot know that: over a source without a store.
func (t Table[K, V]) Filter(f func(K, V) bool) Table[K, V] {
	return Table[K, V]{filterTable(t.d, "table-filter", true, f)}
}

// FilterNot keeps the rows that f does not want.
func (t Table[K, V]) FilterNot(f func(K, V) bool) Table[K, V] {
	return Table[K, V]{filterTable(t.d, "table-filter-not", false, f)}
}

// MapValues changes the values of rows; f is not called for deletes.
func (t Table[K, V]) MapValues[W any](f func(V) W) Table[K, W] {
	return Table[K, W]{mapTable(t.d, "table-map-values", false, func(_ K, v V) (W, bool) { return f(v), true })}
}

// MapValuesWithKey is MapValues with a look at the key.
func (t Table[K, V]) MapValuesWithKey[W any](f func(K, V) W) Table[K, W] {
	return Table[K, W]{mapTable(t.d, "table-map-values", false, func(k K, v V) (W, bool) { return f(k, v), true })}
}

// Stored keeps the rows of a computed table in a store of this name; s is the serde of its values, nil for the one that is known.
func (t Table[K, V]) Stored(name string, s Serde[V], opts ...StoreOption) Table[K, V] {
	return Table[K, V]{stored(t.d, name, s, opts)}
}

// With sets the serdes of a computed table whose types are new; nil leaves one as it is.
func (t Table[K, V]) With(k Serde[K], v Serde[V]) Table[K, V] {
	t.d.key, t.d.value = or(k, t.d.key), or(v, t.d.value)
	return t
}

// Stream is the table's updates as records: a delete is a null value.
func (t Table[K, V]) Stream() Stream[K, V] { return streamOf(t.d) }

// ProcessValues computes rows by a processor with stores (Kafka's transformValues); s is the serde of the new values.
func (t Table[K, V]) ProcessValues[W any](name string, newP func() TableProcessor[K, V, W], s Serde[W], stores ...StoreRef) Table[K, W] {
	return Table[K, W]{processTable(t.d, name, newP, s, stores)}
}

func processTable[K, V, W any](t *table[K, V], name string, newP func() TableProcessor[K, V, W], s Serde[W], stores []StoreRef) *table[K, W] {
	next := computed[K, V, W](t, "table-process-values")
	next.node.Name = name
	next.value = ref[W]{serde: s}
	connect(t.b, next.node, stores)
	made := func(bd *binding) *operator.TableProcess[K, V, W] {
		return once(bd, next.node, func() *operator.TableProcess[K, V, W] {
			for _, r := range stores {
				r.open(bd)
			}
			o := &operator.TableProcess[K, V, W]{Node: bd.node(next.node), To: next.value.codec(bd.b), SendOld: next.sendOld, Rows: next.storeRows(bd)}
			o.Bind(bd.ctx, newP)
			return o
		})
	}
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		o := made(bd)
		o.Out = next.out.sink(bd)
		return o.Sink
	})
	next.getter = func(bd *binding) operator.Getter[K, W] {
		if next.isStored() {
			return next.stored.rows(bd)
		}
		return made(bd).Get(t.getter(bd))
	}
	return next
}

// connect ties stores to a node.
func connect(b *Builder, n *topology.Node, stores []StoreRef) {
	for _, s := range stores {
		if s == nil {
			b.g.Fail(n.Pos, "%q uses a store that nothing declares", n.Name)
			continue
		}
		s.declare(b, n.Pos)
		if name := s.storeName(); name != "" && !slices.Contains(n.Stores, name) {
			n.Stores = append(n.Stores, name)
		}
	}
}

// GroupBy groups rows under a key that f finds; f sees old rows too, and an update whose group stays is one change. k and v are
// the serdes of what goes through the repartition topic.
func (t Table[K, V]) GroupBy[K2, V2 any](f func(K, V) (K2, V2), k Serde[K2], v Serde[V2]) GroupedTable[K2, V2] {
	return groupTable(t.d, f, k, v)
}

// GroupedTable is the rows of a table under another key.
type GroupedTable[K, V any] struct {
	b     *Builder
	key   ref[K]
	value ref[V]
	start func(topic string) (*topology.Node, *stage[operator.Change[K, V]])
}

func groupTable[K, V, K2, V2 any](t *table[K, V], f func(K, V) (K2, V2), k Serde[K2], v Serde[V2]) GroupedTable[K2, V2] {
	t.needOld(true)
	g := GroupedTable[K2, V2]{b: t.b, key: or(k, ref[K2]{}), value: or(v, ref[V2]{})}
	sel := t.b.processor(t.b.title("", "table-group"), nil, t.node)
	var node *topology.Node
	var out *stage[operator.Change[K2, V2]]
	g.start = func(topic string) (*topology.Node, *stage[operator.Change[K2, V2]]) {
		if node != nil {
			return node, out
		}
		pos := caller()
		b := t.b
		b.g.AddRepartition(&topology.Repartition{Name: topic, Purged: true, Pos: pos})
		where := fmt.Sprintf("topic %q", topic)
		g.key.need(b, pos, where)
		g.value.need(b, pos, where)
		b.g.Add(&topology.Node{Name: topic + "-sink", Kind: topology.Sink, Topic: topic, Pos: pos}, sel)
		node = b.g.Add(&topology.Node{Name: topic + "-source", Kind: topology.Source, Topics: []string{topic}, Pos: pos})
		out = &stage[operator.Change[K2, V2]]{}
		t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
			return (&operator.TableGroup[K, V, K2, V2]{
				Node: bd.node(sel), Topic: bd.task.Internal(topic), Versioned: t.versioned(), F: f,
				To: operator.Types[K2, V2]{Key: g.key.codec(b), Value: g.value.codec(b)},
			}).Sink
		})
		b.sources[node] = func(bd *binding) task.Source {
			return &operator.ChangeSource[K2, V2]{Node: bd.node(node), Key: g.key.codec(b), Value: g.value.codec(b), Out: out.sink(bd)}
		}
		return node, out
	}
	return g
}

// folded is the table of an aggregation of a grouped table.
func folded[K, V, A any](g GroupedTable[K, V], name string, agg ref[A], fold operator.TableAggregate[K, V, A], opts []StoreOption) Table[K, A] {
	node, out := g.start(name + "-repartition")
	n := g.b.processor(name+"-aggregate", nil, node)
	t := ownTable(g.b, n, name, storeOpts(opts), g.key, agg)
	out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		o := fold
		o.Node, o.Agg, o.Rows, o.SendOld, o.Out = bd.node(n), t.value.codec(bd.b), t.stored.rows(bd), t.sendOld, t.out.sink(bd)
		return o.Sink
	})
	return Table[K, A]{t}
}

// ownTable is a table that always has a store: an aggregate.
func ownTable[K, A any](b *Builder, n *topology.Node, name string, o storeOptions, key ref[K], value ref[A]) *table[K, A] {
	o.materialize = true
	t := sourceTable(b, n, name, o, key, value)
	t.ask = func(bool) bool { return true }
	return t
}

// Count counts the rows of each group. A count that comes to 0 stays as a row.
func (g GroupedTable[K, V]) Count(name string, opts ...StoreOption) Table[K, int64] {
	return folded(g, name, ref[int64]{serde: Int64}, operator.TableAggregate[K, V, int64]{
		Init: func() int64 { return 0 },
		Add:  func(_ K, _ V, n int64) int64 { return n + 1 },
		Sub:  func(_ K, _ V, n int64) int64 { return n - 1 },
	}, opts)
}

// Reduce folds the rows of each group: sub takes an old row away, add puts a new one in; the first is the aggregate as it is.
func (g GroupedTable[K, V]) Reduce(name string, add, sub func(agg, v V) V, opts ...StoreOption) Table[K, V] {
	return folded(g, name, g.value, operator.TableAggregate[K, V, V]{
		First: func(v V) V { return v },
		Add:   func(_ K, v, agg V) V { return add(agg, v) },
		Sub:   func(_ K, v, agg V) V { return sub(agg, v) },
	}, opts)
}

// Aggregate folds the rows of each group, old ones by sub before new ones by add. A null aggregate deletes the row.
func (g GroupedTable[K, V]) Aggregate[A any](name string, init func() A, add, sub func(K, V, A) A, s Serde[A], opts ...StoreOption) Table[K, A] {
	return folded(g, name, or(s, ref[A]{}), operator.TableAggregate[K, V, A]{Init: init, Add: add, Sub: sub}, opts)
}
