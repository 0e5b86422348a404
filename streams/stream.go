package streams

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Stream is a flow of records. It is a value: an operator leaves it as it is and answers a new one.
type Stream[K, V any] struct {
	b     *Builder
	node  *topology.Node
	out   *stage[operator.Msg[K, V]]
	key   ref[K]
	value ref[V]
	// moved says that the key may have changed since the last topic: an operator that works by key goes through one first.
	moved bool
	// filters are the null-key filters of the repartition topics that the records came through: a join that keeps such records
	// switches them off.
	filters []*bool
}

// keepNulls lets records with a null key through the repartition topics behind.
func (s Stream[K, V]) keepNulls(keep bool) {
	for _, f := range s.filters {
		*f = *f && !keep
	}
}

func (s Stream[K, V]) types() operator.Types[K, V] {
	return operator.Types[K, V]{Key: s.key.codec(s.b), Value: s.value.codec(s.b)}
}

// then is the stream behind a node that leaves types and keys alone.
func (s Stream[K, V]) then(n *topology.Node) Stream[K, V] {
	s.node, s.out = n, &stage[operator.Msg[K, V]]{}
	return s
}

// Filter passes the records that f wants. Key, value, timestamp and headers stay; a null that f cannot see passes.
func (s Stream[K, V]) Filter(f func(K, V) bool) Stream[K, V] { return s.filter("filter", true, f) }

// FilterNot passes the records that f does not want.
func (s Stream[K, V]) FilterNot(f func(K, V) bool) Stream[K, V] {
	return s.filter("filter-not", false, f)
}

func (s Stream[K, V]) filter(kind string, want bool, f func(K, V) bool) Stream[K, V] {
	n := s.b.processor(s.b.title("", kind), nil, s.node)
	next := s.then(n)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.Filter(bd.node(n), s.types(), want, f, next.out.sink(bd))
	})
	return next
}

// Peek shows every record to f, nulls too, and passes it on.
func (s Stream[K, V]) Peek(f func(Record[K, V])) Stream[K, V] {
	n := s.b.processor(s.b.title("", "peek"), nil, s.node)
	next := s.then(n)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.Peek(bd.node(n), func(r Record[K, V]) error { f(r); return nil }, next.out.sink(bd))
	})
	return next
}

// ForEach hands every record, nulls too, to f; nothing follows. An error goes to Config.OnError.
func (s Stream[K, V]) ForEach(f func(context.Context, Record[K, V]) error) {
	n := s.b.processor(s.b.title("", "for-each"), nil, s.node)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.Peek(bd.node(n), func(r Record[K, V]) error { return f(bd.ctx, r) }, func(*operator.Msg[K, V]) {})
	})
}

// Print writes one line per record.
func (s Stream[K, V]) Print(w io.Writer) {
	s.ForEach(func(_ context.Context, r Record[K, V]) error {
		_, err := fmt.Fprintf(w, "%v\t%v\t%s\n", r.Key, r.Value, r.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
		return err
	})
}

// mapped is a stream behind a node that changed the value's type.
func mapped[K, V, W any](s Stream[K, V], kind string) Stream[K, W] {
	n := s.b.processor(s.b.title("", kind), nil, s.node)
	return Stream[K, W]{b: s.b, node: n, out: &stage[operator.Msg[K, W]]{}, key: s.key, moved: s.moved, filters: s.filters}
}

// rekeyed is a stream behind a node that changed key and value.
func rekeyed[K, V, K2, V2 any](s Stream[K, V], kind string) Stream[K2, V2] {
	n := s.b.processor(s.b.title("", kind), nil, s.node)
	return Stream[K2, V2]{b: s.b, node: n, out: &stage[operator.Msg[K2, V2]]{}, moved: true}
}

// MapValues changes values; the key stays, so no repartitioning follows. A null that f cannot see becomes a null of the new type.
func (s Stream[K, V]) MapValues[W any](f func(V) W) Stream[K, W] {
	return mapValues(s, false, func(_ K, v V) W { return f(v) })
}

// MapValuesWithKey is MapValues with a look at the key.
func (s Stream[K, V]) MapValuesWithKey[W any](f func(K, V) W) Stream[K, W] {
	return mapValues(s, true, f)
}

func mapValues[K, V, W any](s Stream[K, V], withKey bool, f func(K, V) W) Stream[K, W] {
	next := mapped[K, V, W](s, "map-values")
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.MapValues(bd.node(next.node), s.types(), next.value.codec(s.b), withKey, f, next.out.sink(bd))
	})
	return next
}

// Map changes key and value. The stream is repartitioned before an operator that works by key.
func (s Stream[K, V]) Map[K2, V2 any](f func(K, V) (K2, V2)) Stream[K2, V2] {
	next := rekeyed[K, V, K2, V2](s, "map")
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.Map(bd.node(next.node), s.types(), next.types(), f, next.out.sink(bd))
	})
	return next
}

// FlatMap makes any number of records of one. The stream is repartitioned before an operator that works by key.
func (s Stream[K, V]) FlatMap[K2, V2 any](f func(K, V) iter.Seq2[K2, V2]) Stream[K2, V2] {
	next := rekeyed[K, V, K2, V2](s, "flat-map")
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.FlatMap(bd.node(next.node), s.types(), next.types(), f, next.out.sink(bd))
	})
	return next
}

// SelectKey changes the key. The stream is repartitioned before an operator that works by key.
func (s Stream[K, V]) SelectKey[K2 any](f func(K, V) K2) Stream[K2, V] {
	next := rekeyed[K, V, K2, V](s, "select-key")
	next.value = s.value
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.SelectKey(bd.node(next.node), s.types(), next.key.codec(s.b), f, next.out.sink(bd))
	})
	return next
}

// FlatMapValues makes any number of values of one; the key stays.
func (s Stream[K, V]) FlatMapValues[W any](f func(V) iter.Seq[W]) Stream[K, W] {
	return flatMapValues(s, false, func(_ K, v V) iter.Seq[W] { return f(v) })
}

// FlatMapValuesWithKey is FlatMapValues with a look at the key.
func (s Stream[K, V]) FlatMapValuesWithKey[W any](f func(K, V) iter.Seq[W]) Stream[K, W] {
	return flatMapValues(s, true, f)
}

func flatMapValues[K, V, W any](s Stream[K, V], withKey bool, f func(K, V) iter.Seq[W]) Stream[K, W] {
	next := mapped[K, V, W](s, "flat-map-values")
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.FlatMapValues(bd.node(next.node), s.types(), next.value.codec(s.b), withKey, f, next.out.sink(bd))
	})
	return next
}

// Try changes values by a function that may fail; what becomes of the record is Config.OnError's to say. f sees every record.
func (s Stream[K, V]) Try[W any](f func(context.Context, Record[K, V]) (W, error)) Stream[K, W] {
	next := mapped[K, V, W](s, "try")
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.Try(bd.node(next.node), next.value.codec(s.b), func(r Record[K, V]) (W, error) { return f(bd.ctx, r) }, next.out.sink(bd))
	})
	return next
}

// With sets the serdes of a stream whose types are new; nil leaves one as it is.
func (s Stream[K, V]) With(k Serde[K], v Serde[V]) Stream[K, V] {
	if k != nil {
		s.key = ref[K]{serde: k}
	}
	if v != nil {
		s.value = ref[V]{serde: v}
	}
	return s
}

// Merge is the records of all these streams; there is no order between them.
func (s Stream[K, V]) Merge(others ...Stream[K, V]) Stream[K, V] {
	all := append([]Stream[K, V]{s}, others...)
	parents := make([]*topology.Node, len(all))
	for i, o := range all {
		parents[i] = o.node
		s.moved = s.moved || o.moved
		if i > 0 {
			s.filters = append(slices.Clone(s.filters), o.filters...)
		}
	}
	next := s.then(s.b.processor(s.b.title("", "merge"), nil, parents...))
	for _, o := range all {
		o.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] { return next.out.sink(bd) })
	}
	return next
}

// Split sends each record to one of several branches.
type Split[K, V any] struct {
	s    Stream[K, V]
	node *topology.Node
	name string
	ways []splitWay[K, V]
}

type splitWay[K, V any] struct {
	want func(K, V) bool
	next Stream[K, V]
}

// Split starts a split. A record that no branch wants is gone, unless there is a default.
func (s Stream[K, V]) Split(name string) *Split[K, V] {
	sp := &Split[K, V]{s: s, name: name, node: s.b.processor(s.b.title(name, "split"), nil, s.node)}
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		var branches []operator.Branch[K, V]
		for _, w := range sp.ways {
			branches = append(branches, operator.Branch[K, V]{Want: w.want, Out: w.next.out.sink(bd)})
		}
		return operator.Split(bd.node(sp.node), s.types(), branches)
	})
	return sp
}

// Branch is the records that f wants and no branch before.
func (sp *Split[K, V]) Branch(name string, f func(K, V) bool) Stream[K, V] {
	next := sp.s.then(sp.s.b.processor(sp.s.b.title(sp.name+name, "branch"), nil, sp.node))
	sp.ways = append(sp.ways, splitWay[K, V]{f, next})
	return next
}

// Default is the records that no branch wants.
func (sp *Split[K, V]) Default(name string) Stream[K, V] { return sp.Branch(name, nil) }

// To writes the stream to a topic, which must exist. Records go to partitions by Kafka's hash of their key.
func (s Stream[K, V]) To(t Topic[K, V]) {
	n := s.b.g.Add(&topology.Node{Name: s.b.title("", "sink"), Kind: topology.Sink, Topic: t.Name, Pos: caller()}, s.node)
	if t.Name == "" {
		s.b.g.Fail(n.Pos, "To has a topic without a name")
	}
	s.key, s.value = or(t.Key, s.key), or(t.Value, s.value)
	sinkTo(s, n, func(*binding) string { return t.Name })
}

func or[T any](s Serde[T], r ref[T]) ref[T] {
	if s != nil {
		return ref[T]{serde: s}
	}
	return r
}

// sinkTo binds a sink node with the stream's serdes.
func sinkTo[K, V any](s Stream[K, V], n *topology.Node, topic func(*binding) string) {
	where := fmt.Sprintf("topic %q", n.Topic)
	s.key.need(s.b, n.Pos, where)
	s.value.need(s.b, n.Pos, where)
	s.b.serdes[n.Topic] = func() (any, any) { return s.key.resolve(s.b), s.value.resolve(s.b) }
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return (&operator.ToTopic[K, V]{Node: bd.node(n), Topic: topic(bd), Key: s.key.codec(s.b), Value: s.value.codec(s.b)}).Sink
	})
}

// ToDynamic writes each record to the topic that f names. Such topics are not part of the topology and not created.
func (s Stream[K, V]) ToDynamic(f func(Record[K, V], Source) Topic[K, V]) {
	n := s.b.g.Add(&topology.Node{Name: s.b.title("", "sink"), Kind: topology.Sink, Pos: caller()}, s.node)
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		return operator.ToDynamic(bd.node(n), func(r Record[K, V], src Source) (string, operator.Codec[K], operator.Codec[V]) {
			t := f(r, src)
			return t.Name, or(t.Key, s.key).codec(s.b), or(t.Value, s.value).codec(s.b)
		})
	})
}

// RepartitionOption changes a repartition topic.
type RepartitionOption func(*topology.Repartition)

// Partitions is the number of partitions; without it the most of what flows in.
func Partitions(n int) RepartitionOption { return func(r *topology.Repartition) { r.Partitions = n } }

// Repartition sends the stream through the topic <app>-<name>-repartition, always. Records with a null key are gone.
func (s Stream[K, V]) Repartition(name string, opts ...RepartitionOption) Stream[K, V] {
	return s.through(name+"-repartition", false, opts...)
}

// byKey is the stream, repartitioned when its key may have changed.
func (s Stream[K, V]) byKey(topic string, keepNull bool) Stream[K, V] {
	if !s.moved {
		return s
	}
	return s.through(topic, keepNull)
}

// through sends the stream through an internal topic.
func (s Stream[K, V]) through(topic string, keepNull bool, opts ...RepartitionOption) Stream[K, V] {
	pos := caller()
	r := &topology.Repartition{Name: topic, Purged: true, Pos: pos}
	for _, o := range opts {
		o(r)
	}
	if r.Partitions < 0 {
		s.b.g.Fail(pos, "topic %q cannot have %d partitions", topic, r.Partitions)
	}
	s.b.g.AddRepartition(r)
	drop := !keepNull
	filtered := s.then(s.b.processor(topic+"-filter", nil, s.node))
	s.out.attach(func(bd *binding) operator.Sink[operator.Msg[K, V]] {
		if !drop {
			return filtered.out.sink(bd)
		}
		return operator.DropNullKeys(filtered.out.sink(bd))
	})
	s = filtered
	sink := s.b.g.Add(&topology.Node{Name: topic + "-sink", Kind: topology.Sink, Topic: topic, Pos: pos}, s.node)
	sinkTo(s, sink, func(bd *binding) string { return bd.task.Internal(topic) })
	src := s.b.g.Add(&topology.Node{Name: topic + "-source", Kind: topology.Source, Topics: []string{topic}, Pos: pos})
	next := s.then(src)
	next.moved, next.filters = false, []*bool{&drop}
	s.b.sources[src] = func(bd *binding) task.Source {
		return &operator.Source[K, V]{
			Node: bd.node(src), Key: s.key.codec(s.b), Value: s.value.codec(s.b), Out: next.out.sink(bd),
			Timestamp: func(m *operator.Msg[K, V], _ string, _ int64) (int64, error) { return m.Time, nil },
		}
	}
	return next
}
