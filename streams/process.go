package streams

import (
	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// What processors are made of; see package processor.
type (
	// Processor handles records one by one.
	Processor[KIn, VIn, KOut, VOut any] = processor.Processor[KIn, VIn, KOut, VOut]
	// TableProcessor computes the rows of a table.
	TableProcessor[K, V, W any] = processor.TableProcessor[K, V, W]
	// Context is what a processor acts through.
	Context[K, V any] = processor.Context[K, V]
	// Clock names the time that a punctuation follows.
	Clock = processor.Clock
)

// The two clocks of punctuations.
const (
	StreamTime = processor.StreamTime
	WallClock  = processor.WallClock
)

// AnchoredAt aligns a punctuation: it is due at start + n * interval.
var AnchoredAt = processor.AnchoredAt

// Process runs a processor, one per task, with the stores that it names. It may change keys: the stream is repartitioned before
// an operator that works by key.
func (s Stream[K, V]) Process[K2, V2 any](name string, newP func() Processor[K, V, K2, V2], stores ...StoreRef) Stream[K2, V2] {
	n := s.b.processor(s.b.title(name, "process"), nil, s.node)
	connect(s.b, n, stores)
	next := Stream[K2, V2]{b: s.b, node: n, out: &stage[operator.Msg[K2, V2]]{}, moved: true}
	process(s, next, newP, stores)
	return next
}

// ProcessValues is Process for a processor that leaves the key alone: no repartitioning follows.
func (s Stream[K, V]) ProcessValues[W any](name string, newP func() Processor[K, V, K, W], stores ...StoreRef) Stream[K, W] {
	n := s.b.processor(s.b.title(name, "process-values"), nil, s.node)
	connect(s.b, n, stores)
	next := Stream[K, W]{b: s.b, node: n, out: &stage[operator.Msg[K, W]]{}, key: s.key, moved: s.moved, filters: s.filters}
	process(s, next, newP, stores)
	return next
}

func process[K, V, K2, V2 any](s Stream[K, V], next Stream[K2, V2], newP func() Processor[K, V, K2, V2], stores []StoreRef) {
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		for _, r := range stores {
			r.open(bd)
		}
		children := map[string]operator.Sink[operator.Msg[K2, V2]]{}
		for i, f := range next.out.outs {
			if i < len(next.node.Children) {
				children[next.node.Children[i].Name] = f(bd)
			}
		}
		var sinks []operator.Sink[operator.Msg[K2, V2]]
		for i, f := range next.out.outs {
			if i < len(next.node.Children) {
				sinks = append(sinks, children[next.node.Children[i].Name])
			} else {
				sinks = append(sinks, f(bd))
			}
		}
		return operator.Process(bd.ctx, bd.node(next.node), next.types(), newP, children, operator.Fan(sinks))
	})
}

// GlobalTable is a topic that every instance holds in full. Joins with it need no repartitioning.
type GlobalTable[K, V any] struct {
	b     *Builder
	store *tableStore[K, V]
}

// GlobalTable reads all partitions of a topic on every instance, in full before anything else starts.
func (b *Builder) GlobalTable[K, V any](t Topic[K, V], name string, opts ...StoreOption) GlobalTable[K, V] {
	s := source(b, t, sourceOptions{}, b.title("", "global-source"))
	o := storeOpts(opts)
	n := b.processor(b.title("", "global-table"), nil, s.node)
	s.node.Global, n.Global = true, true
	st := newTableStore(b, name, o, s.key, s.value, n.Pos)
	st.def.Global, st.def.Logged, st.def.Source = true, false, t.Name
	n.Stores = append(n.Stores, name)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return (&operator.TableSource[K, V]{Node: bd.node(n), Rows: st.rows(bd), Out: func(*operator.Change[K, V]) {}}).Sink
	})
	return GlobalTable[K, V]{b, st}
}

// GlobalStore fills a store on every instance by a processor.
func (b *Builder) GlobalStore[K, V any](t Topic[K, V], newP func() Processor[K, V, K, V], store StoreRef) {
	n := updated(b, t, newP, store, true)
	n.Global = true
	for _, p := range n.Parents {
		p.Global = true
	}
	if st := b.g.Store(store.storeName()); st != nil {
		st.Global, st.Logged, st.Source = true, false, t.Name
	}
}

// ReadOnlyStore makes a topic a store without a changelog of its own (KIP-813): a processor keeps it, others read it.
func (b *Builder) ReadOnlyStore[K, V any](t Topic[K, V], newP func() Processor[K, V, K, V], store StoreRef) {
	updated(b, t, newP, store, false)
	if st := b.g.Store(store.storeName()); st != nil {
		st.Logged, st.Source = false, t.Name
	}
}

func updated[K, V any](b *Builder, t Topic[K, V], newP func() Processor[K, V, K, V], store StoreRef, global bool) *topology.Node {
	kind := "read-only"
	if global {
		kind = "global"
	}
	s := source(b, t, sourceOptions{}, b.title("", kind+"-source"))
	n := b.processor(b.title("", kind+"-store"), nil, s.node)
	connect(b, n, []StoreRef{store})
	next := Stream[K, V]{b: b, node: n, out: &stage[operator.Msg[K, V]]{}, key: s.key, value: s.value}
	process(s, next, newP, []StoreRef{store})
	return n
}
