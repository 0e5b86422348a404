package runtime

import (
	"container/heap"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// timers are those of one shard, under one time.Timer. Its goroutine owns them.
type timers struct {
	heap  timerHeap
	byKey map[coordinator.TimerKey]*entry
	clock *time.Timer
}

type entry struct {
	key coordinator.TimerKey
	at  time.Time
	n   uint64 // order of setting, for timers of the same moment
	pos int
}

// set sets, replaces or cancels a timer.
func (t *timers) set(timer coordinator.Timer, now time.Time) {
	if t.byKey == nil {
		t.byKey = map[coordinator.TimerKey]*entry{}
	}
	e := t.byKey[timer.Key]
	switch {
	case timer.After <= 0 && e == nil:
	case timer.After <= 0:
		heap.Remove(&t.heap, e.pos)
		delete(t.byKey, timer.Key)
	case e == nil:
		e = &entry{key: timer.Key, at: now.Add(timer.After), n: t.heap.next()}
		t.byKey[timer.Key] = e
		heap.Push(&t.heap, e)
	default:
		e.at, e.n = now.Add(timer.After), t.heap.next()
		heap.Fix(&t.heap, e.pos)
	}
}

// next removes the first timer whose time has come. One at a time: the event of one may cancel another.
func (t *timers) next(now time.Time) (key coordinator.TimerKey, ok bool) {
	if len(t.heap.list) == 0 || t.heap.list[0].at.After(now) {
		return key, false
	}
	e := heap.Pop(&t.heap).(*entry)
	delete(t.byKey, e.key)
	return e.key, true
}

// due is a channel that yields when the next timer's time comes; nil without timers.
func (t *timers) due() <-chan time.Time {
	if len(t.heap.list) == 0 {
		return nil
	}
	wait := time.Until(t.heap.list[0].at)
	if t.clock == nil {
		t.clock = time.NewTimer(wait)
	} else {
		t.clock.Reset(wait)
	}
	return t.clock.C
}

func (t *timers) stop() {
	if t.clock != nil {
		t.clock.Stop()
	}
	t.clock = nil
}

func (t *timers) clear() {
	t.stop()
	t.heap.list, t.byKey = nil, nil
}

// timerHeap is a container/heap.
type timerHeap struct {
	list []*entry
	n    uint64
}

func (h *timerHeap) next() uint64 { h.n++; return h.n }

func (h *timerHeap) Len() int { return len(h.list) }

func (h *timerHeap) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.n < b.n
}

func (h *timerHeap) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].pos, h.list[j].pos = i, j
}

func (h *timerHeap) Push(x any) {
	e := x.(*entry)
	e.pos = len(h.list)
	h.list = append(h.list, e)
}

func (h *timerHeap) Pop() any {
	last := len(h.list) - 1
	e := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	return e
}
