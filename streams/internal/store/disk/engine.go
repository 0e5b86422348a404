// Package disk is the engine of stores on disk: Pebble, one database a task. It is a package of its own so that a program that only
// builds topologies does not link it.
//
// Writes since the last commit lie in an indexed batch: reads see them, a commit makes data and changelog positions durable in one
// step, a rollback drops the batch. The log is on and not synced: a killed process loses nothing, a power failure loses a tail whose
// positions are lost with it, so the changelog fills it again.
package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/mainstem-io/mainstem/streams/internal/store"
)

// Engine is a task's stores on disk.
type Engine struct {
	dir   string
	db    *pebble.DB
	batch *pebble.Batch
}

// Cache is the block cache that all tasks of a process share.
type Cache = pebble.Cache

// NewCache makes a cache of so many bytes.
func NewCache(bytes int64) *Cache { return pebble.NewCache(bytes) }

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Errorf("pebble: "+format, args...))
}

// Open opens or makes the stores of a task.
func Open(dir string, cache *Cache) (*Engine, error) {
	db, err := pebble.Open(dir, &pebble.Options{Cache: cache, Logger: quiet{}})
	if err != nil {
		return nil, fmt.Errorf("open the stores in %s: %w; delete the directory to restore them from their changelogs", dir, err)
	}
	return &Engine{dir: dir, db: db, batch: db.NewIndexedBatch()}, nil
}

// positions lie under keys that no store has: store names are not empty.
func positionKey(name string) []byte { return append([]byte{0}, name...) }

// Map implements store.Engine.
func (e *Engine) Map(name string) store.Map {
	prefix := append([]byte{byte(len(name))}, name...)
	return &rows{e, prefix}
}

// Offset implements store.Engine.
func (e *Engine) Offset(name string) (p store.Position, ok bool) {
	v, closer, err := e.batch.Get(positionKey(name))
	if err != nil {
		return p, false
	}
	defer closer.Close()
	if len(v) != 24 {
		return p, false
	}
	copy(p.TopicID[:], v)
	p.Next = int64(binary.BigEndian.Uint64(v[16:]))
	return p, true
}

// Commit implements store.Engine.
func (e *Engine) Commit(positions map[string]store.Position) error {
	for name, p := range positions {
		if err := e.batch.Set(positionKey(name), binary.BigEndian.AppendUint64(append([]byte{}, p.TopicID[:]...), uint64(p.Next)), nil); err != nil {
			return fmt.Errorf("write the position of store %q: %w", name, err)
		}
	}
	if e.batch.Empty() {
		return nil
	}
	if err := e.batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("commit the stores in %s: %w", e.dir, err)
	}
	e.batch = e.db.NewIndexedBatch()
	return nil
}

// Rollback implements store.Engine.
func (e *Engine) Rollback() error {
	err := e.batch.Close()
	e.batch = e.db.NewIndexedBatch()
	return err
}

// Clear implements store.Engine.
func (e *Engine) Clear(name string) error {
	prefix := append([]byte{byte(len(name))}, name...)
	end := append([]byte{}, prefix...)
	end[len(end)-1]++
	return errors.Join(e.batch.DeleteRange(prefix, end, nil), e.batch.Delete(positionKey(name), nil))
}

// Close implements store.Engine: what was not committed is gone.
func (e *Engine) Close() error { return errors.Join(e.batch.Close(), e.db.Close()) }

// rows is one store's rows: its keys behind its name.
type rows struct {
	e      *Engine
	prefix []byte
}

func (r *rows) key(k []byte) []byte {
	return append(append(make([]byte, 0, len(r.prefix)+len(k)), r.prefix...), k...)
}

// broken is a read or write that the disk refused: the task stops with it.
func (r *rows) broken(what string, err error) {
	panic(fmt.Errorf("%s in the stores of %s: %w", what, r.e.dir, err))
}

func (r *rows) Get(key []byte) ([]byte, bool) {
	v, closer, err := r.e.batch.Get(r.key(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false
	}
	if err != nil {
		r.broken("read", err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	if err := closer.Close(); err != nil {
		r.broken("read", err)
	}
	return out, true
}

func (r *rows) Set(key, value []byte) {
	if err := r.e.batch.Set(r.key(key), value, nil); err != nil {
		r.broken("write", err)
	}
}

func (r *rows) Delete(key []byte) {
	if err := r.e.batch.Delete(r.key(key), nil); err != nil {
		r.broken("delete", err)
	}
}

func (r *rows) Ascend(from, to []byte, f func(key, value []byte) bool) {
	upper := r.key(to)
	if to == nil {
		upper[len(upper)-1]++
	}
	it, err := r.e.batch.NewIter(&pebble.IterOptions{LowerBound: r.key(from), UpperBound: upper})
	if err != nil {
		r.broken("iterate", err)
	}
	defer func() {
		if err := it.Close(); err != nil {
			r.broken("iterate", err)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			r.broken("iterate", err)
		}
		k := append([]byte{}, it.Key()[len(r.prefix):]...)
		if !f(k, append(make([]byte, 0, len(v)), v...)) {
			return
		}
	}
	if err := it.Error(); err != nil {
		r.broken("iterate", err)
	}
}

func (r *rows) Len() (n int) {
	r.Ascend(nil, nil, func(_, _ []byte) bool { n++; return true })
	return n
}

var _ store.Engine = (*Engine)(nil)
