package store

import (
	"encoding/binary"
	"math"
	"slices"
)

// SessionRow is one session of a key.
type SessionRow struct {
	Start, End int64
	Value      []byte
}

// Session holds the sessions of each key: in memory a slice by (end, start), below a map ordered by end.
//
// A session is gone once end <= Observed - retention.
type Session struct {
	rows      Map
	keys      map[string][]SessionRow
	retention int64
	observed  int64
	expired   int64
	keep      int64
	keeps     bool
}

// Keep says that sessions that end at or after this time must stay although no read sees them: they are still to be emitted.
func (s *Session) Keep(from int64) { s.keep, s.keeps = from, true }

// NewSession opens a session store over its rows.
func NewSession(rows Map, retention, observed int64) *Session {
	s := &Session{rows: rows, keys: map[string][]SessionRow{}, retention: retention, observed: observed, expired: None}
	rows.Ascend(nil, nil, func(k, v []byte) bool {
		r, key := splitSessionKey(k)
		r.Value = v
		s.insert(key, r)
		s.observed = max(s.observed, r.End)
		return true
	})
	return s
}

func sessionKey(key []byte, start, end int64) []byte {
	k := make([]byte, 0, 16+len(key))
	k = binary.BigEndian.AppendUint64(k, uint64(end)^1<<63)
	k = append(k, key...)
	return binary.BigEndian.AppendUint64(k, uint64(start)^1<<63)
}

func splitSessionKey(k []byte) (SessionRow, []byte) {
	n := len(k) - 8
	return SessionRow{
		End:   int64(binary.BigEndian.Uint64(k) ^ 1<<63),
		Start: int64(binary.BigEndian.Uint64(k[n:]) ^ 1<<63),
	}, k[8:n]
}

// Observed is the highest end ever put.
func (s *Session) Observed() int64 { return s.observed }

// Horizon is the highest end that reads no longer see.
func (s *Session) Horizon() int64 { return horizon(s.observed, s.retention) }

func compareSessions(a, b SessionRow) int {
	if a.End != b.End {
		if a.End < b.End {
			return -1
		}
		return 1
	}
	switch {
	case a.Start < b.Start:
		return -1
	case a.Start > b.Start:
		return 1
	}
	return 0
}

func (s *Session) insert(key []byte, r SessionRow) {
	rows := s.keys[view(key)]
	i, there := slices.BinarySearchFunc(rows, r, compareSessions)
	if there {
		rows[i].Value = r.Value
		return
	}
	s.keys[string(key)] = slices.Insert(rows, i, r)
}

func (s *Session) remove(key []byte, r SessionRow) {
	rows := s.keys[view(key)]
	if i, there := slices.BinarySearchFunc(rows, r, compareSessions); there {
		if len(rows) == 1 {
			delete(s.keys, view(key))
			return
		}
		s.keys[string(key)] = slices.Delete(rows, i, i+1)
	}
}

// Put sets a session, or removes it when value is nil. False means that it is too old.
func (s *Session) Put(key []byte, start, end int64, value []byte) bool {
	s.observed = max(s.observed, end)
	if h := s.Horizon(); h != None && end <= h {
		return false
	}
	s.Restore(key, start, end, value)
	return true
}

// Restore puts a session as a changelog tells it.
func (s *Session) Restore(key []byte, start, end int64, value []byte) {
	s.observed = max(s.observed, end)
	if value == nil {
		s.rows.Delete(sessionKey(key, start, end))
		s.remove(key, SessionRow{Start: start, End: end})
	} else {
		s.rows.Set(sessionKey(key, start, end), value)
		s.insert(key, SessionRow{start, end, value})
	}
	s.expire()
}

// Find is the sessions of a key that end at or after earliestEnd and start at or before latestStart, by (end, start).
func (s *Session) Find(key []byte, earliestEnd, latestStart int64) []SessionRow {
	if h := s.Horizon(); h != None && earliestEnd <= h {
		earliestEnd = h + 1
	}
	rows := s.keys[view(key)]
	i, _ := slices.BinarySearchFunc(rows, SessionRow{End: earliestEnd, Start: math.MinInt64}, compareSessions)
	var found []SessionRow
	for ; i < len(rows); i++ {
		if rows[i].Start <= latestStart {
			found = append(found, rows[i])
		}
	}
	return found
}

// Get is the value of one session, nil when there is none.
func (s *Session) Get(key []byte, start, end int64) []byte {
	if h := s.Horizon(); h != None && end <= h {
		return nil
	}
	rows := s.keys[view(key)]
	if i, there := slices.BinarySearchFunc(rows, SessionRow{Start: start, End: end}, compareSessions); there {
		return rows[i].Value
	}
	return nil
}

// Scan calls f for the live sessions with from <= end <= to of all keys, by (end, key, start).
func (s *Session) Scan(from, to int64, f func(key []byte, r SessionRow) bool) {
	if h := s.Horizon(); h != None && from <= h {
		from = h + 1
	}
	s.ScanAll(from, to, f)
}

// ScanAll is Scan without the horizon.
func (s *Session) ScanAll(from, to int64, f func(key []byte, r SessionRow) bool) {
	if to < from {
		return
	}
	var end []byte
	if to != math.MaxInt64 {
		end = timeBound(to + 1)
	}
	s.rows.Ascend(timeBound(from), end, func(k, v []byte) bool {
		r, key := splitSessionKey(k)
		r.Value = v
		return f(key, r)
	})
}

func (s *Session) expire() {
	h := s.Horizon()
	if s.keeps {
		h = min(h, s.keep-1)
		if s.keep == math.MinInt64 {
			return
		}
	}
	if h == None || s.expired != None && h-s.expired < s.retention/4+1 {
		return
	}
	var gone [][]byte
	s.rows.Ascend(nil, timeBound(h+1), func(k, _ []byte) bool {
		gone = append(gone, slices.Clone(k))
		return true
	})
	for _, k := range gone {
		r, key := splitSessionKey(k)
		s.remove(key, r)
		s.rows.Delete(k)
	}
	s.expired = h
}
