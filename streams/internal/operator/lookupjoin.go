package operator

import (
	"cmp"
	"encoding/binary"

	"github.com/tidwall/btree"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// LookupJoin joins a stream with a table: only the stream's records trigger it. The table may be a global one, with a key that
// a function finds; a table with a history is asked as of the record's time.
type LookupJoin[K, V, GK, W, R any] struct {
	Node
	In     Types[K, V]
	Left   bool
	Find   func(K, V) (GK, bool) // the key in the table
	Global bool                  // a null key of the record is no obstacle
	Table  Getter[GK, W]
	AsOf   bool
	Join   func(K, *GK, V, *W) R
	Result Codec[R]
	Out    Sink[Msg[K, R]]
	next   Msg[K, R]
}

// Sink takes a record.
func (o *LookupJoin[K, V, GK, W, R]) Sink(m *Msg[K, V]) {
	if m.NoValue {
		o.missing(false)
		return
	}
	gk, found, ok := o.find(m)
	if !ok {
		return
	}
	if !found && !o.Left {
		o.missing(true)
		return
	}
	o.join(m, gk, found)
}

func (o *LookupJoin[K, V, GK, W, R]) find(m *Msg[K, V]) (gk GK, found, ok bool) {
	if m.NoKey && (!o.Global || !o.In.Key.Optional) {
		return gk, false, true
	}
	p, ok := call2(o.Node, func(k K, v V) pair[GK, bool] {
		gk, found := o.Find(k, v)
		return pair[GK, bool]{gk, found}
	}, m.Key, m.Value)
	return p.k, p.v, ok
}

func (o *LookupJoin[K, V, GK, W, R]) join(m *Msg[K, V], gk GK, found bool) {
	var w *W
	var g *GK
	if found {
		g = &gk
		v, ok := o.look(gk, m.Time)
		if ok {
			w = &v
		}
	}
	if w == nil && !o.Left {
		return
	}
	r, ok := call3(o.Node, func(k K, v V, w *W) R { return o.Join(k, g, v, w) }, m.Key, m.Value, w)
	if !ok {
		return
	}
	o.next = Msg[K, R]{Key: m.Key, NoKey: m.NoKey, Value: r, NoValue: o.Result.Null(r), Time: m.Time, Headers: m.Headers}
	o.Out(&o.next)
}

func (o *LookupJoin[K, V, GK, W, R]) look(gk GK, at int64) (W, bool) {
	if o.AsOf {
		w, _, ok := o.Table.GetAsOf(gk, at)
		return w, ok
	}
	w, _, ok := o.Table.Get(gk)
	return w, ok
}

// Delay holds the records of a stream back until the grace has passed, so that the table's history has settled (KIP-923). Only
// the stream's records move time; one older than that goes on at once.
type Delay[K, V any] struct {
	Node
	Types  Types[K, V]
	Grace  int64
	Logged bool
	Out    Sink[Msg[K, V]]
	rows   store.Map
	order  *btree.BTreeG[delayed[K, V]]
	seq    uint64
	time   *int64
}

type delayed[K, V any] struct {
	at  int64
	key string // its bytes
	seq uint64
	msg Msg[K, V]
}

// Bind opens the buffer.
func (o *Delay[K, V]) Bind() {
	o.time = o.Task.Time(o.Name + ".time")
	o.rows = o.Task.Engine().Map(o.Name)
	o.order = btree.NewBTreeG(func(a, b delayed[K, V]) bool {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c < 0
		}
		if a.key != b.key {
			return a.key < b.key
		}
		return a.seq < b.seq
	})
	o.rows.Ascend(nil, nil, func(k, v []byte) bool {
		o.load(k, v)
		return true
	})
	o.Task.SetStore(o.Name, o)
}

// Sink takes a record.
func (o *Delay[K, V]) Sink(m *Msg[K, V]) {
	if m.NoKey || m.NoValue { // the join drops it, or joins it with nothing; it moves no time
		o.Out(m)
		return
	}
	if *o.time = max(*o.time, m.Time); *o.time-o.Grace > m.Time {
		o.Out(m)
		return
	}
	o.seq++
	d := delayed[K, V]{m.Time, string(o.Types.Key.Encode(o.Task, o.Name, nil, m.Key)), o.seq, *m}
	o.order.Set(d)
	k, v := o.key(d), o.encode(m)
	o.rows.Set(k, v)
	o.log(k, v, m)
	for {
		first, ok := o.order.Min()
		if !ok || first.at > *o.time-o.Grace {
			return
		}
		o.order.Delete(first)
		k := o.key(first)
		o.rows.Delete(k)
		o.log(k, nil, &first.msg)
		o.Out(&first.msg)
	}
}

func (o *Delay[K, V]) log(k, v []byte, m *Msg[K, V]) {
	if o.Logged {
		o.Task.Log(o.Name, k, v, m.Time, m.Headers)
	}
}

func (o *Delay[K, V]) key(d delayed[K, V]) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16+len(d.key)), uint64(d.at))
	return binary.BigEndian.AppendUint64(append(b, d.key...), d.seq)
}

// keyOf reads what key wrote: time, key, number.
func keyOf[K, V any](b []byte) delayed[K, V] {
	n := len(b) - 8
	return delayed[K, V]{at: int64(binary.BigEndian.Uint64(b)), key: string(b[8:n]), seq: binary.BigEndian.Uint64(b[n:])}
}

func (o *Delay[K, V]) encode(m *Msg[K, V]) []byte {
	b := appendSized(nil, o.Types.Value.Encode(o.Task, o.Name, nil, m.Value), false)
	for _, h := range m.Headers {
		b = appendSized(b, []byte(h.Key), false)
		b = appendSized(b, h.Value, h.Value == nil)
	}
	return b
}

func (o *Delay[K, V]) load(key, row []byte) {
	if len(key) < 16 {
		o.Task.Stop(o.Name, &store.Corrupt{Store: o.Name, Why: "a key of the buffer is shorter than 16 bytes"})
	}
	d := keyOf[K, V](key)
	r := reader{b: row}
	v, _ := r.sized()
	d.msg = Msg[K, V]{Key: o.Types.Key.Decode(o.Task, o.Name, []byte(d.key)), Value: o.Types.Value.Decode(o.Task, o.Name, v), Time: d.at}
	for len(r.b) > 0 && !r.bad {
		hk, _ := r.sized()
		hv, code := r.sized()
		if code >= 0 {
			hv = append([]byte{}, hv...)
		}
		d.msg.Headers = append(d.msg.Headers, processor.Header{Key: string(hk), Value: hv})
	}
	if r.bad {
		o.Task.Stop(o.Name, &store.Corrupt{Store: o.Name, Why: "a row of the buffer is cut short"})
	}
	o.order.Set(d)
	o.seq = max(o.seq, d.seq)
}

// Restore implements task.Restorer.
func (o *Delay[K, V]) Restore(key, value []byte, _ int64, _ []processor.Header) error {
	if len(key) < 16 {
		return &store.Corrupt{Store: o.Name, Why: "a changelog key is shorter than 16 bytes"}
	}
	if value == nil {
		o.rows.Delete(key)
		o.order.Delete(keyOf[K, V](key))
		return nil
	}
	o.rows.Set(key, value)
	o.load(key, value)
	return nil
}

var _ task.Restorer = (*Delay[int, int])(nil)
