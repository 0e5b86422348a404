package operator

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Subscribe is the left end of a foreign-key join (KIP-213): a row of the left table tells its foreign key's partition that it
// wants to know.
type Subscribe[K, F, V any] struct {
	Node
	Topic     string
	Left      bool // a left join: rows without a foreign key are in the result
	Versioned bool
	Foreign   func(K, V) (F, bool)
	Key       Codec[K]
	FKey      Codec[F]
	Value     Codec[V]
}

// Sink takes an update of the left table.
func (o *Subscribe[K, F, V]) Sink(c *Change[K, V]) {
	if o.Versioned && c.Stale {
		o.Task.Drop("out-of-order")
		return
	}
	before, ok := o.foreign(c.Key, c.Old, c.NoOld)
	if !ok {
		return
	}
	now, ok := o.foreign(c.Key, c.New, c.NoNew)
	if !ok {
		return
	}
	same := before != nil && now != nil && bytes.Equal(before, now)
	if o.Left {
		o.left(c, before, now, same)
	} else {
		o.inner(c, before, now, same)
	}
}

func (o *Subscribe[K, F, V]) left(c *Change[K, V], before, now []byte, same bool) {
	if c.NoOld && c.NoNew {
		return
	}
	if before != nil && !same {
		o.send(c, before, deleteSilently)
	}
	o.send(c, now, answerAlways)
}

func (o *Subscribe[K, F, V]) inner(c *Change[K, V], before, now []byte, same bool) {
	if now == nil {
		if !c.NoNew {
			o.Task.Drop("null-key")
		}
		if before != nil {
			o.send(c, before, deleteAndAnswer)
		}
		return
	}
	if before != nil && !same {
		o.send(c, before, deleteSilently)
		o.send(c, now, answerAlways)
		return
	}
	o.send(c, now, answerIfAvailable)
}

// foreign is the bytes of a row's foreign key; nil when it has none.
func (o *Subscribe[K, F, V]) foreign(key K, v V, none bool) ([]byte, bool) {
	if none {
		return nil, true
	}
	p, ok := call2(o.Node, func(k K, v V) pair[F, bool] {
		f, has := o.Foreign(k, v)
		return pair[F, bool]{f, has}
	}, key, v)
	if !ok || !p.v || o.FKey.Null(p.k) {
		return nil, ok
	}
	b := o.FKey.Encode(o.Task, o.Name, nil, p.k)
	if b == nil {
		b = []byte{}
	}
	return b, true
}

func (o *Subscribe[K, F, V]) send(c *Change[K, V], fk []byte, instruction byte) {
	s := subscription{instruction: instruction, key: o.Key.Encode(o.Task, o.Name, nil, c.Key), partition: o.Task.Partition()}
	if !c.NoNew {
		h := murmur128(o.Value.Encode(o.Task, o.Name, nil, c.New))
		s.hash = &h
	}
	o.Task.Produce(task.Out{Topic: o.Topic, Partition: task.ByKey, Key: fk, Value: s.append(nil), Time: c.Time, Headers: c.Headers})
}

// Answer is the right end: it keeps the subscriptions and answers them, when they come and when a foreign row changes.
type Answer[F, W any] struct {
	Node
	Topic     string // of responses
	StoreName string
	Logged    bool
	Versioned bool
	FKey      Codec[F]
	Value     Codec[W]
	Rows      Getter[F, W]
	subs      store.Map
}

// Bind opens the subscriptions.
func (o *Answer[F, W]) Bind() {
	o.subs = o.Task.Engine().Map(o.StoreName)
	o.Task.SetStore(o.StoreName, o)
}

// receive takes a record of the registration topic.
func (o *Answer[F, W]) receive(r *task.Raw) {
	s, err := parseSubscription(r.Value, r.Partition)
	if err != nil {
		o.Task.Stop(o.Name, err)
	}
	if r.Key == nil && s.instruction != answerAlways {
		o.Task.Drop("null-key")
		return
	}
	if r.Key != nil {
		o.keep(r, s)
	}
	o.reply(r, s)
}

func (o *Answer[F, W]) keep(r *task.Raw, s subscription) {
	k := foreignKey(r.Key, s.key)
	if s.instruction <= deleteAndAnswer {
		o.subs.Delete(k)
		o.log(k, nil, r)
		return
	}
	o.subs.Set(k, slices.Clone(r.Value))
	o.log(k, r.Value, r)
}

func (o *Answer[F, W]) log(k, v []byte, r *task.Raw) {
	if o.Logged {
		o.Task.Log(o.StoreName, k, v, r.Time, r.Headers)
	}
}

func (o *Answer[F, W]) reply(r *task.Raw, s subscription) {
	var value []byte
	ts, had := r.Time, false
	if r.Key != nil {
		w, wt, ok := o.Rows.Get(o.FKey.Decode(o.Task, o.Name, r.Key))
		if had = ok; ok {
			value, ts = o.Value.Encode(o.Task, o.Name, nil, w), max(ts, wt)
		}
	}
	switch s.instruction {
	case deleteSilently:
		return
	case deleteAndAnswer:
		value = nil
	case answerIfAvailable:
		if !had {
			return
		}
	}
	o.send(s, value, ts, r.Headers)
}

func (o *Answer[F, W]) send(s subscription, value []byte, ts int64, headers []processor.Header) {
	o.Task.Produce(task.Out{Topic: o.Topic, Partition: s.partition, Key: slices.Clone(s.key), Value: appendResponse(s.hash, value), Time: ts, Headers: headers})
}

// SinkForeign takes an update of the right table and answers every subscriber of the row.
func (o *Answer[F, W]) SinkForeign(c *Change[F, W]) {
	if o.Versioned && c.Stale {
		o.Task.Drop("out-of-order")
		return
	}
	var value []byte
	if !c.NoNew {
		value = o.Value.Encode(o.Task, o.Name, nil, c.New)
	}
	prefix := foreignKey(o.FKey.Encode(o.Task, o.Name, nil, c.Key), nil)
	var found []subscription
	o.subs.Ascend(prefix, nil, func(k, v []byte) bool {
		if !bytes.HasPrefix(k, prefix) {
			return false
		}
		s, err := parseSubscription(v, o.Task.Partition())
		if err != nil {
			o.Task.Stop(o.StoreName, err)
		}
		found = append(found, s)
		return true
	})
	for _, s := range found {
		o.send(s, value, c.Time, c.Headers)
	}
}

// Restore implements task.Restorer.
func (o *Answer[F, W]) Restore(key, value []byte, _ int64, _ []processor.Header) error {
	if value == nil {
		o.subs.Delete(key)
		return nil
	}
	if len(key) < 4 || int(binary.BigEndian.Uint32(key)) > len(key)-4 {
		return &store.Corrupt{Store: o.StoreName, Why: "a changelog key is not a subscription's"}
	}
	o.subs.Set(key, value)
	return nil
}

// Resolve takes the answers on the left side: one whose hash is not that of the left row as it is now is stale and dropped.
type Resolve[K, V, W, R any] struct {
	Node
	Left   bool
	Key    Codec[K]
	Value  Codec[V]
	Other  Codec[W]
	Rows   Getter[K, V]
	Join   func(V, *W) R
	Result Codec[R]
	Out    Sink[Change[K, R]]
	next   Change[K, R]
}

func (o *Resolve[K, V, W, R]) receive(r *task.Raw) {
	hash, value, err := parseResponse(r.Value)
	if err != nil {
		o.Task.Stop(o.Name, err)
	}
	key := o.Key.Decode(o.Task, o.Name, r.Key)
	v, _, had := o.Rows.Get(key)
	if had != (hash != nil) || had && murmur128(o.Value.Encode(o.Task, o.Name, nil, v)) != *hash {
		o.Task.Drop("stale-fk-response")
		return
	}
	o.next = Change[K, R]{Key: key, NoNew: true, NoOld: true, Time: r.Time, Headers: r.Headers}
	if had && (value != nil || o.Left) {
		var w *W
		if value != nil {
			d := o.Other.Decode(o.Task, o.Name, value)
			w = &d
		}
		res, ok := call2(o.Node, o.Join, v, w)
		if !ok {
			return
		}
		o.next.New, o.next.NoNew = res, o.Result.Null(res)
	}
	o.Out(&o.next)
}

// rawSource hands records to an operator as bytes.
type rawSource struct {
	head *task.Raw
	f    func(*task.Raw)
}

func (s *rawSource) Decode(r *task.Raw, _ int64) (int64, bool) {
	s.head = r
	return r.Time, true
}

func (s *rawSource) Process() { s.f(s.head) }

// Source is the registration topic's end.
func (o *Answer[F, W]) Source() task.Source { return &rawSource{f: o.receive} }

// Source is the response topic's end.
func (o *Resolve[K, V, W, R]) Source() task.Source { return &rawSource{f: o.receive} }

// Remember is a table that remembers the rows of a result, so that it knows old values.
type Remember[K, R any] struct {
	Rows    Rows[K, R]
	SendOld bool
	Out     Sink[Change[K, R]]
}

// Sink takes an update.
func (o *Remember[K, R]) Sink(c *Change[K, R]) {
	if o.SendOld {
		old, _, had := o.Rows.Get(c.Key)
		c.Old, c.NoOld = old, !had
	}
	latest, kept := o.Rows.Put(c.Key, c.New, c.NoNew, c.Time, c.Headers)
	if !kept {
		return
	}
	c.Stale = !latest
	o.Out(c)
}
