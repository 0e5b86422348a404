package operator

import (
	"encoding/binary"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Getter looks up a table's row.
type Getter[K, V any] interface {
	Get(key K) (v V, ts int64, ok bool)
	// GetAsOf is the row as of a time; tables without a history answer what is there now.
	GetAsOf(key K, t int64) (v V, ts int64, ok bool)
}

type getter[K, V any] struct {
	get func(K) (V, int64, bool)
}

func (g getter[K, V]) Get(key K) (V, int64, bool)              { return g.get(key) }
func (g getter[K, V]) GetAsOf(key K, _ int64) (V, int64, bool) { return g.get(key) }

// Rows is a table's store.
type Rows[K, V any] interface {
	Getter[K, V]
	// Put writes a row, or deletes it. kept is false for one too old for a versioned store; latest says that it is the newest.
	Put(key K, v V, null bool, ts int64, headers []processor.Header) (latest, kept bool)
}

// KV is a key-value store: timestamped rows of 8 bytes time and the value, or bare values.
type KV[K, V any] struct {
	Node
	Key         Codec[K]
	Value       Codec[V]
	Logged      bool
	Timestamped bool
	rows        store.Map
	kbuf        []byte
	at          int64
	headers     []processor.Header
}

// NewKV opens a store of the task.
func NewKV[K, V any](n Node, key Codec[K], value Codec[V], logged, timestamped bool) *KV[K, V] {
	return &KV[K, V]{Node: n, Key: key, Value: value, Logged: logged, Timestamped: timestamped, rows: n.Task.Engine().Map(n.Name)}
}

// At stamps the writes that follow.
func (s *KV[K, V]) At(ts int64, headers []processor.Header) { s.at, s.headers = ts, headers }

func (s *KV[K, V]) key(k K) []byte {
	s.kbuf = s.Key.Encode(s.Task, s.Name, s.kbuf[:0], k)
	return s.kbuf
}

// Get implements Getter; ts is 0 for bare values.
func (s *KV[K, V]) Get(key K) (v V, ts int64, ok bool) {
	b, ok := s.rows.Get(s.key(key))
	if !ok {
		return v, 0, false
	}
	ts, b = s.split(b)
	return s.Value.Decode(s.Task, s.Name, b), ts, true
}

// GetAsOf implements Getter.
func (s *KV[K, V]) GetAsOf(key K, _ int64) (V, int64, bool) { return s.Get(key) }

func (s *KV[K, V]) split(b []byte) (int64, []byte) {
	if !s.Timestamped {
		return 0, b
	}
	if len(b) < 8 {
		s.Task.Stop(s.Name, &store.Corrupt{Store: s.Name, Why: "a row is shorter than its timestamp"})
	}
	return int64(binary.BigEndian.Uint64(b)), b[8:]
}

// Put implements Rows.
func (s *KV[K, V]) Put(key K, v V, null bool, ts int64, headers []processor.Header) (latest, kept bool) {
	k := append([]byte{}, s.key(key)...)
	if null {
		s.rows.Delete(k)
		s.log(k, nil, ts, headers)
		return true, true
	}
	var row []byte
	if s.Timestamped {
		row = binary.BigEndian.AppendUint64(make([]byte, 0, 32), uint64(ts))
	}
	row = s.Value.Encode(s.Task, s.Name, row, v)
	if row == nil {
		row = []byte{}
	}
	s.rows.Set(k, row)
	_, value := s.split(row)
	s.log(k, value, ts, headers)
	return true, true
}

func (s *KV[K, V]) log(k, v []byte, ts int64, headers []processor.Header) {
	if !s.Logged {
		return
	}
	if s.Timestamped {
		headers = nil // as the JVM: only bare stores log the headers of their records
	}
	s.Task.Log(s.Name, k, v, ts, headers)
}

// Set is Put for a processor: stamped with the record at hand.
func (s *KV[K, V]) Set(key K, v V, null bool) {
	s.Put(key, v, null || s.Value.Null(v), s.at, s.headers)
}

// Range calls f for the rows from lo to hi, both included; nil is no bound. Rows are in the order of their keys' bytes.
func (s *KV[K, V]) Range(lo, hi *K, f func(K, V, int64) bool) {
	var from, to []byte
	if lo != nil {
		from = append([]byte{}, s.key(*lo)...)
	}
	if hi != nil {
		to = append(append([]byte{}, s.key(*hi)...), 0)
	}
	type row struct{ k, v []byte }
	var rows []row // a snapshot: f may write
	s.rows.Ascend(from, to, func(k, v []byte) bool {
		rows = append(rows, row{k, v})
		return true
	})
	for _, r := range rows {
		ts, v := s.split(r.v)
		if !f(s.Key.Decode(s.Task, s.Name, r.k), s.Value.Decode(s.Task, s.Name, v), ts) {
			return
		}
	}
}

// Len is the number of rows.
func (s *KV[K, V]) Len() int { return s.rows.Len() }

// Restore implements task.Restorer.
func (s *KV[K, V]) Restore(key, value []byte, ts int64, _ []processor.Header) error {
	if key == nil {
		return nil
	}
	if value == nil {
		s.rows.Delete(key)
		return nil
	}
	if s.Timestamped {
		value = append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), uint64(ts)), value...)
	}
	s.rows.Set(key, value)
	return nil
}

// History is a versioned store.
type History[K, V any] struct {
	Node
	Key    Codec[K]
	Value  Codec[V]
	Logged bool
	rows   *store.Versioned
	time   *int64
	kbuf   []byte
}

// NewHistory opens a versioned store of the task.
func NewHistory[K, V any](n Node, key Codec[K], value Codec[V], logged bool, history int64) *History[K, V] {
	time := n.Task.Time(n.Name + ".time")
	return &History[K, V]{Node: n, Key: key, Value: value, Logged: logged, time: time, rows: store.NewVersioned(n.Task.Engine().Map(n.Name), history, *time)}
}

func (s *History[K, V]) key(k K) []byte {
	s.kbuf = s.Key.Encode(s.Task, s.Name, s.kbuf[:0], k)
	return s.kbuf
}

// Get implements Getter.
func (s *History[K, V]) Get(key K) (v V, ts int64, ok bool) {
	return s.decode(s.rows.Get(s.key(key)))
}

// GetAsOf implements Getter.
func (s *History[K, V]) GetAsOf(key K, t int64) (v V, ts int64, ok bool) {
	return s.decode(s.rows.GetAsOf(s.key(key), t))
}

func (s *History[K, V]) decode(ver store.Version, ok bool) (v V, ts int64, had bool) {
	if !ok {
		return v, 0, false
	}
	return s.Value.Decode(s.Task, s.Name, ver.Value), ver.Time, true
}

// Put implements Rows.
func (s *History[K, V]) Put(key K, v V, null bool, ts int64, _ []processor.Header) (latest, kept bool) {
	k := append([]byte{}, s.key(key)...)
	var b []byte
	if !null {
		if b = s.Value.Encode(s.Task, s.Name, nil, v); b == nil {
			b = []byte{}
		}
	}
	latest, kept = s.rows.Put(k, b, ts)
	*s.time = s.rows.Observed()
	if !kept {
		s.Task.Drop("expired")
	}
	if s.Logged {
		s.Task.Log(s.Name, k, b, ts, nil)
	}
	return latest, kept
}

// Versions calls f for each value with the time from which it was replaced.
func (s *History[K, V]) Versions(f func(k K, v V, ts, validTo int64) bool) {
	s.rows.Versions(func(k []byte, ver store.Version, to int64) bool {
		return f(s.Key.Decode(s.Task, s.Name, k), s.Value.Decode(s.Task, s.Name, ver.Value), ver.Time, to)
	})
}

// Restore implements task.Restorer.
func (s *History[K, V]) Restore(key, value []byte, ts int64, _ []processor.Header) error {
	s.rows.Put(key, value, ts)
	return nil
}

var _ task.Restorer = (*History[int, int])(nil)
