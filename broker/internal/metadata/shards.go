package metadata

import "maps"

// shards is a map in 256 parts, so that the next image copies only the parts that change: one topic among 10,000 costs a
// copy of 256 pointers and of about 40 entries. The zero value is empty.
//
// A shards value that an image holds is never written to; an edit makes the next one.
type shards[K comparable, V any] struct {
	parts *[256]map[K]V
	count int
}

func (s shards[K, V]) get(part uint8, key K) (V, bool) {
	if s.parts == nil {
		var none V
		return none, false
	}
	v, ok := s.parts[part][key]
	return v, ok
}

// each calls fn for every entry, in no order.
func (s shards[K, V]) each(fn func(K, V)) {
	if s.parts == nil {
		return
	}
	for _, part := range s.parts {
		for k, v := range part {
			fn(k, v)
		}
	}
}

// edit writes to a shards value that it owns part by part: each is copied before its first write.
type edit[K comparable, V any] struct {
	owned [256]bool
	any   bool
}

func (e *edit[K, V]) own(s *shards[K, V], part uint8) map[K]V {
	if !e.any {
		parts := new([256]map[K]V)
		if s.parts != nil {
			*parts = *s.parts
		}
		s.parts, e.any = parts, true
	}
	if !e.owned[part] {
		m := maps.Clone(s.parts[part])
		if m == nil {
			m = make(map[K]V)
		}
		s.parts[part], e.owned[part] = m, true
	}
	return s.parts[part]
}

func (e *edit[K, V]) set(s *shards[K, V], part uint8, key K, v V) {
	m := e.own(s, part)
	before := len(m)
	m[key] = v
	s.count += len(m) - before
}

func (e *edit[K, V]) delete(s *shards[K, V], part uint8, key K) {
	if _, ok := s.get(part, key); ok {
		delete(e.own(s, part), key)
		s.count--
	}
}

// partOf spreads names (FNV-1a), partOfID spreads ids, which are random by themselves.
func partOf(name string) uint8 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return uint8(h ^ h>>8 ^ h>>16 ^ h>>24)
}

func partOfID(id UUID) uint8 { return id[0] ^ id[7] ^ id[15] }
