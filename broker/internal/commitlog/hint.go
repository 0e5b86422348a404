package commitlog

import "sync"

// hints remember where the last reads of a log ended: most reads go on there, and need no index.
type hints struct {
	mu   sync.Mutex // guards the fields below
	ring [4]hint
	next int
}

// hint says that the batch at position in segment is the first that ends at or behind offset. It holds as long as
// Log.cuts has not changed.
type hint struct {
	segment                *segment
	offset, position, cuts int64
}

func (h *hints) put(n hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring[h.next] = n
	h.next = (h.next + 1) % len(h.ring)
}

// take answers the position for offset in the segment, and forgets it: the reader that goes on leaves a new one.
func (h *hints) take(offset int64, s *segment, cuts int64) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.ring {
		if n := &h.ring[i]; n.offset == offset && n.segment == s && n.cuts == cuts && n.position > 0 {
			position := n.position
			*n = hint{}
			h.next = i
			return position, true
		}
	}
	return 0, false
}
