package streams

import (
	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Join joins two tables by key: an update of either side looks up the other. A result's time is the later of both, for deletes too.
// A delete on one side while the other is there is forwarded even when there was no result.
func (t Table[K, V]) Join[W, R any](other Table[K, W], f func(V, W) R) Table[K, R] {
	return Table[K, R]{joinTables(t.d, other.d, false, false, func(v *V, w *W) R { return f(*v, *w) })}
}

// LeftJoin keeps the rows of the left table.
func (t Table[K, V]) LeftJoin[W, R any](other Table[K, W], f func(V, *W) R) Table[K, R] {
	return Table[K, R]{joinTables(t.d, other.d, true, false, func(v *V, w *W) R { return f(*v, w) })}
}

// OuterJoin keeps the rows of both tables.
func (t Table[K, V]) OuterJoin[W, R any](other Table[K, W], f func(*V, *W) R) Table[K, R] {
	return Table[K, R]{joinTables(t.d, other.d, true, true, f)}
}

// Join joins two windowed tables by key and window.
func (t WindowedTable[K, V]) Join[W, R any](other WindowedTable[K, W], f func(V, W) R) WindowedTable[K, R] {
	return WindowedTable[K, R]{joinTables(t.d, other.d, false, false, func(v *V, w *W) R { return f(*v, *w) })}
}

// LeftJoin keeps the rows of the left table.
func (t WindowedTable[K, V]) LeftJoin[W, R any](other WindowedTable[K, W], f func(V, *W) R) WindowedTable[K, R] {
	return WindowedTable[K, R]{joinTables(t.d, other.d, true, false, func(v *V, w *W) R { return f(*v, w) })}
}

// OuterJoin keeps the rows of both tables.
func (t WindowedTable[K, V]) OuterJoin[W, R any](other WindowedTable[K, W], f func(*V, *W) R) WindowedTable[K, R] {
	return WindowedTable[K, R]{joinTables(t.d, other.d, true, true, f)}
}

func joinTables[K, V, W, R any](t *table[K, V], other *table[K, W], keepLeft, keepRight bool, f func(*V, *W) R) *table[K, R] {
	b := t.b
	if keepLeft {
		t.needOld(true)
	}
	if keepRight {
		other.needOld(true)
	}
	b.g.Copartition("a join of tables", caller(), t.node, other.node)
	stores := append(append([]string{}, t.stores()...), other.stores()...)
	left := b.processor(b.title("", "table-join-left"), stores, t.node)
	right := b.processor(b.title("", "table-join-right"), stores, other.node)
	next := &table[K, R]{b: b, node: b.processor(b.title("", "table-join"), nil, left, right), out: &stage[operator.Change[K, R]]{}, key: t.key, window: t.window}
	next.ask = func(bool) bool { t.needOld(true); other.needOld(true); return true }
	next.stores = func() []string {
		if next.isStored() {
			return []string{next.stored.def.Name}
		}
		return stores
	}
	next.versioned = func() bool { return next.isStored() && next.stored.def.Kind == topology.Versioned }
	made := func(bd *binding) *operator.TableJoin[K, V, W, R] {
		return once(bd, next.node, func() *operator.TableJoin[K, V, W, R] {
			return &operator.TableJoin[K, V, W, R]{
				Node: bd.node(next.node), KeepLeft: keepLeft, KeepRight: keepRight, Join: f, Result: next.value.codec(b),
				LeftRows: t.getter(bd), RightRows: other.getter(bd), LeftHist: t.versioned(), RightHist: other.versioned(), SendOld: next.sendOld,
			}
		})
	}
	bound := func(bd *binding) *operator.TableJoin[K, V, W, R] {
		o := made(bd)
		if o.Out == nil {
			o.Out = next.out.sink(bd)
			if next.isStored() {
				o.Out = operator.Stored(next.stored.rows(bd), o.Out)
			}
		}
		return o
	}
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] { return bound(bd).SinkLeft })
	other.out.attach(func(bd *binding) operator.Sink[operator.Change[K, W]] { return bound(bd).SinkRight })
	next.getter = func(bd *binding) operator.Getter[K, R] {
		if next.isStored() {
			return next.stored.rows(bd)
		}
		return made(bd)
	}
	return next
}

// JoinFK joins each row of the table with the row of another that its foreign key names (KIP-213). fk answers false for a row without
// one. An update of the left row has the later time of both; an update of the right row has the right row's.
func (t Table[K, V]) JoinFK[F, W, R any](name string, other Table[F, W], fk func(K, V) (F, bool), f func(V, W) R) Table[K, R] {
	return Table[K, R]{joinForeign(t.d, name, other.d, false, fk, func(v V, w *W) R { return f(v, *w) })}
}

// LeftJoinFK keeps the rows of the left table.
func (t Table[K, V]) LeftJoinFK[F, W, R any](name string, other Table[F, W], fk func(K, V) (F, bool), f func(V, *W) R) Table[K, R] {
	return Table[K, R]{joinForeign(t.d, name, other.d, true, fk, f)}
}

// foreignTopics names the two topics of a foreign-key join as the JVM does.
func foreignTopics(name string) (registration, response string) {
	return name + "-subscription-registration-topic", name + "-subscription-response-topic"
}

func joinForeign[K, V, F, W, R any](t *table[K, V], name string, other *table[F, W], left bool, fk func(K, V) (F, bool), f func(V, *W) R) *table[K, R] {
	b, pos := t.b, caller()
	if name == "" {
		b.g.Fail(pos, "a foreign-key join has no name: it names its topics")
	}
	t.needOld(true)
	t.key.need(b, pos, "join "+name)
	t.value.need(b, pos, "join "+name)
	other.key.need(b, pos, "join "+name)
	other.value.need(b, pos, "join "+name)
	registration, response := foreignTopics(name)
	subs := name + "-subscription-store"
	for _, topic := range []string{registration, response} {
		b.g.AddRepartition(&topology.Repartition{Name: topic, Purged: true, Pos: pos})
	}
	b.g.AddStore(&topology.Store{Name: subs, Kind: topology.KeyValue, Logged: true, Pos: pos})

	send := b.processor(name+"-subscription-registration-processor", nil, t.node)
	b.g.Add(&topology.Node{Name: name + "-subscription-registration-sink", Kind: topology.Sink, Topic: registration, Pos: pos}, send)
	regSource := b.g.Add(&topology.Node{Name: name + "-subscription-registration-source", Kind: topology.Source, Topics: []string{registration}, Pos: pos})
	receive := b.processor(name+"-subscription-receive", append([]string{subs}, other.stores()...), regSource)
	foreign := b.processor(name+"-foreign-join-subscription", []string{subs}, other.node)
	b.g.Add(&topology.Node{Name: name + "-subscription-response-sink", Kind: topology.Sink, Topic: response, Pos: pos}, receive, foreign)
	respSource := b.g.Add(&topology.Node{Name: name + "-subscription-response-source", Kind: topology.Source, Topics: []string{response}, Pos: pos})
	resolve := b.processor(name+"-subscription-response-resolver", t.stores(), respSource)
	b.g.Copartition("foreign-key join "+name, pos, regSource, other.node)
	b.g.Copartition("foreign-key join "+name, pos, respSource, t.node)

	next := foreignResult[K, R](b, name, resolve, t)
	t.out.attach(func(bd *binding) operator.Sink[operator.Change[K, V]] {
		return (&operator.Subscribe[K, F, V]{
			Node: bd.node(send), Topic: bd.task.Internal(registration), Left: left, Versioned: t.versioned(), Foreign: fk,
			Key: t.key.codec(b), FKey: other.key.codec(b), Value: t.value.codec(b),
		}).Sink
	})
	answer := func(bd *binding) *operator.Answer[F, W] {
		return once(bd, receive, func() *operator.Answer[F, W] {
			o := &operator.Answer[F, W]{
				Node: bd.node(receive), Topic: bd.task.Internal(response), StoreName: subs, Logged: true, Versioned: other.versioned(),
				FKey: other.key.codec(b), Value: other.value.codec(b), Rows: other.getter(bd),
			}
			o.Bind()
			return o
		})
	}
	b.sources[regSource] = func(bd *binding) task.Source { return answer(bd).Source() }
	other.out.attach(func(bd *binding) operator.Sink[operator.Change[F, W]] { return answer(bd).SinkForeign })
	b.sources[respSource] = func(bd *binding) task.Source {
		out := next.out.sink(bd)
		if next.isStored() {
			out = (&operator.Remember[K, R]{Rows: next.stored.rows(bd), SendOld: next.sendOld, Out: out}).Sink
		}
		return (&operator.Resolve[K, V, W, R]{
			Node: bd.node(resolve), Left: left, Key: t.key.codec(b), Value: t.value.codec(b), Other: other.value.codec(b),
			Rows: t.getter(bd), Join: f, Result: next.value.codec(b), Out: out,
		}).Source()
	}
	return next
}

// foreignResult is the table of a foreign-key join. Who needs old values makes it keep its rows.
func foreignResult[K, R, V any](b *Builder, name string, resolve *topology.Node, t *table[K, V]) *table[K, R] {
	next := &table[K, R]{b: b, node: b.processor(name+"-result", nil, resolve), out: &stage[operator.Change[K, R]]{}, key: t.key}
	keep := func() {
		if !next.isStored() {
			next.stored = newTableStore(b, name+"-result-store", storeOpts(nil), next.key, next.value, next.node.Pos)
			next.node.Stores = append(next.node.Stores, name+"-result-store")
		}
	}
	next.ask = func(force bool) bool {
		if force {
			keep()
		}
		return next.isStored()
	}
	next.stores = func() []string { keep(); return []string{next.stored.def.Name} }
	next.versioned = func() bool { return next.isStored() && next.stored.def.Kind == topology.Versioned }
	next.getter = func(bd *binding) operator.Getter[K, R] { return next.stored.rows(bd) }
	return next
}
