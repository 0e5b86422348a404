package runtime

import (
	"errors"
	"fmt"
	"sync"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// Partition is what a shard needs of its partition. *replica.Partition is one.
type Partition interface {
	Append(batch []byte, acks replica.Acks, params commitlog.AppendParams, ack replica.Ack) (commitlog.Appended, error)
	Watch(w *replica.Watch, seen int64)
	HighWatermark() int64
	CheckLeader(epoch int32) error
	Log() *commitlog.Log
	Config() *config.Topic
}

// refused tells whether the log would not take a producer's batch. Nothing is wrong with the machine then.
func refused(err error) bool {
	return errors.Is(err, commitlog.ErrInvalidProducerEpoch) || errors.Is(err, commitlog.ErrInvalidTxnState) || errors.Is(err, commitlog.ErrCoordinatorFenced)
}

// append writes the records of a decision as one batch.
func (s *shard[E, R]) append(e coordinator.Effects[R]) error {
	b := record.Builder{Codec: s.cfg.Codec, Level: record.DefaultLevel}
	if e.Producer != nil {
		b.Transactional = true
		b.Producer = record.ProducerStamp{Set: true, ID: e.Producer.ID, Epoch: e.Producer.Epoch, Sequence: record.NoSequence}
	}
	now := s.cfg.Now().UnixMilli()
	for _, r := range e.Records {
		key, value := s.machine.Encode(r)
		b.Append(now, key, value, nil)
	}
	batch, err := b.Build()
	if err != nil {
		return err
	}
	params := commitlog.AppendParams{Origin: commitlog.FromCoordinator, AppendTime: -1}
	if e.Producer != nil {
		params.Guard = commitlog.Guard{Set: e.Producer.Guarded, End: e.Producer.Since}
	}
	if err := s.write(batch, params); err != nil {
		return fmt.Errorf("append %d records: %w", len(e.Records), err)
	}
	return nil
}

func (s *shard[E, R]) write(batch record.Batch, params commitlog.AppendParams) error {
	p := s.replies.partition
	if limit := p.Config().MaxMessageBytes; len(batch) > limit {
		return fmt.Errorf("%w: %d > %d bytes", ErrTooLarge, len(batch), limit)
	}
	ack := &ack{replies: s.replies}
	done, err := p.Append(batch, replica.AcksAll, params, ack)
	if err != nil {
		return err
	}
	s.replies.appended(done.LastOffset+1, ack)
	return nil
}

// replies are those that wait for the high watermark, in order.
type replies struct {
	partition Partition
	failed    chan struct{} // closed with the first append that will never be acknowledged

	mu      sync.Mutex // guards the fields below
	end     int64      // of what was appended
	durable int64      // everything below is
	waiting []waiting  // by end
	cause   error
}

type waiting struct {
	end int64
	reply
}

type reply struct {
	done  func(reply any, err error)
	value any
}

func newReplies(p Partition, end int64) *replies {
	return &replies{partition: p, failed: make(chan struct{}), end: end, durable: end}
}

// ack is the acknowledgement of one batch. It may come before Append has told the batch's end.
type ack struct {
	replies *replies
	end     int64 // guarded by replies.mu; 0: not told yet
	acked   bool  // guarded by replies.mu
}

// Acked is called by the committer.
func (a *ack) Acked(err error) {
	r := a.replies
	r.mu.Lock()
	a.acked = true
	if err != nil && r.cause == nil {
		r.cause = err
		close(r.failed)
	}
	out := r.advance(a)
	r.mu.Unlock()
	send(out)
}

// appended tells the end of a batch.
func (r *replies) appended(end int64, a *ack) {
	r.mu.Lock()
	a.end, r.end = end, end
	out := r.advance(a)
	r.mu.Unlock()
	send(out)
}

// advance answers the replies that an acknowledgement sets free. The caller holds mu and sends them after it let go.
func (r *replies) advance(a *ack) []waiting {
	if !a.acked || a.end == 0 || r.cause != nil {
		return nil
	}
	r.durable = max(r.durable, a.end)
	n := 0
	for n < len(r.waiting) && r.waiting[n].end <= r.durable {
		n++
	}
	out := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	return out
}

// add queues replies that wait for everything appended so far.
func (r *replies) add(list []reply) {
	var out []waiting
	r.mu.Lock()
	for _, x := range list {
		w := waiting{r.end, x}
		if r.end <= r.durable {
			out = append(out, w)
		} else {
			r.waiting = append(r.waiting, w)
		}
	}
	r.mu.Unlock()
	send(out)
}

func send(list []waiting) {
	for _, w := range list {
		w.done(w.value, nil)
	}
}

func (r *replies) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause
}

// fail answers everything that waits; later acknowledgements find nothing.
func (r *replies) fail(err error) {
	r.mu.Lock()
	list := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, w := range list {
		w.done(nil, err)
	}
}
