package operator

import (
	"fmt"

	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Timestamp decides a record's time; a negative answer drops the record. err stops the task.
type Timestamp[K, V any] func(m *Msg[K, V], topic string, partitionTime int64) (ts int64, err error)

// Source decodes the records of one partition.
type Source[K, V any] struct {
	Node
	Key       Codec[K]
	Value     Codec[V]
	Timestamp Timestamp[K, V]
	Out       Sink[Msg[K, V]]
	head      Msg[K, V]
}

// Decode implements task.Source.
func (s *Source[K, V]) Decode(r *task.Raw, partitionTime int64) (int64, bool) {
	s.head = Msg[K, V]{Time: r.Time, Headers: r.Headers, NoKey: r.Key == nil, NoValue: r.Value == nil}
	if !s.head.NoKey {
		k, err := s.Key.Serde.Decode(r.Key)
		if err != nil {
			return s.refuse(r, processor.Deserialize, fmt.Errorf("key: %w", err))
		}
		s.head.Key = k
	}
	if !s.head.NoValue {
		v, err := s.Value.Serde.Decode(r.Value)
		if err != nil {
			return s.refuse(r, processor.Deserialize, fmt.Errorf("value: %w", err))
		}
		s.head.Value = v
	}
	ts, err := s.Timestamp(&s.head, r.Topic, partitionTime)
	if err != nil {
		return s.refuse(r, processor.Process, err)
	}
	if ts < 0 {
		s.Task.Drop("negative-timestamp")
		return 0, false
	}
	s.head.Time = ts
	return ts, true
}

func (s *Source[K, V]) refuse(r *task.Raw, stage processor.Stage, err error) (int64, bool) {
	s.Task.HandleOf(stage, s.Name, r, err)
	return 0, false
}

// Process implements task.Source.
func (s *Source[K, V]) Process() { s.Out(&s.head) }

// ToTopic encodes records for a topic.
type ToTopic[K, V any] struct {
	Node
	Topic string
	Key   Codec[K]
	Value Codec[V]
	// Choose names the topic by record; nil for a fixed one.
	Choose func(*Msg[K, V]) (topic string, key Codec[K], value Codec[V], ok bool)
}

// Sink produces a message.
func (s *ToTopic[K, V]) Sink(m *Msg[K, V]) {
	topic, kc, vc := s.Topic, s.Key, s.Value
	if s.Choose != nil {
		var ok bool
		if topic, kc, vc, ok = s.Choose(m); !ok {
			return
		}
	}
	o := task.Out{Topic: topic, Partition: task.ByKey, Time: m.Time, Headers: m.Headers}
	var buf []byte
	n := 0
	if !m.NoKey {
		b, err := kc.Serde.Append(buf, m.Key)
		if err != nil {
			s.Task.Handle(processor.Serialize, s.Name, fmt.Errorf("key for topic %q: %w", topic, err))
			return
		}
		buf, n = b, len(b)
	}
	if !m.NoValue {
		b, err := vc.Serde.Append(buf, m.Value)
		if err != nil {
			s.Task.Handle(processor.Serialize, s.Name, fmt.Errorf("value for topic %q: %w", topic, err))
			return
		}
		o.Value = b[n:]
		if o.Value == nil {
			o.Value = []byte{}
		}
		buf = b
	}
	if !m.NoKey {
		o.Key = buf[:n:n]
		if o.Key == nil {
			o.Key = []byte{}
		}
	}
	s.Task.Produce(o)
}

// ToDynamic produces each record to the topic that choose names.
func ToDynamic[K, V any](n Node, choose func(processor.Record[K, V], processor.Source) (string, Codec[K], Codec[V])) Sink[Msg[K, V]] {
	s := &ToTopic[K, V]{Node: n}
	type chosen struct {
		topic string
		key   Codec[K]
		value Codec[V]
	}
	s.Choose = func(m *Msg[K, V]) (string, Codec[K], Codec[V], bool) {
		src := processor.Source{Partition: -1, Offset: -1}
		if r := n.Task.Current(); r != nil {
			src = processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
		}
		c, ok := call2(n, func(r processor.Record[K, V], src processor.Source) chosen {
			topic, k, v := choose(r, src)
			if topic == "" || k.Serde == nil || v.Serde == nil {
				panic("the function of ToDynamic answered a topic without a name or serdes")
			}
			return chosen{topic, k, v}
		}, record(m), src)
		return c.topic, c.key, c.value, ok
	}
	return s.Sink
}
