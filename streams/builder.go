package streams

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/streams/internal/blueprint"
	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Builder collects a topology. It is not for concurrent use; what Build returns is.
type Builder struct {
	g             *topology.Graph
	checks        []func()
	defaults      map[reflect.Type]any
	sources       map[*topology.Node]func(*binding) task.Source
	streams       map[string]any // Stream by source key
	numbers       map[string]int
	serdes        map[string]func() (key, value any) // by topic, for tests
	optimise      bool
	optimisations []func()
}

// NewBuilder starts a topology.
func NewBuilder() *Builder {
	return &Builder{
		g: topology.New(), defaults: map[reflect.Type]any{}, sources: map[*topology.Node]func(*binding) task.Source{},
		streams: map[string]any{}, numbers: map[string]int{}, serdes: map[string]func() (any, any){},
	}
}

// Default is the serde for a type wherever none is given.
func (b *Builder) Default[T any](s Serde[T]) { b.defaults[reflect.TypeFor[T]()] = s }

// caller is the file:line outside this package that is building the topology.
func caller() string {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "mainstem/streams.") {
			file := f.File
			if i := strings.LastIndexByte(file, '/'); i >= 0 {
				file = file[i+1:]
			}
			return fmt.Sprintf("%s:%d", file, f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

// title names a node: the name that was given, or its kind and a number. Numbers name nothing outside of Describe.
func (b *Builder) title(name, kind string) string {
	if name != "" {
		return name
	}
	b.numbers[kind]++
	return fmt.Sprintf("%s-%d", kind, b.numbers[kind])
}

// processor adds a node that works.
func (b *Builder) processor(name string, stores []string, parents ...*topology.Node) *topology.Node {
	return b.g.Add(&topology.Node{Name: name, Kind: topology.Processor, Stores: stores, Pos: caller()}, parents...)
}

// Stream reads a topic. Two calls for one topic are one source.
func (b *Builder) Stream[K, V any](t Topic[K, V], opts ...SourceOption) Stream[K, V] {
	var o sourceOptions
	for _, f := range opts {
		f(&o)
	}
	key := t.Name + "\x00" + strings.Join(o.more, "\x00")
	if o.pattern != nil {
		key = "\x00" + o.pattern.String()
	}
	if old, ok := b.streams[key]; ok {
		if s, same := old.(Stream[K, V]); same {
			return s
		}
		b.g.Fail(caller(), "topic %q is read before as %T", t.Name, old)
	}
	s := source(b, t, o, b.title("", "source"))
	b.streams[key] = s
	return s
}

// source adds a source node and its stream.
func source[K, V any](b *Builder, t Topic[K, V], o sourceOptions, name string) Stream[K, V] {
	pos := caller()
	n := &topology.Node{Name: name, Kind: topology.Source, Pos: pos}
	switch {
	case o.pattern != nil:
		n.Pattern = o.pattern.String()
	default:
		n.Topics = append([]string{t.Name}, o.more...)
		if slices.Contains(n.Topics, "") {
			b.g.Fail(pos, "a source topic has no name")
		}
	}
	b.g.Add(n)
	return sourceStream(b, n, t)
}

func sourceStream[K, V any](b *Builder, n *topology.Node, t Topic[K, V]) Stream[K, V] {
	s := Stream[K, V]{b: b, node: n, out: &stage[operator.Msg[K, V]]{}, key: ref[K]{serde: t.Key}, value: ref[V]{serde: t.Value}}
	where := fmt.Sprintf("topic %q", t.Name)
	s.key.need(b, n.Pos, where)
	s.value.need(b, n.Pos, where)
	if err := checkTimes[K, V](t.times); err != nil {
		b.g.Fail(n.Pos, "topic %q: %w", t.Name, err)
	}
	for _, topic := range n.Topics {
		b.serdes[topic] = func() (any, any) { return s.key.resolve(b), s.value.resolve(b) }
	}
	b.sources[n] = func(bd *binding) task.Source {
		return &operator.Source[K, V]{Node: bd.node(n), Key: s.key.codec(b), Value: s.value.codec(b), Timestamp: extractor[K, V](bd.task, t.times), Out: s.out.sink(bd)}
	}
	return s
}

// BuildOption changes how Build lowers the topology.
type BuildOption func(*Builder)

// Optimise lets Build save topics and stores: a table's source topic is its changelog, a stream that is joined with itself has
// one store. Results do not change. The source topic must be compacted, and what its serdes refuse is missing after a restart.
func Optimise() BuildOption { return func(b *Builder) { b.optimise = true } }

// Topology is what Build made. It is immutable and safe for concurrent use.
type Topology struct {
	b *Builder
}

// Build checks the topology and freezes it. The error names every mistake with the file and line that made it (STRM-001).
func (b *Builder) Build(opts ...BuildOption) (*Topology, error) {
	for _, o := range opts {
		o(b)
	}
	if b.optimise {
		for _, f := range b.optimisations {
			f()
		}
		b.optimisations = nil
	}
	for _, c := range b.checks {
		c()
	}
	b.checks = nil
	if err := b.g.Check(); err != nil {
		return nil, fmt.Errorf("STRM-001: the topology has mistakes:\n%w", err)
	}
	return &Topology{b: b}, nil
}

// Blueprint is the topology for those that run it: App and streamstest.
func (t *Topology) Blueprint() *blueprint.Blueprint {
	return &blueprint.Blueprint{Graph: t.b.g, Bind: t.b.bind, Serdes: func(topic string) (key, value any) {
		if f := t.b.serdes[topic]; f != nil {
			return f()
		}
		return nil, nil
	}}
}

// Describe is the topology in Kafka's text format.
func (t *Topology) Describe() string { return t.b.g.Describe() }

// Mermaid is the topology as a flow chart for Mermaid.
func (t *Topology) Mermaid() string { return t.b.g.Mermaid() }

// JSON is the topology for programs.
func (t *Topology) JSON() []byte { return t.b.g.JSON() }
