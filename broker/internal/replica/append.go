package replica

import (
	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
)

// Acks says what an append waits for.
type Acks int8

const (
	AcksNone   Acks = 0  // nothing is answered; the bytes are borrowed until durable all the same
	AcksLeader Acks = 1  // durable here
	AcksAll    Acks = -1 // the high watermark
)

// Ack is told once what became of an append, from the committer's goroutine: it must not block.
type Ack interface {
	// Acked is called with nil when the wait of the append is over, else with why it never will be.
	Acked(err error)
}

// Append stamps a validated batch, writes it and registers ack, which is called exactly once, maybe before Append
// returns. batch is patched in place and borrowed until then. With an error ack is not called.
func (p *Partition) Append(batch []byte, acks Acks, params commitlog.AppendParams, ack Ack) (commitlog.Appended, error) {
	p.mu.Lock()
	if p.removed {
		p.mu.Unlock()
		return commitlog.Appended{}, ErrUnknownPartition
	}
	if err := p.core.CheckAppend(acks == AcksAll); err != nil {
		p.mu.Unlock()
		return commitlog.Appended{}, err
	}
	params.LeaderEpoch = p.core.Epoch()
	p.mu.Unlock()

	done, err := p.log.Append(batch, params)
	if err != nil {
		return done, err
	}
	p.await(done.LastOffset+1, acks, ack)
	return done, nil
}

// await registers a waiter for everything below end, or completes it at once. Also a duplicate waits: the original
// may not be durable yet.
func (p *Partition) await(end int64, acks Acks, ack Ack) {
	p.mu.Lock()
	p.core.Durable(p.log.DurableEnd())
	err := p.log.Offline()
	if p.removed {
		err = ErrUnknownPartition
	}
	if err == nil {
		p.acks.add(waiter{end: end, all: acks == AcksAll, ack: ack})
	}
	work := p.advance()
	p.mu.Unlock()
	work.run()
	if err != nil {
		ack.Acked(err)
	}
}
