// Package state holds what a topology stores and ships: serdes, and the handles of state stores.
//
// Bytes are those of Kafka's own serializers: UTF-8 text, big-endian numbers, IEEE 754 doubles; so other clients read the topics.
package state

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Serde turns values of one Go type into bytes and back.
//
// Append adds the encoding to dst, so that a buffer serves many records. Decode may use b during the call only: what it
// returns must not point into it. Both are called by many tasks at once.
type Serde[T any] interface {
	Append(dst []byte, v T) ([]byte, error)
	Decode(b []byte) (T, error)
}

type stringSerde struct{}

func (stringSerde) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (stringSerde) Decode(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return string(toValid(b)), nil // Kafka's deserializer replaces, it does not refuse
	}
	return string(b), nil
}

func toValid(b []byte) []byte {
	out := make([]byte, 0, len(b)+4)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return out
}

type bytesSerde struct{}

func (bytesSerde) Append(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }
func (bytesSerde) Decode(b []byte) ([]byte, error)      { return append([]byte{}, b...), nil }
func wrongSize(what string, want int, b []byte) error {
	return fmt.Errorf("%s needs %d bytes, got %d", what, want, len(b))
}
func big64(dst []byte, v uint64) ([]byte, error) { return binary.BigEndian.AppendUint64(dst, v), nil }

type int32Serde struct{}

func (int32Serde) Append(dst []byte, v int32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}

func (int32Serde) Decode(b []byte) (int32, error) {
	if len(b) != 4 {
		return 0, wrongSize("an int32", 4, b)
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

type int64Serde struct{}

func (int64Serde) Append(dst []byte, v int64) ([]byte, error) { return big64(dst, uint64(v)) }

func (int64Serde) Decode(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, wrongSize("an int64", 8, b)
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

type float64Serde struct{}

func (float64Serde) Append(dst []byte, v float64) ([]byte, error) {
	return big64(dst, math.Float64bits(v))
}

func (float64Serde) Decode(b []byte) (float64, error) {
	if len(b) != 8 {
		return 0, wrongSize("a float64", 8, b)
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

type boolSerde struct{}

func (boolSerde) Append(dst []byte, v bool) ([]byte, error) {
	if v {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (boolSerde) Decode(b []byte) (bool, error) {
	if len(b) != 1 {
		return false, wrongSize("a bool", 1, b)
	}
	return b[0] != 0, nil
}

type timeSerde struct{}

func (timeSerde) Append(dst []byte, v time.Time) ([]byte, error) {
	return big64(dst, uint64(v.UnixMilli()))
}

func (timeSerde) Decode(b []byte) (time.Time, error) {
	if len(b) != 8 {
		return time.Time{}, wrongSize("a time", 8, b)
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), nil
}

// The built-in serdes. Time is a count of milliseconds since 1970 in eight bytes.
var (
	String  Serde[string]    = stringSerde{}
	Bytes   Serde[[]byte]    = bytesSerde{}
	Int32   Serde[int32]     = int32Serde{}
	Int64   Serde[int64]     = int64Serde{}
	Float64 Serde[float64]   = float64Serde{}
	Bool    Serde[bool]      = boolSerde{}
	Time    Serde[time.Time] = timeSerde{}
)

type jsonSerde[T any] struct{}

func (jsonSerde[T]) Append(dst []byte, v T) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return append(dst, b...), nil
}

func (jsonSerde[T]) Decode(b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("decode JSON: %w", err)
	}
	return v, nil
}

// JSON is the standard library's JSON for any type.
func JSON[T any]() Serde[T] { return jsonSerde[T]{} }

type optional[T any] struct{ inner Serde[T] }

func (o optional[T]) Append(dst []byte, v *T) ([]byte, error) {
	if v == nil {
		return nil, fmt.Errorf("a null has no bytes")
	}
	return o.inner.Append(dst, *v)
}

func (o optional[T]) Decode(b []byte) (*T, error) {
	v, err := o.inner.Decode(b)
	return &v, err
}

// IsOptional marks the serde: functions see its nulls.
func (optional[T]) IsOptional() bool { return true }

// Optional makes Kafka's null a value: nil. Functions over a *T are called for nulls too, and a nil that they return is a null.
func Optional[T any](s Serde[T]) Serde[*T] { return optional[T]{s} }
