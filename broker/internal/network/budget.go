package network

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// budget bounds the bytes of requests in memory (KIP-72). Whoever finds it above zero may take what it needs, even if
// that brings it below zero; then everybody waits. So a request larger than the budget still gets through, alone.
//
// A frame that is half read and needs more would wait for memory that other halves hold. So one frame at a time may
// overdraw: it takes what it needs without waiting. Only when it is freed may the next one overdraw.
type budget struct {
	free    atomic.Int64
	waiting atomic.Int32 // len(queue), to be looked at without the lock

	mu        sync.Mutex // guards the fields below
	queue     []*claim
	overdraft *claim // the claim by which a frame began to overdraw
}

// claim is a wait for n bytes.
type claim struct {
	n         int64
	half      bool   // for a frame that is half read
	overdraft *claim // by which that frame overdraws already
	granted   chan struct{}
}

func newBudget(n int64) *budget {
	b := new(budget)
	b.free.Store(n)
	return b
}

// tryTake takes n bytes if nobody waits and something is left.
func (b *budget) tryTake(n int64) bool {
	for b.waiting.Load() == 0 {
		free := b.free.Load()
		if free <= 0 {
			return false
		}
		if b.free.CompareAndSwap(free, free-n) {
			return true
		}
	}
	return false
}

// take waits until the claim is granted.
func (b *budget) take(ctx context.Context, c *claim) error {
	c.granted = make(chan struct{})
	b.mu.Lock()
	b.queue = append(b.queue, c)
	b.grant() // what was released before the claim could be seen
	b.mu.Unlock()
	select {
	case <-c.granted:
		return nil
	case <-ctx.Done():
		b.withdraw(c)
		return ctx.Err()
	}
}

// force takes n bytes without waiting: memory that a request turns out to need beside its bytes.
func (b *budget) force(n int64) { b.free.Add(-n) }

func (b *budget) release(n int64) {
	b.free.Add(n)
	if b.waiting.Load() > 0 {
		b.mu.Lock()
		b.grant()
		b.mu.Unlock()
	}
}

// settle says that the frame that overdrew is gone.
func (b *budget) settle(overdraft *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.overdraft == overdraft {
		b.overdraft = nil
		b.grant()
	}
}

// grant serves claims in their order while something is left, and one half-read frame in any case.
func (b *budget) grant() {
	b.waiting.Store(int32(len(b.queue))) // before free is looked at: who releases looks the other way round
	b.queue = slices.DeleteFunc(b.queue, func(c *claim) bool {
		switch {
		case b.free.Load() > 0:
		case c.half && (b.overdraft == nil || b.overdraft == c.overdraft):
			if b.overdraft == nil {
				b.overdraft, c.overdraft = c, c
			}
		default:
			return false
		}
		b.free.Add(-c.n)
		close(c.granted)
		return true
	})
	b.waiting.Store(int32(len(b.queue)))
}

// withdraw takes back a claim, or its bytes when it was granted meanwhile.
func (b *budget) withdraw(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.queue, c); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	} else {
		b.free.Add(c.n)
		if b.overdraft == c {
			b.overdraft = nil
		}
	}
	b.grant()
}
