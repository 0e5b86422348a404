package replica

import "sync/atomic"

// Watch waits for any of several partitions to have something new: the read side of a long poll. It fires once.
type Watch struct {
	fired atomic.Bool
	fire  func()
}

// NewWatch makes a watch; fire is called at most once, on the goroutine that moved a high watermark, and must not block.
func NewWatch(fire func()) *Watch { return &Watch{fire: fire} }

func (w *Watch) wake() {
	if w.fired.CompareAndSwap(false, true) {
		w.fire()
	}
}

// Cancel makes sure that fire is not called any more. It answers false when it was, or is being, called.
func (w *Watch) Cancel() bool { return w.fired.CompareAndSwap(false, true) }

// Watch registers w for the next movement of the high watermark beyond seen, for the end of this leadership, and for
// the end of the partition. When that has happened already w is woken at once.
func (p *Partition) Watch(w *Watch, seen int64) {
	p.mu.Lock()
	now := p.removed || p.high.Load() > seen
	if !now {
		p.readers = append(p.readers[:drop(p.readers)], w)
	}
	p.mu.Unlock()
	if now {
		w.wake()
	}
}

// drop moves watches that have fired out of the list and answers how many are left.
func drop(list []*Watch) int {
	n := 0
	for _, w := range list {
		if !w.fired.Load() {
			list[n] = w
			n++
		}
	}
	clear(list[n:])
	return n
}

// WakeReaders wakes every watch of every partition.
func (r *Replicas) WakeReaders() {
	for _, p := range r.All() {
		p.mu.Lock()
		work := completion{watches: p.readers}
		p.readers = nil
		p.mu.Unlock()
		work.run()
	}
}
