// Package store keeps the rows of one task: ordered maps of bytes that commit and roll back together, and the shapes of
// stores over them (windows, sessions, versions). It knows neither types nor Kafka.
//
// Local layout is ours and may change with a version; what goes to a changelog is Kafka's and lies in package operator.
package store

import (
	"fmt"
	"unsafe"

	"github.com/tidwall/btree"
)

// Map is one store's rows in the order of their keys. Slices that it hands out are read-only and stay valid.
type Map interface {
	Get(key []byte) (value []byte, ok bool)
	Set(key, value []byte) // keeps both slices
	Delete(key []byte)
	// Ascend calls f for the rows with from <= key < to until it returns false; nil is no bound. f must not write.
	Ascend(from, to []byte, f func(key, value []byte) bool)
	Len() int
}

// Engine is everything a task stores. What was written since the last Commit is gone after a Rollback or a crash.
type Engine interface {
	// Map opens the rows of a store.
	Map(name string) Map
	// Offset is the changelog position of a store as of the last commit; false for a store that has none.
	Offset(name string) (Position, bool)
	// Commit makes all writes and these positions durable in one step.
	Commit(positions map[string]Position) error
	// Rollback forgets what was written since the last commit.
	Rollback() error
	// Clear empties one store and forgets its position.
	Clear(name string) error
	Close() error
}

// Position says up to where of which changelog a store is filled.
type Position struct {
	TopicID [16]byte // of the changelog topic; zero when the broker has none
	Next    int64    // the next offset to read
}

// Memory is an engine that a process's end takes with it.
type Memory struct {
	maps      map[string]*memoryMap
	positions map[string]Position
}

// NewMemory makes an empty engine.
func NewMemory() *Memory {
	return &Memory{maps: map[string]*memoryMap{}, positions: map[string]Position{}}
}

// Map implements Engine.
func (m *Memory) Map(name string) Map {
	t := m.maps[name]
	if t == nil {
		t = &memoryMap{}
		m.maps[name] = t
	}
	return t
}

// Offset implements Engine.
func (m *Memory) Offset(name string) (Position, bool) {
	p, ok := m.positions[name]
	return p, ok
}

// Commit implements Engine.
func (m *Memory) Commit(positions map[string]Position) error {
	for _, t := range m.maps {
		clear(t.undo)
		t.undo = t.undo[:0]
	}
	for name, p := range positions {
		m.positions[name] = p
	}
	return nil
}

// Rollback implements Engine.
func (m *Memory) Rollback() error {
	for _, t := range m.maps {
		t.rollback()
	}
	return nil
}

// Clear implements Engine.
func (m *Memory) Clear(name string) error {
	delete(m.positions, name)
	if t := m.maps[name]; t != nil {
		t.rows.Clear()
		t.undo = t.undo[:0]
	}
	return nil
}

// Close implements Engine.
func (m *Memory) Close() error { return nil }

// change is what a key held before a write.
type change struct {
	key   string
	value []byte
	had   bool
}

type memoryMap struct {
	rows btree.Map[string, []byte]
	undo []change
}

// view is a string over b's bytes: good for a lookup that keeps nothing.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (t *memoryMap) Get(key []byte) ([]byte, bool) { return t.rows.Get(view(key)) }

func (t *memoryMap) Set(key, value []byte) {
	k := view(key)
	old, had := t.rows.Set(k, value)
	t.undo = append(t.undo, change{k, old, had})
}

func (t *memoryMap) Delete(key []byte) {
	if old, had := t.rows.Delete(view(key)); had {
		t.undo = append(t.undo, change{string(key), old, true})
	}
}

func (t *memoryMap) Ascend(from, to []byte, f func(key, value []byte) bool) {
	t.rows.Ascend(view(from), func(k string, v []byte) bool {
		if to != nil && k >= view(to) {
			return false
		}
		return f(unsafe.Slice(unsafe.StringData(k), len(k)), v)
	})
}

func (t *memoryMap) Len() int { return t.rows.Len() }

func (t *memoryMap) rollback() {
	for i := len(t.undo) - 1; i >= 0; i-- {
		if c := t.undo[i]; c.had {
			t.rows.Set(c.key, c.value)
		} else {
			t.rows.Delete(c.key)
		}
	}
	t.undo = t.undo[:0]
}

// Corrupt is a row that cannot be what we wrote.
type Corrupt struct {
	Store string
	Why   string
}

func (c *Corrupt) Error() string {
	return fmt.Sprintf("store %q is damaged: %s; delete the task's directory to restore it from its changelog", c.Store, c.Why)
}
