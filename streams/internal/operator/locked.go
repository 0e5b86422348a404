package operator

import (
	"sync"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// Keeper is a key-value store as a processor's handle uses it.
type Keeper[K, V any] interface {
	Get(key K) (V, int64, bool)
	Set(key K, v V, null bool)
	Range(lo, hi *K, f func(K, V, int64) bool)
}

// Locked is the store of a global table: one task writes it, all read it.
type Locked[K, V any] struct {
	mu   sync.Mutex
	rows Rows[K, V]
}

// NewLocked guards rows.
func NewLocked[K, V any](rows Rows[K, V]) *Locked[K, V] { return &Locked[K, V]{rows: rows} }

// Get implements Getter.
func (l *Locked[K, V]) Get(key K) (V, int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.Get(key)
}

// GetAsOf implements Getter.
func (l *Locked[K, V]) GetAsOf(key K, t int64) (V, int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.GetAsOf(key, t)
}

// Put implements Rows.
func (l *Locked[K, V]) Put(key K, v V, null bool, ts int64, headers []processor.Header) (latest, kept bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows.Put(key, v, null, ts, headers)
}

// At stamps the writes that follow; only the global task calls it.
func (l *Locked[K, V]) At(ts int64, headers []processor.Header) {
	if s, ok := l.rows.(*KV[K, V]); ok && l.mu.TryLock() {
		s.At(ts, headers)
		l.mu.Unlock()
	}
}

// Set implements Keeper.
func (l *Locked[K, V]) Set(key K, v V, null bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.rows.(*KV[K, V]); ok {
		s.Set(key, v, null)
	}
}

// Range implements Keeper: f sees a snapshot and may look other keys up.
func (l *Locked[K, V]) Range(lo, hi *K, f func(K, V, int64) bool) {
	type row struct {
		k  K
		v  V
		ts int64
	}
	var rows []row
	l.mu.Lock()
	if s, ok := l.rows.(*KV[K, V]); ok {
		s.Range(lo, hi, func(k K, v V, ts int64) bool {
			rows = append(rows, row{k, v, ts})
			return true
		})
	}
	l.mu.Unlock()
	for _, r := range rows {
		if !f(r.k, r.v, r.ts) {
			return
		}
	}
}

// Dump shows the rows as bytes.
func (l *Locked[K, V]) Dump(f func(store.Dumped)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.rows.(interface{ Dump(func(store.Dumped)) }); ok {
		s.Dump(f)
	}
}
