package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// request is one Submit on its way into the loop.
type request struct {
	event cluster.Event
	done  chan<- answer // capacity 1, so that the loop never waits for a caller who went away
}

type answer struct {
	reply cluster.Reply
	err   error
}

// waiting is a decided event: its reply is valid once the entry at index is applied.
type waiting struct {
	index uint64
	reply cluster.Reply
	done  chan<- answer
}

// Submit decides an event: the reply comes when its records are committed, durable, applied and published. The error is
// a *NotLeaderError, the context's, ErrStopped, or ErrOutcomeUnknown; what is wrong with an item stands in the reply.
func (c *Controller) Submit(ctx context.Context, ev cluster.Event) (cluster.Reply, error) {
	done := make(chan answer, 1)
	select {
	case c.requests <- request{ev, done}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.stopped:
		return nil, ErrStopped
	}
	select {
	case a := <-done:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
	case <-c.stopped:
	}
	select { // stop may have answered just before
	case a := <-done:
		return a.reply, a.err
	default:
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrStopped)
	}
}

// maxBatch is how many events share one entry of the journal at most.
const maxBatch = 256

// decideAll decides r and whoever else waits by now: they all share the next sync.
func (c *Controller) decideAll(r request) error {
	for range maxBatch {
		if err := c.decide(r); err != nil {
			return err
		}
		select {
		case r = <-c.requests:
		default:
			return nil
		}
	}
	return c.decide(r)
}

// decide lets the machine answer one event on the state that everything proposed so far will have made.
func (c *Controller) decide(r request) error {
	switch {
	case c.role != quorum.Leader:
		r.done <- answer{err: &NotLeaderError{Leader: int32(c.node.Status().Leader)}}
		return nil
	case c.machine == nil:
		c.held = append(c.held, r)
		return nil
	}
	fx, err := c.machine.Decide(cluster.Now{Time: c.cfg.Now(), Offset: int64(c.node.Next())}, r.event)
	if err == nil && len(fx.Records) > 0 {
		err = c.propose(fx.Records)
	}
	if err != nil {
		r.done <- answer{err: err}
		var broken *brokenStateError
		if errors.As(err, &broken) {
			return err // the log is damaged; everything else concerns this event alone
		}
		return nil
	}
	// Without records of its own the reply may still rest on what others proposed: it waits for the last of them.
	c.waiting = append(c.waiting, waiting{c.node.Next() - 1, fx.Reply, r.done})
	c.reply()
	return nil
}

// brokenStateError says that the machine refused its own record: nothing it decides can be trusted any more.
type brokenStateError struct{ err error }

func (e *brokenStateError) Error() string { return "the cluster's state is broken: " + e.err.Error() }
func (e *brokenStateError) Unwrap() error { return e.err }

// propose appends records as one entry and takes them into the machine.
func (c *Controller) propose(records []metadata.Record) error {
	if err := c.node.Propose(metadata.EncodeList(records)); err != nil {
		return fmt.Errorf("propose: %w", err)
	}
	for _, r := range records {
		if err := c.machine.Apply(r); err != nil {
			return &brokenStateError{err}
		}
	}
	return nil
}

// reply answers those whose entry is applied.
func (c *Controller) reply() {
	applied := c.Image().Offset
	n := 0
	for n < len(c.waiting) && int64(c.waiting[n].index) <= applied {
		c.waiting[n].done <- answer{reply: c.waiting[n].reply}
		n++
	}
	c.waiting = append(c.waiting[:0], c.waiting[n:]...)
}
