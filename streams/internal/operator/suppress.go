package operator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tidwall/btree"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Limits bounds a suppression buffer.
type Limits struct {
	Records int64 // MaxInt64: unbounded
	Bytes   int64
	Early   bool // emit the oldest when full instead of stopping
}

// held is an update that waits.
type held[K, V any] struct {
	change Change[K, V]
	prior  V // what followers know: the value before the first update that is held
	noP    bool
	at     int64 // buffer time
	size   int64
	topic  string
	part   int32
	offset int64
}

type heldKey struct {
	at  int64
	key string
}

// Suppress holds the updates of a table back: for a time, or until their window has closed. The last update of a row leaves, with
// its own time and headers; an older update takes the place but not the time in the buffer of the first one.
type Suppress[K, V any] struct {
	Node
	Key   Codec[K]
	Value Codec[V]
	Wait  int64
	// Until is the buffer time of a row: its window's end, or nil for the update's own time.
	Until   func(K) int64
	Final   bool // tombstones are dropped
	Limits  Limits
	Logged  bool
	SendOld bool
	Out     Sink[Change[K, V]]
	rows    store.Map
	byKey   map[string]*held[K, V]
	order   *btree.BTreeG[heldKey]
	dirty   map[string]bool
	bytes   int64
	time    *int64
	kbuf    []byte
}

// Bind opens the buffer from its rows.
func (o *Suppress[K, V]) Bind(storeName string) {
	o.rows = o.Task.Engine().Map(storeName)
	o.byKey, o.dirty = map[string]*held[K, V]{}, map[string]bool{}
	o.order = btree.NewBTreeG(func(a, b heldKey) bool {
		return a.at < b.at || a.at == b.at && a.key < b.key
	})
	o.time = o.Task.Time(o.Name + ".time")
	o.Task.SetStore(storeName, &bufferStore[K, V]{o, storeName})
	o.rows.Ascend(nil, nil, func(k, v []byte) bool {
		if err := o.load(k, v); err != nil {
			o.Task.Stop(storeName, err)
		}
		return true
	})
	o.Task.OnFlush(func() { o.flush(storeName) })
}

func (o *Suppress[K, V]) load(key, value []byte) error {
	h, err := o.decode(key, value)
	if err != nil {
		return err
	}
	o.byKey[string(key)] = h
	o.order.Set(heldKey{h.at, string(key)})
	o.bytes += h.size
	return nil
}

// Sink takes an update.
func (o *Suppress[K, V]) Sink(c *Change[K, V]) {
	*o.time = max(*o.time, c.Time)
	o.put(c)
	for {
		first, ok := o.order.Min()
		if !ok || first.at > *o.time-o.Wait {
			break
		}
		o.evict(first)
	}
	for int64(len(o.byKey)) > o.Limits.Records || o.bytes > o.Limits.Bytes {
		if !o.Limits.Early {
			o.Task.Stop(o.Name, fmt.Errorf("the buffer is full: %d of %d records, %d of %d bytes; raise its bounds or let it emit early", len(o.byKey), o.Limits.Records, o.bytes, o.Limits.Bytes))
		}
		first, _ := o.order.Min()
		o.evict(first)
	}
}

func (o *Suppress[K, V]) put(c *Change[K, V]) {
	o.kbuf = o.Key.Encode(o.Task, o.Name, o.kbuf[:0], c.Key)
	h := o.byKey[string(o.kbuf)]
	if h == nil {
		h = &held[K, V]{prior: c.Old, noP: c.NoOld, at: c.Time}
		if o.Until != nil {
			h.at = o.Until(c.Key)
		}
		o.byKey[string(o.kbuf)] = h
		o.order.Set(heldKey{h.at, string(o.kbuf)})
	}
	h.change = *c
	h.change.Headers = slices.Clone(c.Headers)
	h.topic, h.part, h.offset = "", -1, -1
	if r := o.Task.Current(); r != nil {
		h.topic, h.part, h.offset = r.Topic, r.Partition, r.Offset
	}
	o.store(string(o.kbuf), h)
}

func (o *Suppress[K, V]) store(key string, h *held[K, V]) {
	row := o.encode(h)
	o.rows.Set([]byte(key), row)
	o.bytes -= h.size
	h.size = o.sizeOf(key, h)
	o.bytes += h.size
	o.dirty[key] = true
}

func (o *Suppress[K, V]) evict(first heldKey) {
	h := o.byKey[first.key]
	delete(o.byKey, first.key)
	o.order.Delete(first)
	o.bytes -= h.size
	o.rows.Delete([]byte(first.key))
	o.dirty[first.key] = true
	if h.change.NoNew && o.Final {
		return
	}
	if !o.SendOld {
		h.change.NoOld = true
	}
	o.Out(&h.change)
}

// flush logs what changed since the last commit, once a row.
func (o *Suppress[K, V]) flush(storeName string) {
	if !o.Logged {
		clear(o.dirty)
		return
	}
	keys := make([]string, 0, len(o.dirty))
	for k := range o.dirty {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		delete(o.dirty, k)
		row, ok := o.rows.Get([]byte(k))
		if !ok {
			o.Task.Log(storeName, []byte(k), nil, task.None, nil)
			continue
		}
		o.Task.Log(storeName, []byte(k), row, task.None, []processor.Header{{Key: "v", Value: []byte{3}}})
	}
}

// encode is Kafka's bytes of a buffered row (streams.md 12.3): context, prior, old, new, buffer time.
func (o *Suppress[K, V]) encode(h *held[K, V]) []byte {
	b := make([]byte, 0, 64)
	b = binary.BigEndian.AppendUint64(b, uint64(h.change.Time))
	b = binary.BigEndian.AppendUint64(b, uint64(h.offset))
	b = appendSized(b, []byte(h.topic), false)
	b = binary.BigEndian.AppendUint32(b, uint32(h.part))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.change.Headers)))
	for _, x := range h.change.Headers {
		b = appendSized(b, []byte(x.Key), false)
		b = appendSized(b, x.Value, x.Value == nil)
	}
	prior := o.bytesOf(h.prior, h.noP)
	old := o.bytesOf(h.change.Old, h.change.NoOld)
	b = appendSized(b, prior, h.noP)
	if h.noP == h.change.NoOld && slices.Equal(prior, old) && !h.noP {
		b = binary.BigEndian.AppendUint32(b, math.MaxUint32-1)
	} else {
		b = appendSized(b, old, h.change.NoOld)
	}
	b = appendSized(b, o.bytesOf(h.change.New, h.change.NoNew), h.change.NoNew)
	return binary.BigEndian.AppendUint64(b, uint64(h.at))
}

func (o *Suppress[K, V]) bytesOf(v V, null bool) []byte {
	if null {
		return nil
	}
	return o.Value.Encode(o.Task, o.Name, nil, v)
}

func appendSized(dst, b []byte, null bool) []byte {
	if null {
		return binary.BigEndian.AppendUint32(dst, math.MaxUint32)
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// sizeOf is what the JVM counts for a row against the bytes of its buffer.
func (o *Suppress[K, V]) sizeOf(key string, h *held[K, V]) int64 {
	n := 8 + len(key) + 8 + 8 + len(h.topic) + 4
	for _, x := range h.change.Headers {
		n += len(x.Key) + len(x.Value)
	}
	prior, old := o.bytesOf(h.prior, h.noP), o.bytesOf(h.change.Old, h.change.NoOld)
	n += len(prior) + len(o.bytesOf(h.change.New, h.change.NoNew))
	if !slices.Equal(prior, old) {
		n += len(old)
	}
	return int64(n)
}

var errBuffer = errors.New("not the bytes of a suppressed row")

// reader takes fields off the front of bytes; after a short read it is bad and answers zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, min(max(n, 0), 8))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) i64() int64  { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reader) sized() (b []byte, code int32) {
	n := int32(r.u32())
	if n < 0 || r.bad {
		return nil, n
	}
	return r.take(int(n)), n
}

func (o *Suppress[K, V]) decode(key, value []byte) (*held[K, V], error) {
	r := reader{b: value}
	h := &held[K, V]{}
	h.change.Time, h.offset = r.i64(), r.i64()
	topic, _ := r.sized()
	h.topic, h.part = string(topic), int32(r.u32())
	n := r.u32()
	for i := uint32(0); i < n && !r.bad; i++ {
		k, _ := r.sized()
		v, code := r.sized()
		if code >= 0 {
			v = append([]byte{}, v...)
		}
		h.change.Headers = append(h.change.Headers, processor.Header{Key: string(k), Value: v})
	}
	prior, pc := r.sized()
	old, oc := r.sized()
	if oc == -2 {
		old, oc = prior, pc
	}
	newV, nc := r.sized()
	h.at = r.i64()
	if r.bad || len(r.b) != 0 {
		return nil, errBuffer
	}
	h.noP, h.change.NoOld, h.change.NoNew = pc < 0, oc < 0, nc < 0
	h.size = o.sizeOf(string(key), h)
	var err error
	h.change.Key, err = o.Key.Serde.Decode(key)
	for _, f := range []struct {
		to   *V
		b    []byte
		none bool
	}{{&h.prior, prior, h.noP}, {&h.change.Old, old, h.change.NoOld}, {&h.change.New, newV, h.change.NoNew}} {
		if err == nil && !f.none {
			*f.to, err = o.Value.Serde.Decode(f.b)
		}
	}
	return h, err
}

// Prior is the rows of the suppressed table: what followers know of a row that is held, else the parent's.
func (o *Suppress[K, V]) Prior(parent Getter[K, V]) Getter[K, V] {
	return getter[K, V]{func(key K) (v V, ts int64, ok bool) {
		o.kbuf = o.Key.Encode(o.Task, o.Name, o.kbuf[:0], key)
		if h := o.byKey[string(o.kbuf)]; h != nil {
			return h.prior, -1, !h.noP
		}
		return parent.Get(key)
	}}
}

// bufferStore restores the buffer.
type bufferStore[K, V any] struct {
	o    *Suppress[K, V]
	name string
}

// Restore implements task.Restorer.
func (s *bufferStore[K, V]) Restore(key, value []byte, _ int64, _ []processor.Header) error {
	k := string(key)
	if h := s.o.byKey[k]; h != nil {
		s.o.order.Delete(heldKey{h.at, k})
		s.o.bytes -= h.size
		delete(s.o.byKey, k)
	}
	if value == nil {
		s.o.rows.Delete(key)
		return nil
	}
	s.o.rows.Set(key, value)
	return s.o.load(key, value)
}
