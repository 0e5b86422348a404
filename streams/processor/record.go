// Package processor holds what a function of a topology gets to see: records, windows, the context of a processor.
package processor

import "time"

// Header is a record header; a nil Value is Kafka's null.
type Header struct {
	Key   string
	Value []byte
}

// Record is what flows through a stream. When the key or the value is null, NullKey or NullValue says so and the field is the
// type's zero value (nil for optional types).
type Record[K, V any] struct {
	Key       K
	Value     V
	NullKey   bool
	NullValue bool
	Time      time.Time // milliseconds
	Headers   []Header
}

// Span is a window: [Start, End) for tumbling, hopping and unlimited windows, [Start, End] for sliding windows and sessions.
type Span struct {
	Start, End time.Time
}

// SpanMillis makes a span of two times in milliseconds since 1970.
func SpanMillis(start, end int64) Span {
	return Span{Start: time.UnixMilli(start), End: time.UnixMilli(end)}
}

// Windowed is the key of a windowed table's row.
type Windowed[K any] struct {
	Key    K
	Window Span
}

// Source says where the record that is being processed came from.
type Source struct {
	Topic     string
	Partition int32
	Offset    int64
}
