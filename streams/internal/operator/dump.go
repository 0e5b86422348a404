package operator

import (
	"encoding/binary"
	"math"

	"github.com/mainstem-io/mainstem/streams/internal/store"
)

// Dump shows the rows of a store as bytes.
func (s *KV[K, V]) Dump(f func(store.Dumped)) {
	s.rows.Ascend(nil, nil, func(k, v []byte) bool {
		ts, v := s.split(v)
		f(store.Dumped{Kind: "kv", Key: k, Value: v, Time: ts, Timed: s.Timestamped})
		return true
	})
}

// Dump shows the versions of a store as bytes.
func (s *History[K, V]) Dump(f func(store.Dumped)) {
	s.rows.Versions(func(k []byte, ver store.Version, to int64) bool {
		f(store.Dumped{Kind: "versioned", Key: k, Value: ver.Value, Time: ver.Time, Timed: true, ValidTo: to})
		return true
	})
}

// Dump shows the live rows of a store as bytes.
func (s *WindowRows[K, V]) Dump(f func(store.Dumped)) {
	s.rows.Scan(0, math.MaxInt64, func(k []byte, r store.Row) bool {
		d := store.Dumped{Kind: "window", Key: k, Value: r.Value, Start: r.Start, Timed: s.Timestamped}
		if s.Timestamped {
			d.Time, d.Value = int64(binary.BigEndian.Uint64(r.Value)), r.Value[8:]
		}
		f(d)
		return true
	})
}

// Dump shows the live sessions of a store as bytes.
func (s *SessionRows[K, V]) Dump(f func(store.Dumped)) {
	s.rows.Scan(0, math.MaxInt64, func(k []byte, r store.SessionRow) bool {
		f(store.Dumped{Kind: "session", Key: k, Value: r.Value, Start: r.Start, End: r.End})
		return true
	})
}
