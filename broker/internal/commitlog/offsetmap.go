package commitlog

import (
	"hash/maphash"
	"math/bits"
)

// slotBytes is what one key takes in an offsetMap: 16 bytes of hash and an offset, as in Kafka's.
const slotBytes = 24

// offsetMap knows the newest offset of each key in the dirty part of a log. It holds 128 bits of hash for a key, from
// two seeds that are new for each map: two keys of one log fall together once in 2^128, and nobody can choose them so.
//
// It never grows: the memory is the operator's to give (log.cleaner.dedupe.buffer.size).
type offsetMap struct {
	seeds [2]maphash.Seed
	slots []slot
	used  int
	limit int // keys, by the load factor
}

type slot struct {
	hash [2]uint64
	next int64 // offset + 1; 0 is free
}

// newOffsetMap makes a map of at most maxBytes for at most keys many keys.
func newOffsetMap(maxBytes int64, loadFactor float64, keys int64) *offsetMap {
	loadFactor = min(max(loadFactor, 0.1), 0.95)
	n := min(max(maxBytes/slotBytes, 4), int64(float64(keys)/loadFactor)+2)
	return &offsetMap{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		slots: make([]slot, n), limit: max(int(float64(n)*loadFactor), 1),
	}
}

// find answers the slot that key is in, or would be put into.
func (m *offsetMap) find(key []byte) (*slot, [2]uint64) {
	h := [2]uint64{maphash.Bytes(m.seeds[0], key), maphash.Bytes(m.seeds[1], key)}
	hi, _ := bits.Mul64(h[0], uint64(len(m.slots)))
	for i := int(hi); ; i++ {
		if i == len(m.slots) {
			i = 0
		}
		if s := &m.slots[i]; s.next == 0 || s.hash == h {
			return s, h
		}
	}
}

// put says that key has offset, which is larger than all before; false means that the map is full and the key is new.
func (m *offsetMap) put(key []byte, offset int64) bool {
	s, h := m.find(key)
	if s.next == 0 {
		if m.used == m.limit {
			return false
		}
		m.used++
		s.hash = h
	}
	s.next = offset + 1
	return true
}

// newest answers the newest offset of key, -1 when the map does not know it.
func (m *offsetMap) newest(key []byte) int64 {
	s, _ := m.find(key)
	return s.next - 1
}
