package streams

import (
	"fmt"
	"regexp"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Record, Header, Windowed, Span and Source are what functions see; see package processor.
type (
	// Record is what flows through a stream.
	Record[K, V any] = processor.Record[K, V]
	// Header is a record header.
	Header = processor.Header
	// Windowed is the key of a windowed table's row.
	Windowed[K any] = processor.Windowed[K]
	// Span is a window's bounds.
	Span = processor.Span
	// Source says where a record came from.
	Source = processor.Source
)

// Topic is a topic's name with the serdes of its keys and values.
type Topic[K, V any] struct {
	Name  string
	Key   Serde[K]
	Value Serde[V]
	times timestamps
}

// NewTopic names a topic.
func NewTopic[K, V any](name string, key Serde[K], value Serde[V], opts ...TopicOption) Topic[K, V] {
	t := Topic[K, V]{Name: name, Key: key, Value: value}
	for _, o := range opts {
		o(&t.times)
	}
	return t
}

// TopicOption says how a topic is read.
type TopicOption func(*timestamps)

// TimestampPolicy is what to do with a record whose timestamp is before 1970.
type TimestampPolicy int

// The policies. The zero value is the application's (Config.Timestamps), which is FailOnInvalid by default.
const (
	DefaultTimestamps TimestampPolicy = iota
	FailOnInvalid
	LogAndSkip
	UsePartitionTime // the highest timestamp of the partition; an error before the first valid one
	WallClockTime    // when the record is processed
)

type timestamps struct {
	policy TimestampPolicy
	by     any // Timestamp function of the topic's types
}

// Timestamps sets the policy of a topic.
func Timestamps(p TimestampPolicy) TopicOption { return func(t *timestamps) { t.policy = p } }

// TimestampBy takes the time of a record from the record. A time before 1970 drops it; partitionTime is the highest so far of its
// partition, or 1 ms before 1970.
func TimestampBy[K, V any](f func(r Record[K, V], partitionTime time.Time) time.Time) TopicOption {
	return func(t *timestamps) { t.by = f }
}

// checkTimes says whether a TimestampBy is for the topic's types.
func checkTimes[K, V any](t timestamps) error {
	if _, ok := t.by.(func(Record[K, V], time.Time) time.Time); t.by != nil && !ok {
		return fmt.Errorf("TimestampBy is for other types than the topic's: %T", t.by)
	}
	return nil
}

// extractor is the function that the options ask for.
func extractor[K, V any](tk *task.Task, t timestamps) operator.Timestamp[K, V] {
	if t.by != nil {
		f := t.by.(func(Record[K, V], time.Time) time.Time)
		return func(m *operator.Msg[K, V], _ string, partitionTime int64) (int64, error) {
			r := Record[K, V]{Key: m.Key, Value: m.Value, NullKey: m.NoKey, NullValue: m.NoValue, Time: time.UnixMilli(m.Time), Headers: m.Headers}
			return f(r, time.UnixMilli(max(partitionTime, -1))).UnixMilli(), nil
		}
	}
	policy := t.policy
	if policy == DefaultTimestamps {
		policy = TimestampPolicy(tk.Timestamps())
	}
	return func(m *operator.Msg[K, V], topic string, partitionTime int64) (int64, error) {
		return policy.of(m.Time, topic, partitionTime, tk)
	}
}

func (p TimestampPolicy) of(ts int64, topic string, partitionTime int64, tk *task.Task) (int64, error) {
	switch {
	case p == WallClockTime:
		return tk.Now(), nil
	case ts >= 0 || p == LogAndSkip:
		return ts, nil
	case p == UsePartitionTime && partitionTime >= 0:
		return partitionTime, nil
	}
	return 0, fmt.Errorf("a record of topic %q has the timestamp %d, before 1970; set Timestamps or TimestampBy for the topic", topic, ts)
}

// SourceOption changes what a source reads.
type SourceOption func(*sourceOptions)

type sourceOptions struct {
	more    []string
	pattern *regexp.Regexp
}

// From reads more topics of the same types as one source.
func From(more ...string) SourceOption {
	return func(o *sourceOptions) { o.more = append(o.more, more...) }
}

// Matching reads all topics whose names match; the topic's own name stays empty.
func Matching(re *regexp.Regexp) SourceOption { return func(o *sourceOptions) { o.pattern = re } }
