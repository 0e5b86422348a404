package operator

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/tidwall/btree"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/processor"
)

type headersOf = []processor.Header

// Pending is the rows of a left or outer join that wait for a match: a list of values for each (time, side, key), in the
// order of time, right side before left, key bytes. Kafka's bytes go to the changelog (streams.md 12.3).
type Pending[K, V, W any] struct {
	Node
	Key    Codec[K]
	Left   Codec[V]
	Right  Codec[W]
	Logged bool
	rows   store.Map
	order  btree.Map[string, []byte] // a copy of rows in memory: nothing to emit is one comparison
	first  int64                     // the earliest time held
	kbuf   []byte
}

const (
	rightSide = 0
	leftSide  = 1
)

// NewPending opens the rows of a join.
func NewPending[K, V, W any](n Node, key Codec[K], left Codec[V], right Codec[W], logged bool) *Pending[K, V, W] {
	p := &Pending[K, V, W]{Node: n, Key: key, Left: left, Right: right, Logged: logged, rows: n.Task.Engine().Map(n.Name), first: math.MaxInt64}
	p.rows.Ascend(nil, nil, func(k, v []byte) bool {
		p.order.Set(string(k), v)
		return true
	})
	p.least()
	return p
}

func (p *Pending[K, V, W]) least() {
	p.first = math.MaxInt64
	if k, _, ok := p.order.Min(); ok {
		p.first = int64(binary.BigEndian.Uint64([]byte(k[:8])))
	}
}

func (p *Pending[K, V, W]) rowKey(at int64, side byte, key K) []byte {
	p.kbuf = binary.BigEndian.AppendUint64(p.kbuf[:0], uint64(at))
	p.kbuf = append(p.kbuf, side)
	p.kbuf = p.Key.Encode(p.Task, p.Name, p.kbuf, key)
	return p.kbuf
}

func (p *Pending[K, V, W]) addLeft(m *Msg[K, V]) {
	p.add(p.rowKey(m.Time, leftSide, m.Key), leftSide, p.Left.Encode(p.Task, p.Name, nil, m.Value), m.Time, m.Headers)
}

func (p *Pending[K, V, W]) addRight(m *Msg[K, W]) {
	p.add(p.rowKey(m.Time, rightSide, m.Key), rightSide, p.Right.Encode(p.Task, p.Name, nil, m.Value), m.Time, m.Headers)
}

// add appends a value to the list of its key: 01, count, then length, side and value each.
func (p *Pending[K, V, W]) add(key []byte, side byte, value []byte, ts int64, headers headersOf) {
	old, _ := p.order.Get(string(key))
	n := uint32(1)
	row := make([]byte, 0, len(old)+len(value)+10)
	if old != nil {
		n += binary.BigEndian.Uint32(old[1:])
	}
	row = append(row, 1)
	row = binary.BigEndian.AppendUint32(row, n)
	if old != nil {
		row = append(row, old[5:]...)
	}
	row = binary.BigEndian.AppendUint32(row, uint32(len(value)+1))
	row = append(append(row, side), value...)
	p.set(slices.Clone(key), row, ts, headers)
	p.first = min(p.first, int64(binary.BigEndian.Uint64(key)))
}

func (p *Pending[K, V, W]) set(key, row []byte, ts int64, headers headersOf) {
	if row == nil {
		p.rows.Delete(key)
		p.order.Delete(string(key))
	} else {
		p.rows.Set(key, row)
		p.order.Set(string(key), row)
	}
	if p.Logged {
		p.Task.Log(p.Name, key, row, ts, headers)
	}
}

// forget drops the list of a row that has a match now.
func (p *Pending[K, V, W]) forget(at int64, side byte, key K, m stamped) {
	if p.first > at {
		return
	}
	k := p.rowKey(at, side, key)
	if _, ok := p.order.Get(string(k)); ok {
		ts, headers := m.stamp()
		p.set(slices.Clone(k), nil, ts, headers)
		p.least()
	}
}

// closed hands out the rows of the left side before leftEnd and of the right side before rightEnd, and drops them.
func (p *Pending[K, V, W]) closed(leftEnd, rightEnd int64, headers headersOf, f func(key K, v *V, w *W, at int64)) {
	if p.first >= max(leftEnd, rightEnd) {
		return
	}
	type row struct {
		key string
		v   []byte
	}
	var gone []row
	p.order.Scan(func(k string, v []byte) bool {
		at := int64(binary.BigEndian.Uint64([]byte(k[:8])))
		if at >= max(leftEnd, rightEnd) {
			return false
		}
		if k[8] == leftSide && at < leftEnd || k[8] == rightSide && at < rightEnd {
			gone = append(gone, row{k, v})
		}
		return true
	})
	for _, r := range gone {
		at := int64(binary.BigEndian.Uint64([]byte(r.key[:8])))
		p.set([]byte(r.key), nil, at, headers)
		p.least()
		key := p.Key.Decode(p.Task, p.Name, []byte(r.key[9:]))
		p.each(r.v, func(side byte, value []byte) {
			if side == leftSide {
				v := p.Left.Decode(p.Task, p.Name, value)
				f(key, &v, nil, at)
			} else {
				w := p.Right.Decode(p.Task, p.Name, value)
				f(key, nil, &w, at)
			}
		})
	}
}

func (p *Pending[K, V, W]) each(row []byte, f func(side byte, value []byte)) {
	r := reader{b: row}
	r.take(1)
	for n := r.u32(); n > 0 && !r.bad; n-- {
		if b, _ := r.sized(); len(b) > 0 {
			f(b[0], b[1:])
		}
	}
	if r.bad {
		p.Task.Stop(p.Name, &store.Corrupt{Store: p.Name, Why: "a list of waiting rows is cut short"})
	}
}

// Restore implements task.Restorer.
func (p *Pending[K, V, W]) Restore(key, value []byte, _ int64, _ []processor.Header) error {
	if len(key) < 9 {
		return &store.Corrupt{Store: p.Name, Why: "a changelog key is too short"}
	}
	if value == nil {
		p.rows.Delete(key)
		p.order.Delete(string(key))
	} else {
		p.rows.Set(key, value)
		p.order.Set(string(key), value)
	}
	p.least()
	return nil
}
