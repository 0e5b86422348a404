package e2e

import (
	"fmt"
	"sync"
)

// Ack is an acknowledged record: the broker has promised to keep Value at Offset.
type Ack struct {
	Value  Value
	Offset int64
}

// series is what one producer writes to one partition.
type series struct {
	partition Partition
	producer  string
}

// History records what producers sent and what the broker acknowledged. All methods may be called at once.
type History struct {
	mu     sync.Mutex // guards the fields below
	sent   map[series]int64
	acked  []Ack
	failed []error
}

// NewHistory makes an empty one.
func NewHistory() *History { return &History{sent: map[series]int64{}} }

// Next makes the next value of a producer for a partition; from now on it may appear in the log.
func (h *History) Next(p Partition, producer string) Value {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := series{p, producer}
	v := Value{p, producer, h.sent[s]}
	h.sent[s]++
	return v
}

// Acked notes that the broker acknowledged v at offset.
func (h *History) Acked(v Value, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked = append(h.acked, Ack{v, offset})
}

// Failed notes that a client gave up on v: it may be in the log or not.
func (h *History) Failed(v Value, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = append(h.failed, fmt.Errorf("%s: %w", v, err))
}

// Sent answers whether v was given to a client at any time.
func (h *History) Sent(v Value) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return v.Sequence >= 0 && v.Sequence < h.sent[series{v.Partition, v.Producer}]
}

// Given answers how many records were given to clients.
func (h *History) Given() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := int64(0)
	for _, sent := range h.sent {
		n += sent
	}
	return int(n)
}

// Settled answers whether every record that was given to a client came back, acknowledged or failed.
func (h *History) Settled() bool {
	h.mu.Lock()
	done := len(h.acked) + len(h.failed)
	h.mu.Unlock()
	return done >= h.Given()
}

// Count answers how many records were acknowledged.
func (h *History) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.acked)
}

// Acks answers the acknowledgements from the from-th on. The slice is not written to later.
func (h *History) Acks(from int) []Ack {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked[from:len(h.acked):len(h.acked)]
}

// Failures answers what clients gave up on.
func (h *History) Failures() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed[:len(h.failed):len(h.failed)]
}
