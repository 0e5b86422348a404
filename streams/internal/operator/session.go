package operator

import (
	"encoding/binary"
	"math"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// SessionRows is the store of a session-windowed table. Values are bare, on disk and in the changelog.
type SessionRows[K, V any] struct {
	Node
	Key    Codec[K]
	Value  Codec[V]
	Logged bool
	rows   *store.Session
	time   *int64
	kbuf   []byte
}

// NewSessionRows opens a session store of the task.
func NewSessionRows[K, V any](n Node, key Codec[K], value Codec[V], logged bool, retention int64) *SessionRows[K, V] {
	time := n.Task.Time(n.Name + ".time")
	return &SessionRows[K, V]{Node: n, Key: key, Value: value, Logged: logged, time: time, rows: store.NewSession(n.Task.Engine().Map(n.Name), retention, *time)}
}

func (s *SessionRows[K, V]) key(k K) []byte {
	s.kbuf = s.Key.Encode(s.Task, s.Name, s.kbuf[:0], k)
	return s.kbuf
}

// Put writes a session, or removes it; ts is that of the record at hand.
func (s *SessionRows[K, V]) Put(key K, start, end int64, v V, null bool, ts int64) {
	k := s.key(key)
	var b []byte
	if !null {
		if b = s.Value.Encode(s.Task, s.Name, nil, v); b == nil {
			b = []byte{}
		}
	}
	kept := s.rows.Put(k, start, end, b)
	*s.time = s.rows.Observed()
	if !kept {
		s.Task.Drop("expired")
	}
	if s.Logged {
		lk := make([]byte, 0, len(k)+16)
		lk = append(lk, k...)
		lk = binary.BigEndian.AppendUint64(lk, uint64(end))
		lk = binary.BigEndian.AppendUint64(lk, uint64(start))
		s.Task.Log(s.Name, lk, b, ts, nil)
	}
}

// Get is the value of one session.
func (s *SessionRows[K, V]) Get(key K, start, end int64) (v V, ok bool) {
	b := s.rows.Get(s.key(key), start, end)
	if b == nil {
		return v, false
	}
	return s.Value.Decode(s.Task, s.Name, b), true
}

// All calls f for every live session, by end, key and start.
func (s *SessionRows[K, V]) All(f func(key K, start, end int64, v V) bool) {
	s.rows.Scan(0, math.MaxInt64, func(k []byte, r store.SessionRow) bool {
		return f(s.Key.Decode(s.Task, s.Name, k), r.Start, r.End, s.Value.Decode(s.Task, s.Name, r.Value))
	})
}

// Restore implements task.Restorer.
func (s *SessionRows[K, V]) Restore(key, value []byte, _ int64, _ []processor.Header) error {
	n := len(key) - 16
	if n < 0 {
		return &store.Corrupt{Store: s.Name, Why: "a changelog key is too short for a session"}
	}
	s.rows.Restore(key[:n], int64(binary.BigEndian.Uint64(key[n+8:])), int64(binary.BigEndian.Uint64(key[n:])), value)
	return nil
}

// Sessions folds a stream by key and session: a record merges every session within the gap of it. A session that was merged
// away gets a tombstone before the merged one; results carry the session's end as their time and no headers.
type Sessions[K, V, A any] struct {
	Node
	Gap     int64
	Grace   int64
	Final   bool
	Fold    Fold[K, V, A]
	Rows    *SessionRows[K, A]
	SendOld bool
	Out     Sink[Change[processor.Windowed[K], A]]
	time    *int64
	emitted *int64
	next    Change[processor.Windowed[K], A]
}

// Bind finds the operator's times.
func (o *Sessions[K, V, A]) Bind() {
	o.time = o.Task.Time(o.Name + ".time")
	if o.Final {
		o.emitted = o.Task.Time(o.Rows.Name)
		o.keep()
	}
}

func (o *Sessions[K, V, A]) keep() {
	if *o.emitted == task.None {
		o.Rows.rows.Keep(math.MinInt64)
		return
	}
	o.Rows.rows.Keep(*o.emitted)
}

// Sink takes a record.
func (o *Sessions[K, V, A]) Sink(m *Msg[K, V]) {
	if m.NoKey || m.NoValue && !o.Fold.Nulls {
		o.missing(m.NoKey)
		return
	}
	*o.time = max(*o.time, m.Time)
	closeTime := *o.time - o.Grace - o.Gap
	found := o.Rows.rows.Find(o.Rows.key(m.Key), m.Time-o.Gap, m.Time+o.Gap)
	start, end := m.Time, m.Time
	for _, r := range found {
		start, end = min(start, r.Start), max(end, r.End)
	}
	if end < closeTime {
		o.Task.Drop("late")
	} else if agg, null, ok := o.fold(m, found); ok {
		o.replace(m, found, start, end)
		o.Rows.Put(m.Key, start, end, agg, null, m.Time)
		o.forward(m.Key, start, end, agg, null, agg, true)
	}
	if o.Final {
		o.emit(m, closeTime)
	}
}

// fold starts from the initial value, merges the sessions found in the order of time, then adds the record.
func (o *Sessions[K, V, A]) fold(m *Msg[K, V], found []store.SessionRow) (agg A, null, ok bool) {
	f, none := &o.Fold, true
	if f.Init != nil {
		if agg, ok = initial(o.Node, f.Init); !ok {
			return agg, false, false
		}
		none = false
	}
	for _, r := range found {
		v := o.Rows.Value.Decode(o.Task, o.Name, r.Value)
		if none {
			agg = v
		} else if agg, ok = call3(o.Node, f.Merge, m.Key, agg, v); !ok {
			return agg, false, false
		}
		none = f.First != nil && f.Agg.Null(agg)
	}
	if none {
		agg, ok = call(o.Node, f.First, m.Value)
	} else {
		agg, ok = call3(o.Node, f.Add, m.Key, m.Value, agg)
	}
	return agg, f.Agg.Null(agg), ok
}

// replace takes the merged sessions away; a session that is only updated in place is not.
func (o *Sessions[K, V, A]) replace(m *Msg[K, V], found []store.SessionRow, start, end int64) {
	if start == m.Time && end == m.Time {
		return
	}
	for _, r := range found {
		var none A
		old := o.Rows.Value.Decode(o.Task, o.Name, r.Value)
		o.Rows.Put(m.Key, r.Start, r.End, none, true, m.Time)
		o.forward(m.Key, r.Start, r.End, none, true, old, false)
	}
}

func (o *Sessions[K, V, A]) forward(key K, start, end int64, v A, null bool, old A, noOld bool) {
	if o.Final {
		return
	}
	o.next = Change[processor.Windowed[K], A]{Key: processor.Windowed[K]{Key: key, Window: processor.SpanMillis(start, end)}, New: v, NoNew: null, NoOld: true, Time: end}
	if o.SendOld && !noOld {
		o.next.Old, o.next.NoOld = old, false
	}
	o.Out(&o.next)
}

// emit forwards the sessions that have closed since the last time: those that end before the close time.
func (o *Sessions[K, V, A]) emit(m *Msg[K, V], closeTime int64) {
	if *o.emitted != task.None && *o.emitted >= closeTime || closeTime < 1 {
		return
	}
	first := max(0, *o.emitted)
	var rows []Change[processor.Windowed[K], A]
	o.Rows.rows.ScanAll(first, closeTime-1, func(k []byte, r store.SessionRow) bool {
		rows = append(rows, Change[processor.Windowed[K], A]{
			Key: processor.Windowed[K]{Key: o.Rows.Key.Decode(o.Task, o.Name, k), Window: processor.SpanMillis(r.Start, r.End)},
			New: o.Rows.Value.Decode(o.Task, o.Name, r.Value), NoOld: true, Time: r.End, Headers: m.Headers,
		})
		return true
	})
	*o.emitted = closeTime
	o.keep()
	for i := range rows {
		o.Out(&rows[i])
	}
}

// SessionGetter looks up the rows of a session-windowed table; a row's time is its end.
func SessionGetter[K, V any](rows *SessionRows[K, V]) Getter[processor.Windowed[K], V] {
	return getter[processor.Windowed[K], V]{func(w processor.Windowed[K]) (V, int64, bool) {
		v, ok := rows.Get(w.Key, w.Window.Start.UnixMilli(), w.Window.End.UnixMilli())
		return v, w.Window.End.UnixMilli(), ok
	}}
}
