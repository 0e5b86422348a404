package streams

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// StoreOption changes a store.
type StoreOption func(*storeOptions)

type storeOptions struct {
	inMemory    bool
	noLog       bool
	cache       int64
	materialize bool
	retention   time.Duration
	history     time.Duration
	versioned   bool
	skip        bool
	duplicates  bool
}

// InMemory keeps a store in memory; a start fills it from its changelog.
func InMemory() StoreOption { return func(o *storeOptions) { o.inMemory = true } }

// NoLog gives a store no changelog: its rows are lost when the task moves.
func NoLog() StoreOption { return func(o *storeOptions) { o.noLog = true } }

// CacheBytes bounds the store's share of the write-back cache; 0 turns it off.
func CacheBytes(n int64) StoreOption { return func(o *storeOptions) { o.cache = n } }

// Materialize gives a table a store although no operator needs one, so that it can be queried.
func Materialize() StoreOption { return func(o *storeOptions) { o.materialize = true } }

// Retention is how long rows of a window or session store stay, at least; never less than size and grace.
func Retention(d time.Duration) StoreOption { return func(o *storeOptions) { o.retention = d } }

// Versioned keeps each key's values of the last d: joins ask for the value as of their record's time (KIP-889).
func Versioned(d time.Duration) StoreOption {
	return func(o *storeOptions) { o.versioned, o.history = true, d }
}

// SkipUnchanged forwards no update whose bytes are those of the row that is there.
func SkipUnchanged() StoreOption { return func(o *storeOptions) { o.skip = true } }

// Duplicates lets a window store keep several values of one key and time.
func Duplicates() StoreOption { return func(o *storeOptions) { o.duplicates = true } }

func storeOpts(opts []StoreOption) storeOptions {
	o := storeOptions{cache: -1}
	for _, f := range opts {
		f(&o)
	}
	return o
}

// declare adds a store to the graph.
func (o storeOptions) declare(b *Builder, name string, kind topology.StoreKind, pos string) *topology.Store {
	return b.g.AddStore(&topology.Store{
		Name: name, Kind: kind, Logged: !o.noLog, InMemory: o.inMemory, Cache: o.cache, Pos: pos,
		Retention: o.retention.Milliseconds(), History: o.history.Milliseconds(),
	})
}

// tableStore is a table's rows: timestamped, or versioned.
type tableStore[K, V any] struct {
	def   *topology.Store
	key   ref[K]
	value ref[V]
}

// newTableStore declares the store of a table.
func newTableStore[K, V any](b *Builder, name string, o storeOptions, key ref[K], value ref[V], pos string) *tableStore[K, V] {
	kind := topology.TimestampedKeyValue
	if o.versioned {
		kind = topology.Versioned
		if o.history < 0 {
			b.g.Fail(pos, "store %q has a negative history", name)
		}
	}
	where := fmt.Sprintf("store %q", name)
	key.need(b, pos, where)
	value.need(b, pos, where)
	return &tableStore[K, V]{o.declare(b, name, kind, pos), key, value}
}

// rows opens the store for a task.
func (s *tableStore[K, V]) rows(bd *binding) operator.Rows[K, V] {
	if g, ok := bd.task.Store(s.def.Name).(operator.Rows[K, V]); ok {
		return g
	}
	return once(bd, s, func() operator.Rows[K, V] {
		n := bd.storeNode(s.def.Name)
		var rows operator.Rows[K, V]
		if s.def.Kind == topology.Versioned {
			rows = operator.NewHistory(n, s.key.codec(bd.b), s.value.codec(bd.b), s.def.Logged, s.def.History)
		} else {
			rows = operator.NewKV(n, s.key.codec(bd.b), s.value.codec(bd.b), s.def.Logged, s.def.Kind == topology.TimestampedKeyValue)
		}
		if s.def.Global {
			rows = operator.NewLocked(rows)
		}
		bd.task.SetStore(s.def.Name, rows)
		return rows
	})
}

// StoreRef is a store that a processor uses: KV, TimestampedKV and Windows make them.
type StoreRef interface {
	storeName() string
	declare(b *Builder, pos string)
	open(bd *binding)
}

// StoreUser is a processor's context.
type StoreUser interface{ StoreNamed(name string) any }

// KVStore is a handle of a key-value store. It holds no rows: every call names the context of the task at work.
type KVStore[K, V any] struct {
	name        string
	key         Serde[K]
	value       Serde[V]
	timestamped bool
	opts        storeOptions
}

// KV declares a key-value store for processors.
func KV[K, V any](name string, k Serde[K], v Serde[V], opts ...StoreOption) KVStore[K, V] {
	return KVStore[K, V]{name: name, key: k, value: v, opts: storeOpts(opts)}
}

// TimestampedKV is KV with the time of each row beside it.
func TimestampedKV[K, V any](name string, k Serde[K], v Serde[V], opts ...StoreOption) KVStore[K, V] {
	return KVStore[K, V]{name: name, key: k, value: v, timestamped: true, opts: storeOpts(opts)}
}

func (s KVStore[K, V]) storeName() string { return s.name }

func (s KVStore[K, V]) kind() topology.StoreKind {
	switch {
	case s.opts.versioned:
		return topology.Versioned
	case s.timestamped:
		return topology.TimestampedKeyValue
	}
	return topology.KeyValue
}

// declare adds the store once, however many processors share the handle.
func (s KVStore[K, V]) declare(b *Builder, pos string) {
	if old := b.g.Store(s.name); old != nil && old.Kind == s.kind() {
		return
	}
	if s.name == "" || s.key == nil || s.value == nil {
		b.g.Fail(pos, "a processor uses a store that nothing declares")
		return
	}
	s.opts.declare(b, s.name, s.kind(), pos)
}

func (s KVStore[K, V]) open(bd *binding) { s.rows(bd) }

func (s KVStore[K, V]) rows(bd *binding) operator.Rows[K, V] {
	if g, ok := bd.task.Store(s.name).(operator.Rows[K, V]); ok {
		return g
	}
	t := tableStore[K, V]{def: bd.b.g.Store(s.name), key: ref[K]{serde: s.key}, value: ref[V]{serde: s.value}}
	return once(bd, "store "+s.name, func() operator.Rows[K, V] { return t.rows(bd) })
}

// of is the task's rows.
func (s KVStore[K, V]) of(c StoreUser) (operator.Keeper[K, V], error) {
	switch rows := c.StoreNamed(s.name).(type) {
	case operator.Keeper[K, V]:
		return rows, nil
	case nil:
		return nil, fmt.Errorf("store %q is not connected: name it in the call of Process", s.name)
	default:
		return nil, fmt.Errorf("store %q holds other types: %T", s.name, rows)
	}
}

// Get is the value of a key; false when there is none.
func (s KVStore[K, V]) Get(c StoreUser, key K) (v V, ok bool, err error) {
	rows, err := s.of(c)
	if err != nil {
		return v, false, err
	}
	v, _, ok = rows.Get(key)
	return v, ok, nil
}

// GetTime is Get with the time of the row; it is zero in a store without times.
func (s KVStore[K, V]) GetTime(c StoreUser, key K) (v V, at time.Time, ok bool, err error) {
	rows, err := s.of(c)
	if err != nil {
		return v, at, false, err
	}
	v, ts, ok := rows.Get(key)
	return v, time.UnixMilli(ts), ok, nil
}

// Put sets a value, stamped with the time of the record at hand; nil of an optional type deletes the row.
func (s KVStore[K, V]) Put(c StoreUser, key K, v V) error {
	rows, err := s.of(c)
	if err == nil {
		rows.Set(key, v, false)
	}
	return err
}

// PutIfAbsent sets a value where there is none and answers the one that is there.
func (s KVStore[K, V]) PutIfAbsent(c StoreUser, key K, v V) (old V, had bool, err error) {
	if old, had, err = s.Get(c, key); err == nil && !had {
		err = s.Put(c, key, v)
	}
	return old, had, err
}

// Delete removes a row.
func (s KVStore[K, V]) Delete(c StoreUser, key K) error {
	rows, err := s.of(c)
	if err == nil {
		var none V
		rows.Set(key, none, true)
	}
	return err
}

// Range calls f for the rows from lo to hi, both included, in the order of the keys' bytes; nil is no bound. f may write.
func (s KVStore[K, V]) Range(c StoreUser, lo, hi *K, f func(K, V) bool) error {
	rows, err := s.of(c)
	if err == nil {
		rows.Range(lo, hi, func(k K, v V, _ int64) bool { return f(k, v) })
	}
	return err
}

// WindowStore is a handle of a window store.
type WindowStore[K, V any] struct {
	name  string
	key   Serde[K]
	value Serde[V]
	size  int64
	opts  storeOptions
}

// Windows declares a window store for processors: rows by key and time, kept for the retention.
func Windows[K, V any](name string, k Serde[K], v Serde[V], size, retention time.Duration, opts ...StoreOption) WindowStore[K, V] {
	o := storeOpts(opts)
	o.retention = retention
	return WindowStore[K, V]{name, k, v, size.Milliseconds(), o}
}

func (s WindowStore[K, V]) storeName() string { return s.name }

func (s WindowStore[K, V]) declare(b *Builder, pos string) {
	if old := b.g.Store(s.name); old != nil && old.Kind == topology.Window {
		return
	}
	if s.opts.retention < time.Duration(s.size)*time.Millisecond {
		b.g.Fail(pos, "store %q keeps its rows for less than a window", s.name)
	}
	s.opts.declare(b, s.name, topology.Window, pos)
}

func (s WindowStore[K, V]) open(bd *binding) {
	once(bd, "store "+s.name, func() *operator.WindowRows[K, V] {
		rows := operator.NewWindowRows(bd.storeNode(s.name), operator.NewCodec(s.key), operator.NewCodec(s.value), bd.b.g.Store(s.name).Logged, false, s.opts.duplicates, s.size, s.opts.retention.Milliseconds())
		bd.task.SetStore(s.name, rows)
		return rows
	})
}

func (s WindowStore[K, V]) of(c StoreUser) (*operator.WindowRows[K, V], error) {
	if rows, ok := c.StoreNamed(s.name).(*operator.WindowRows[K, V]); ok {
		return rows, nil
	}
	return nil, fmt.Errorf("window store %q is not connected: name it in the call of Process", s.name)
}

// Put sets the value of a key at a time.
func (s WindowStore[K, V]) Put(c StoreUser, key K, at time.Time, v V) error {
	rows, err := s.of(c)
	if err == nil {
		rows.Set(key, at.UnixMilli(), v, false)
	}
	return err
}

// Get is the value of a key at a time.
func (s WindowStore[K, V]) Get(c StoreUser, key K, at time.Time) (v V, ok bool, err error) {
	rows, err := s.of(c)
	if err != nil {
		return v, false, err
	}
	v, _, ok = rows.Get(key, at.UnixMilli())
	return v, ok, nil
}

// Fetch calls f for the values of a key from one time to another, both included, oldest first.
func (s WindowStore[K, V]) Fetch(c StoreUser, key K, from, to time.Time, f func(at time.Time, v V) bool) error {
	rows, err := s.of(c)
	if err == nil {
		rows.Fetch(key, from.UnixMilli(), to.UnixMilli(), func(start int64, v V, _ int64) bool { return f(time.UnixMilli(start), v) })
	}
	return err
}
