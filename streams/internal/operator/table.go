package operator

import (
	"bytes"

	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// TableSource turns records into updates of rows. Records out of order are applied; identical ones are forwarded again, unless
// SkipUnchanged is set.
type TableSource[K, V any] struct {
	Node
	Rows          Rows[K, V] // nil: not stored, old values are not known
	SendOld       bool
	SkipUnchanged func(a, b V) bool
	Out           Sink[Change[K, V]]
	next          Change[K, V]
}

// Sink takes a record.
func (o *TableSource[K, V]) Sink(m *Msg[K, V]) {
	if m.NoKey {
		o.missing(true)
		return
	}
	o.next = Change[K, V]{Key: m.Key, New: m.Value, NoNew: m.NoValue, NoOld: true, Time: m.Time, Headers: m.Headers}
	if o.Rows != nil {
		if o.SendOld || o.SkipUnchanged != nil {
			old, _, had := o.Rows.Get(m.Key)
			if o.SkipUnchanged != nil && had && !m.NoValue && o.SkipUnchanged(old, m.Value) {
				return
			}
			o.next.Old, o.next.NoOld = old, !had || !o.SendOld
		}
		latest, kept := o.Rows.Put(m.Key, m.Value, m.NoValue, m.Time, m.Headers)
		if !kept {
			return
		}
		o.next.Stale = !latest
	}
	o.Out(&o.next)
}

// SameBytes compares two values by their encodings.
func SameBytes[V any](n Node, c Codec[V]) func(a, b V) bool {
	var x, y []byte
	return func(a, b V) bool {
		x, y = c.Encode(n.Task, n.Name, x[:0], a), c.Encode(n.Task, n.Name, y[:0], b)
		return bytes.Equal(x, y)
	}
}

// TableMap computes the rows of a table from those of another: a filter or a mapping of values. f is not called for a delete.
type TableMap[K, V, W any] struct {
	Node
	To Codec[W]
	F  func(K, V) (w W, keep bool)
	// Filter drops an update that neither was in the result nor is.
	Filter    bool
	Versioned bool // the input has a history: nothing is dropped
	SendOld   bool
	Rows      Rows[K, W] // nil: not stored
	Out       Sink[Change[K, W]]
	next      Change[K, W]
}

func (o *TableMap[K, V, W]) compute(key K, v V, none bool) (w W, null, ok bool) {
	if none {
		return w, true, true
	}
	p, ok := call2(o.Node, func(k K, v V) nullable[W] {
		w, keep := o.F(k, v)
		return nullable[W]{w, !keep}
	}, key, v)
	return p.v, p.null || o.To.Null(p.v), ok
}

// Sink takes an update.
func (o *TableMap[K, V, W]) Sink(c *Change[K, V]) {
	o.next = Change[K, W]{Key: c.Key, NoOld: true, Time: c.Time, Headers: c.Headers, Stale: c.Stale}
	var ok bool
	if o.next.New, o.next.NoNew, ok = o.compute(c.Key, c.New, c.NoNew); !ok {
		return
	}
	if o.SendOld {
		if o.Rows != nil {
			old, _, had := o.Rows.Get(c.Key)
			o.next.Old, o.next.NoOld = old, !had
		} else if o.next.Old, o.next.NoOld, ok = o.compute(c.Key, c.Old, c.NoOld); !ok {
			return
		}
		if o.Filter && !o.Versioned && o.next.NoOld && o.next.NoNew {
			return
		}
	}
	if o.Rows != nil {
		latest, kept := o.Rows.Put(c.Key, o.next.New, o.next.NoNew, c.Time, c.Headers)
		if !kept {
			return
		}
		o.next.Stale = !latest
	}
	o.Out(&o.next)
}

// derived is the rows of a table that is not stored, from its parent's.
type derived[K, V, W any] struct {
	o      *TableMap[K, V, W]
	parent Getter[K, V]
}

// Get implements Getter.
func (d derived[K, V, W]) Get(key K) (W, int64, bool) { return d.of(d.parent.Get(key))(key) }

// GetAsOf implements Getter.
func (d derived[K, V, W]) GetAsOf(key K, t int64) (W, int64, bool) {
	return d.of(d.parent.GetAsOf(key, t))(key)
}

func (d derived[K, V, W]) of(v V, ts int64, had bool) func(K) (W, int64, bool) {
	return func(key K) (W, int64, bool) {
		w, null, ok := d.o.compute(key, v, !had)
		return w, ts, ok && !null
	}
}

// Derive is the getter of a table that is computed and not stored.
func (o *TableMap[K, V, W]) Derive(parent Getter[K, V]) Getter[K, W] {
	return derived[K, V, W]{o, parent}
}

// ToStream makes records of updates.
func ToStream[K, V any](out Sink[Msg[K, V]]) Sink[Change[K, V]] {
	var next Msg[K, V]
	return func(c *Change[K, V]) {
		next = Msg[K, V]{Key: c.Key, Value: c.New, NoValue: c.NoNew, Time: c.Time, Headers: c.Headers}
		out(&next)
	}
}

// TableGroup sends the old and the new row of each update to their groups, in Kafka's bytes for changes: one record when the
// group stays, else the old one first (KIP-904).
type TableGroup[K, V, K2, V2 any] struct {
	Node
	Topic     string
	Versioned bool
	To        Types[K2, V2]
	F         func(K, V) (K2, V2)
}

// group is a row's group.
type group[K2, V2 any] struct {
	key   []byte
	value []byte
	ok    bool
}

func (o *TableGroup[K, V, K2, V2]) of(key K, v V, none bool) (g group[K2, V2], ok bool) {
	if none {
		return g, true
	}
	p, ok := call2(o.Node, func(k K, v V) pair[K2, V2] {
		k2, v2 := o.F(k, v)
		return pair[K2, V2]{k2, v2}
	}, key, v)
	if !ok || o.To.Key.Null(p.k) || o.To.Value.Null(p.v) {
		return g, ok
	}
	g.key = append([]byte{}, o.To.Key.Encode(o.Task, o.Name, nil, p.k)...)
	g.value = o.To.Value.Encode(o.Task, o.Name, nil, p.v)
	g.ok = true
	return g, true
}

// Sink takes an update.
func (o *TableGroup[K, V, K2, V2]) Sink(c *Change[K, V]) {
	if o.Versioned && c.Stale {
		return
	}
	to, ok := o.of(c.Key, c.New, c.NoNew)
	if !ok {
		return
	}
	from, ok := o.of(c.Key, c.Old, c.NoOld)
	if !ok {
		return
	}
	if from.ok && to.ok && bytes.Equal(from.key, to.key) {
		o.send(c, to.key, appendChange(nil, to.value, from.value, true, true))
		return
	}
	if from.ok {
		o.send(c, from.key, appendChange(nil, nil, from.value, false, true))
	}
	if to.ok {
		o.send(c, to.key, appendChange(nil, to.value, nil, true, false))
	}
}

func (o *TableGroup[K, V, K2, V2]) send(c *Change[K, V], key, value []byte) {
	o.Task.Produce(task.Out{Topic: o.Topic, Partition: task.ByKey, Key: key, Value: value, Time: c.Time, Headers: c.Headers})
}

// ChangeSource decodes what TableGroup sent.
type ChangeSource[K, V any] struct {
	Node
	Key   Codec[K]
	Value Codec[V]
	Out   Sink[Change[K, V]]
	head  Change[K, V]
}

// Decode implements task.Source.
func (s *ChangeSource[K, V]) Decode(r *task.Raw, _ int64) (int64, bool) {
	s.head = Change[K, V]{Time: r.Time, Headers: r.Headers, NoNew: true, NoOld: true}
	err := s.decode(r)
	if err != nil {
		s.Task.HandleOf(processor.Deserialize, s.Name, r, err)
		return 0, false
	}
	return r.Time, true
}

func (s *ChangeSource[K, V]) decode(r *task.Raw) (err error) {
	if s.head.Key, err = s.Key.Serde.Decode(r.Key); err != nil {
		return err
	}
	n, o, hasNew, hasOld, err := splitChange(r.Value)
	if err != nil {
		return err
	}
	if hasNew {
		if s.head.New, err = s.Value.Serde.Decode(n); err != nil {
			return err
		}
		s.head.NoNew = false
	}
	if hasOld {
		if s.head.Old, err = s.Value.Serde.Decode(o); err != nil {
			return err
		}
		s.head.NoOld = false
	}
	return nil
}

// Process implements task.Source.
func (s *ChangeSource[K, V]) Process() { s.Out(&s.head) }
