// Package operator is the nodes of a topology at work: typed functions bound once per task, joined by calls.
//
// A node gets a message by pointer, valid during the call, and hands its own on; nothing is boxed on the way. Rules follow
// Kafka Streams 4.3.1 (streams.md 5 to 9, 12); where ours differ the operator says so.
package operator

import (
	"reflect"

	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
	"github.com/mainstem-io/mainstem/streams/state"
)

// Msg is a record in a stream. NoKey and NoValue are Kafka's nulls; the field is then the zero value.
type Msg[K, V any] struct {
	Key     K
	Value   V
	NoKey   bool
	NoValue bool
	Time    int64
	Headers []processor.Header
}

// Change is an update of a table's row. NoOld also stands for an old value that nobody asked for.
type Change[K, V any] struct {
	Key      K
	New, Old V
	NoNew    bool
	NoOld    bool
	Time     int64
	Headers  []processor.Header
	Stale    bool // a newer version is there: joins and aggregations ignore it
}

// Sink takes messages.
type Sink[T any] func(*T)

// Fan hands a message to all sinks in order.
func Fan[T any](sinks []Sink[T]) Sink[T] {
	switch len(sinks) {
	case 0:
		return func(*T) {}
	case 1:
		return sinks[0]
	}
	return func(m *T) {
		for _, s := range sinks {
			s(m)
		}
	}
}

// Codec is a serde and what null is for its type.
type Codec[T any] struct {
	Serde    state.Serde[T]
	Optional bool
	null     func(T) bool
}

// NewCodec asks a serde for its nulls. s may be nil: for a type that never meets a topic or a store.
func NewCodec[T any](s state.Serde[T]) Codec[T] {
	c := Codec[T]{Serde: s}
	if o, ok := s.(interface{ IsOptional() bool }); ok {
		c.Optional = o.IsOptional()
	}
	if reflect.TypeFor[T]().Kind() == reflect.Pointer {
		c.null = func(v T) bool { return reflect.ValueOf(v).IsNil() }
	}
	return c
}

// Null says whether a value that a function returned is a null: a nil pointer is.
func (c Codec[T]) Null(v T) bool { return c.null != nil && c.null(v) }

// Encode appends the bytes of a value.
func (c Codec[T]) Encode(t *task.Task, node string, dst []byte, v T) []byte {
	b, err := c.Serde.Append(dst, v)
	if err != nil {
		t.Stop(node, err)
	}
	return b
}

// Decode is a value from bytes that we wrote.
func (c Codec[T]) Decode(t *task.Task, node string, b []byte) T {
	v, err := c.Serde.Decode(b)
	if err != nil {
		t.Stop(node, err)
	}
	return v
}

// Node is what every operator knows of itself.
type Node struct {
	Task *task.Task
	Name string
}

// call runs a user's function; ok is false when it failed and the record is skipped here.
func call[A, R any](n Node, f func(A) R, a A) (r R, ok bool) {
	ok = true
	defer n.Task.Catch(processor.Process, n.Name, &ok)
	r = f(a)
	return r, ok
}

func call2[A, B, R any](n Node, f func(A, B) R, a A, b B) (r R, ok bool) {
	ok = true
	defer n.Task.Catch(processor.Process, n.Name, &ok)
	r = f(a, b)
	return r, ok
}

func call3[A, B, C, R any](n Node, f func(A, B, C) R, a A, b B, c C) (r R, ok bool) {
	ok = true
	defer n.Task.Catch(processor.Process, n.Name, &ok)
	r = f(a, b, c)
	return r, ok
}

// sees says whether a function over T may be called: there is a value, or the type has a null.
func sees[T any](c Codec[T], none bool) bool { return !none || c.Optional }
