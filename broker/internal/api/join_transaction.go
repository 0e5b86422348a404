package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
)

// How long a partition's first write waits for the transaction before to complete: a client that commits and goes on at
// once need not be sent away for a few milliseconds (KIP-890). The first looks come soon: markers take two syncs of the
// journal, which is a millisecond on a good disk.
const (
	firstJoinRetry = 300 * time.Microsecond
	lastJoinRetry  = 10 * time.Millisecond
	joinPatience   = 100 * time.Millisecond
)

// joining is a write that waits to become part of a transaction, or to hear that its partitions are part of it.
type joining struct {
	ctx   context.Context //nolint:containedctx // of the request: nobody waits any more when it ends
	ask   func(ev txn.AddPartitions, done func(reply any, code int16))
	ev    txn.AddPartitions
	until time.Time
	retry time.Duration
	// look notes where the logs end, before the coordinator is asked, each time. crossed tells whether a marker of the
	// producer came behind what look saw: after a yes it is that of the transaction before, which completed while the
	// question was on its way, and the guard that look made would refuse the write; so it is asked anew.
	look    func()
	crossed func() bool
	done    func(codes []int16) // once, with a code for each partition
}

// join adds partitions to a transaction, or verifies that they belong to it, and calls done with a code for each.
func (s *Server) join(ctx context.Context, ev txn.AddPartitions, look func(), crossed func() bool, done func(codes []int16)) {
	j := &joining{ctx: ctx, ev: ev, until: time.Now().Add(joinPatience), retry: firstJoinRetry, look: look, crossed: crossed, done: done}
	j.ask = func(ev txn.AddPartitions, done func(any, int16)) { s.askTransaction(ev.ID, ev, done) }
	j.try()
}

func (j *joining) try() {
	j.look()
	j.ask(j.ev, func(reply any, code int16) { // on the coordinator's goroutine
		codes := make([]int16, len(j.ev.Partitions))
		for i := range codes {
			if codes[i] = code; code == 0 {
				codes[i] = reply.(txn.Added)[i]
			}
		}
		if wait, again := j.again(codes); again {
			time.AfterFunc(wait, j.try)
			return
		}
		for i := range codes {
			codes[i] = joinedCode(codes[i])
		}
		j.done(codes)
	})
}

// again tells whether to ask once more, and after how long.
func (j *joining) again(codes []int16) (time.Duration, bool) {
	if len(codes) == 0 || j.ctx.Err() != nil || !time.Now().Before(j.until) {
		return 0, false
	}
	switch {
	case codes[0] == kerr.ConcurrentTransactions.Code:
		wait := j.retry
		j.retry = min(2*j.retry, lastJoinRetry)
		return wait, true
	case codes[0] == 0 && j.crossed():
		return 0, true
	}
	return 0, false
}
