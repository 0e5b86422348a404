package streams

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/processor"
	"github.com/mainstem-io/mainstem/streams/state"
)

// Serde turns values into bytes and back; see package state.
type Serde[T any] = state.Serde[T]

// The built-in serdes, with the bytes of Kafka's own serializers.
var (
	String  = state.String
	Bytes   = state.Bytes
	Int32   = state.Int32
	Int64   = state.Int64
	Float64 = state.Float64
	Bool    = state.Bool
	Time    = state.Time
)

// JSON is the standard library's JSON.
func JSON[T any]() Serde[T] { return state.JSON[T]() }

// Optional makes Kafka's null a value, nil: functions over *T see nulls.
func Optional[T any](s Serde[T]) Serde[*T] { return state.Optional(s) }

type windowedSerde[K any] struct {
	inner   Serde[K]
	size    int64 // of time windows; 0: unlimited
	session bool
}

// TimeWindowed is the key of a time-windowed table as Kafka writes it: the key and 8 bytes of start. The end is not in the bytes:
// size says it.
func TimeWindowed[K any](s Serde[K], size time.Duration) Serde[Windowed[K]] {
	return windowedSerde[K]{inner: s, size: size.Milliseconds()}
}

// SessionWindowed is the key of a session-windowed table: the key, 8 bytes of end, 8 bytes of start.
func SessionWindowed[K any](s Serde[K]) Serde[Windowed[K]] {
	return windowedSerde[K]{inner: s, session: true}
}

func (w windowedSerde[K]) Append(dst []byte, v Windowed[K]) ([]byte, error) {
	dst, err := w.inner.Append(dst, v.Key)
	if err != nil {
		return nil, err
	}
	if w.session {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Window.End.UnixMilli()))
	}
	return binary.BigEndian.AppendUint64(dst, uint64(v.Window.Start.UnixMilli())), nil
}

func (w windowedSerde[K]) Decode(b []byte) (v Windowed[K], err error) {
	n := len(b) - 8
	if w.session {
		n -= 8
	}
	if n < 0 {
		return v, fmt.Errorf("a windowed key needs at least %d bytes, got %d", len(b)-n, len(b))
	}
	start := int64(binary.BigEndian.Uint64(b[len(b)-8:]))
	end := start + w.size
	switch {
	case w.session:
		end = int64(binary.BigEndian.Uint64(b[n:]))
	case w.size == 0 || end < start:
		end = math.MaxInt64
	}
	v.Window = processor.SpanMillis(start, end)
	v.Key, err = w.inner.Decode(b[:n])
	return v, err
}

// ref is a serde that is known, or will be found when the topology is built.
type ref[T any] struct {
	serde Serde[T]
	lazy  func(*Builder) Serde[T]
}

func (r ref[T]) resolve(b *Builder) Serde[T] {
	if r.serde != nil {
		return r.serde
	}
	if r.lazy != nil {
		return r.lazy(b)
	}
	t := reflect.TypeFor[T]()
	if s, ok := b.defaults[t]; ok {
		return s.(Serde[T])
	}
	if s, ok := builtin[t]; ok {
		return s.(Serde[T])
	}
	return nil
}

// codec is the serde with its nulls; its Serde is nil when none is known.
func (r ref[T]) codec(b *Builder) operator.Codec[T] { return operator.NewCodec(r.resolve(b)) }

// need notes that a serde is required here: without one, Build says so.
func (r ref[T]) need(b *Builder, pos, where string) {
	b.checks = append(b.checks, func() {
		if r.resolve(b) == nil {
			b.g.Fail(pos, "no serde for %s at %s: give one with With, with Builder.Default, or as the operator's serde", reflect.TypeFor[T](), where)
		}
	})
}

var builtin = builtins()

func builtins() map[reflect.Type]any {
	m := map[reflect.Type]any{}
	add(m, String)
	add(m, Bytes)
	add(m, Int32)
	add(m, Int64)
	add(m, Float64)
	add(m, Bool)
	add(m, Time)
	return m
}

func add[T any](m map[reflect.Type]any, s Serde[T]) {
	m[reflect.TypeFor[T]()] = s
	m[reflect.TypeFor[*T]()] = Optional(s)
}

// windowedRef is the serde of a windowed key, once that of the key is known.
func windowedRef[K any](key ref[K], size int64, session bool) ref[Windowed[K]] {
	return ref[Windowed[K]]{lazy: func(b *Builder) Serde[Windowed[K]] {
		inner := key.resolve(b)
		if inner == nil {
			return nil
		}
		return windowedSerde[K]{inner, size, session}
	}}
}
