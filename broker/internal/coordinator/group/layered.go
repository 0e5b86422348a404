package group

import (
	"iter"
	"maps"
	"slices"
)

// layered is a map that a draft can change without copying it: a fork holds its own changes over the map that it was made
// from. A group of a thousand members over ten thousand partitions has large maps, and a heartbeat changes little of them.
// The map below a fork must not change while the fork is used.
type layered[K comparable, V any] struct {
	base map[K]V
	over map[K]change[V] // nil: base is its own
	size int
}

// change is what a fork says of a key: its value, or that it is gone.
type change[V any] struct {
	value V
	gone  bool
}

func newLayered[K comparable, V any]() layered[K, V] { return layered[K, V]{base: map[K]V{}} }

// fork answers a map that is the same until one of its own changes.
func (l *layered[K, V]) fork() layered[K, V] {
	if l.over != nil {
		return layered[K, V]{l.base, maps.Clone(l.over), l.size}
	}
	return layered[K, V]{l.base, map[K]change[V]{}, l.size}
}

func (l *layered[K, V]) lookup(k K) (V, bool) {
	if c, ok := l.over[k]; ok {
		return c.value, !c.gone
	}
	v, ok := l.base[k]
	return v, ok
}

// get answers the value of k, or none's.
func (l *layered[K, V]) get(k K) V {
	v, _ := l.lookup(k)
	return v
}

func (l *layered[K, V]) len() int { return l.size }

func (l *layered[K, V]) set(k K, v V) {
	if _, there := l.lookup(k); !there {
		l.size++
	}
	if l.over == nil {
		l.base[k] = v
		return
	}
	l.over[k] = change[V]{value: v}
}

func (l *layered[K, V]) delete(k K) {
	if _, there := l.lookup(k); !there {
		return
	}
	l.size--
	if l.over == nil {
		delete(l.base, k)
		return
	}
	l.over[k] = change[V]{gone: true}
}

// all goes over the pairs in no order.
func (l *layered[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for k, v := range l.base {
			if _, changed := l.over[k]; !changed && !yield(k, v) {
				return
			}
		}
		for k, c := range l.over {
			if !c.gone && !yield(k, c.value) {
				return
			}
		}
	}
}

// keysOf answers the keys in order.
func keysOf[V any](l *layered[string, V]) []string {
	keys := make([]string, 0, l.len())
	for k := range l.all() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
