package operator

import (
	"encoding/binary"
	"math"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// WindowRows is the store of a windowed table, of one side of a join, or of a processor: rows by key and window start.
// Values of aggregates have 8 bytes of timestamp in front; the changelog has them bare.
type WindowRows[K, V any] struct {
	Node
	Key         Codec[K]
	Value       Codec[V]
	Logged      bool
	Timestamped bool
	Duplicates  bool
	Size        int64
	rows        *store.Window
	time        *int64
	kbuf        []byte
	at          int64
	headers     []processor.Header
}

// NewWindowRows opens a window store of the task.
func NewWindowRows[K, V any](n Node, key Codec[K], value Codec[V], logged, timestamped, duplicates bool, size, retention int64) *WindowRows[K, V] {
	time := n.Task.Time(n.Name + ".time")
	return &WindowRows[K, V]{
		Node: n, Key: key, Value: value, Logged: logged, Timestamped: timestamped, Duplicates: duplicates, Size: size, time: time,
		rows: store.NewWindow(n.Task.Engine().Map(n.Name), retention, duplicates, *time),
	}
}

// At stamps the writes that follow.
func (s *WindowRows[K, V]) At(ts int64, headers []processor.Header) { s.at, s.headers = ts, headers }

func (s *WindowRows[K, V]) key(k K) []byte {
	s.kbuf = s.Key.Encode(s.Task, s.Name, s.kbuf[:0], k)
	return s.kbuf
}

func (s *WindowRows[K, V]) decode(b []byte) (V, int64) {
	var ts int64
	if s.Timestamped {
		ts, b = int64(binary.BigEndian.Uint64(b)), b[8:]
	}
	return s.Value.Decode(s.Task, s.Name, b), ts
}

// Get is the row of (key, start).
func (s *WindowRows[K, V]) Get(key K, start int64) (v V, ts int64, ok bool) {
	b := s.rows.Get(s.key(key), start)
	if b == nil {
		return v, 0, false
	}
	v, ts = s.decode(b)
	return v, ts, true
}

// windowBytes is Kafka's key of a window store's changelog: key, start, sequence number.
func windowBytes(key []byte, start int64, seq uint32) []byte {
	b := make([]byte, 0, len(key)+12)
	b = append(b, key...)
	b = binary.BigEndian.AppendUint64(b, uint64(start))
	return binary.BigEndian.AppendUint32(b, seq)
}

// Put writes (key, start). A row that is too old is counted and goes nowhere.
func (s *WindowRows[K, V]) Put(key K, start int64, v V, null bool, ts int64, headers []processor.Header) bool {
	k := s.key(key)
	var b []byte
	if !null {
		if s.Timestamped {
			b = binary.BigEndian.AppendUint64(make([]byte, 0, 32), uint64(ts))
		}
		if b = s.Value.Encode(s.Task, s.Name, b, v); b == nil {
			b = []byte{}
		}
	}
	seq, kept := s.rows.Put(k, start, b)
	*s.time = s.rows.Observed()
	if !kept {
		s.Task.Drop("expired")
	}
	if s.Logged { // also what was too old to keep, as the JVM does: a restore forgets it again
		value := b
		if s.Timestamped {
			headers = nil
			if !null {
				value = b[8:]
			}
		}
		s.Task.Log(s.Name, windowBytes(k, start, seq), value, ts, headers)
	}
	return kept
}

// Set is Put for a processor: stamped with the record at hand.
func (s *WindowRows[K, V]) Set(key K, start int64, v V, null bool) {
	s.Put(key, start, v, null || s.Value.Null(v), s.at, s.headers)
}

// Fetch calls f for the rows of a key with from <= start <= to, oldest first. f may write.
func (s *WindowRows[K, V]) Fetch(key K, from, to int64, f func(start int64, v V, ts int64) bool) {
	rows := append([]store.Row{}, s.rows.Fetch(s.key(key), from, to)...)
	for _, r := range rows {
		v, ts := s.decode(r.Value)
		if !f(r.Start, v, ts) {
			return
		}
	}
}

// All calls f for every live row, by start and key.
func (s *WindowRows[K, V]) All(f func(key K, start int64, v V, ts int64) bool) {
	s.rows.Scan(0, math.MaxInt64, func(k []byte, r store.Row) bool {
		v, ts := s.decode(r.Value)
		return f(s.Key.Decode(s.Task, s.Name, k), r.Start, v, ts)
	})
}

// Restore implements task.Restorer.
func (s *WindowRows[K, V]) Restore(key, value []byte, ts int64, _ []processor.Header) error {
	n := len(key) - 12
	if n < 0 {
		return &store.Corrupt{Store: s.Name, Why: "a changelog key is too short for a window"}
	}
	if value != nil && s.Timestamped {
		value = append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), uint64(ts)), value...)
	}
	s.rows.Restore(key[:n], int64(binary.BigEndian.Uint64(key[n:])), binary.BigEndian.Uint32(key[n+8:]), value)
	return nil
}

// windowGetter looks up the rows of a windowed table.
type windowGetter[K, V any] struct{ rows *WindowRows[K, V] }

// WindowGetter looks up the rows of a windowed table.
func WindowGetter[K, V any](rows *WindowRows[K, V]) Getter[processor.Windowed[K], V] {
	return windowGetter[K, V]{rows}
}

func (g windowGetter[K, V]) Get(w processor.Windowed[K]) (V, int64, bool) {
	return g.rows.Get(w.Key, w.Window.Start.UnixMilli())
}

func (g windowGetter[K, V]) GetAsOf(w processor.Windowed[K], _ int64) (V, int64, bool) {
	return g.Get(w)
}
