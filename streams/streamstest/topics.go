package streamstest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/mainstem-io/mainstem/streams"
)

// In is a source topic to send to.
type In[K, V any] struct {
	d     *Driver
	topic string
	key   streams.Serde[K]
	value streams.Serde[V]
	at    time.Time
}

// Input is a source topic of the topology. Types other than the topic's fail the test.
func Input[K, V any](d *Driver, topic string) In[K, V] {
	d.helper()
	k, v := serdes[K, V](d, topic)
	return In[K, V]{d: d, topic: topic, key: k, value: v, at: time.UnixMilli(0)}
}

func serdes[K, V any](d *Driver, topic string) (streams.Serde[K], streams.Serde[V]) {
	d.helper()
	ka, va := d.bp.Serdes(topic)
	k, okK := ka.(streams.Serde[K])
	v, okV := va.(streams.Serde[V])
	switch {
	case ka == nil:
		d.fatalf("the topology neither reads nor writes topic %q", topic)
	case !okK || !okV:
		d.fatalf("topic %q is not of %s and %s: its serdes are %T and %T", topic, reflect.TypeFor[K](), reflect.TypeFor[V](), ka, va)
	}
	return k, v
}

// At is the same topic with another timestamp for what is sent.
func (in In[K, V]) At(t time.Time) In[K, V] {
	in.at = t
	return in
}

// Send sends a record and runs it to its end; a failure fails the test.
func (in In[K, V]) Send(key K, value V, headers ...streams.Header) {
	in.d.helper()
	if err := in.TrySend(key, value, headers...); err != nil {
		in.d.fatalf("send to %q: %v", in.topic, err)
	}
}

// SendNull sends a record without a value.
func (in In[K, V]) SendNull(key K) {
	in.d.helper()
	k, err := in.key.Append([]byte{}, key)
	if err == nil {
		err = in.d.SendRaw(in.topic, k, nil, in.at.UnixMilli())
	}
	if err != nil {
		in.d.fatalf("send a null to %q: %v", in.topic, err)
	}
}

// TrySend is Send for tests of failures.
func (in In[K, V]) TrySend(key K, value V, headers ...streams.Header) error {
	k, err := in.key.Append([]byte{}, key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	v, err := in.value.Append([]byte{}, value)
	if err != nil {
		return fmt.Errorf("value: %w", err)
	}
	return in.d.SendRaw(in.topic, k, v, in.at.UnixMilli(), headers...)
}

// Out is a topic to read from.
type Out[K, V any] struct {
	d     *Driver
	topic string
	key   streams.Serde[K]
	value streams.Serde[V]
}

// Output is a topic that the topology writes.
func Output[K, V any](d *Driver, t streams.Topic[K, V]) Out[K, V] {
	d.helper()
	o := Out[K, V]{d: d, topic: t.Name, key: t.Key, value: t.Value}
	if o.key == nil || o.value == nil {
		o.key, o.value = serdes[K, V](d, t.Name)
	}
	return o
}

// All is the records since the last call, in order.
func (o Out[K, V]) All() []streams.Record[K, V] {
	o.d.helper()
	raw := o.d.out[o.topic][o.d.read[o.topic]:]
	o.d.read[o.topic] += len(raw)
	var out []streams.Record[K, V]
	for _, r := range raw {
		rec := streams.Record[K, V]{NullKey: r.Key == nil, NullValue: r.Value == nil, Time: time.UnixMilli(r.Time), Headers: r.Headers}
		var err error
		if !rec.NullKey {
			rec.Key, err = o.key.Decode(r.Key)
		}
		if err == nil && !rec.NullValue {
			rec.Value, err = o.value.Decode(r.Value)
		}
		if err != nil {
			o.d.fatalf("topic %q: %v", o.topic, err)
		}
		out = append(out, rec)
	}
	return out
}

// KV is a key and a value.
type KV[K, V any] struct {
	Key   K
	Value V
}

// Want compares keys and values of the records since the last call; nulls count as zero values.
func (o Out[K, V]) Want(want ...KV[K, V]) {
	o.d.helper()
	var got []KV[K, V]
	for _, r := range o.All() {
		got = append(got, KV[K, V]{r.Key, r.Value})
	}
	if !reflect.DeepEqual(got, slices.Clip(want)) && (len(got) > 0 || len(want) > 0) {
		o.d.fatalf("topic %q:\n got %v\nwant %v", o.topic, got, want)
	}
}
