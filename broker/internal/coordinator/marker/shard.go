package marker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// Between two attempts.
const (
	firstRetry = 10 * time.Millisecond
	lastRetry  = time.Second
)

// shard works for one partition of __transaction_state in one leader epoch.
type shard struct {
	cfg       *Config
	partition int32
	epoch     int32
	running   sync.WaitGroup

	mu     sync.Mutex // guards active
	active map[string]bool
}

// run takes decided transactions until ctx ends.
func (s *shard) run(ctx context.Context) {
	defer s.running.Wait()
	retry := backoff{}
	for ctx.Err() == nil {
		reply, err := s.ask(ctx, txn.NextMarkers{}, nil)
		if err != nil { // it loads, or it is about to be somebody else's
			retry.wait(ctx)
			continue
		}
		retry = backoff{}
		for _, m := range reply.([]txn.Markers) {
			if s.begin(m.ID) {
				s.running.Go(func() { s.work(ctx, m) })
			}
		}
	}
}

// begin makes the transactional id this goroutine's. A core that was loaded anew hands out again what is worked on.
func (s *shard) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[id] {
		return false
	}
	s.active[id] = true
	return true
}

func (s *shard) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.active, id)
}

// ask waits for the coordinator's reply. Before, if not nil, is called with a reply before anything that was decided
// later is answered.
func (s *shard) ask(ctx context.Context, ev txn.Event, before func()) (any, error) {
	type answer struct {
		reply any
		err   error
	}
	got := make(chan answer, 1) // one answer, maybe when nobody waits any more
	s.cfg.Coordinators.Submit(s.partition, ev, func(reply any, err error) {
		if err == nil && before != nil {
			before()
		}
		got <- answer{reply, err}
	})
	select {
	case a := <-got:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// work ends one transaction.
func (s *shard) work(ctx context.Context, m txn.Markers) {
	left := targets(m)
	for retry := (backoff{}); len(left) > 0; {
		if left = s.write(ctx, m, left); len(left) > 0 && !retry.wait(ctx) {
			return
		}
	}
	done := txn.Completed{ID: m.ID, ProducerID: m.ProducerID, Epoch: m.Epoch}
	for retry := (backoff{}); ctx.Err() == nil; retry.wait(ctx) {
		// The next transaction of the id may be handed out as soon as this reply has left.
		if _, err := s.ask(ctx, done, func() { s.end(m.ID) }); err == nil {
			return
		}
	}
}

func targets(m txn.Markers) (out []txn.TopicPartition) {
	for _, p := range m.Partitions {
		for _, index := range p.List {
			out = append(out, txn.TopicPartition{Topic: p.Topic, Partition: index})
		}
	}
	return out
}

// write writes a marker into each partition and waits until they are durable. It answers those that are not.
func (s *shard) write(ctx context.Context, m txn.Markers, to []txn.TopicPartition) (left []txn.TopicPartition) {
	type result struct {
		tp  txn.TopicPartition
		err error
	}
	results := make(chan result, len(to)) // one each, so that nobody blocks
	open := make(map[txn.TopicPartition]bool, len(to))
	for _, tp := range to {
		if ctx.Err() != nil {
			return to
		}
		open[tp] = true
		s.writeOne(tp, m, func(err error) { results <- result{tp, err} })
	}
	for len(open) > 0 {
		select {
		case r := <-results:
			delete(open, r.tp)
			if !s.settled(r.tp, m, r.err) {
				left = append(left, r.tp)
			}
		case <-ctx.Done():
			return to
		}
	}
	return left
}

func (s *shard) writeOne(tp txn.TopicPartition, m txn.Markers, done func(error)) {
	r := record.Marker{
		Type: record.Abort, ProducerID: m.ProducerID, ProducerEpoch: m.Epoch, CoordinatorEpoch: s.epoch, Timestamp: s.cfg.Now().UnixMilli(),
	}
	if m.Commit {
		r.Type = record.Commit
	}
	raised := m.ClientVersion >= 2
	p, gone := s.cfg.Partition(tp.Topic, tp.Partition)
	switch {
	case gone:
		done(nil)
	case tp.Topic == s.cfg.OffsetsTopic:
		s.cfg.Offsets(tp.Partition, r, raised, done)
	case p == nil:
		done(replica.ErrUnknownPartition)
	default:
		params := commitlog.AppendParams{Origin: commitlog.FromCoordinator, AppendTime: -1, CoordinatorEpoch: s.epoch, RaisedEpoch: raised}
		if _, err := p.Append(r.Batch(), replica.AcksAll, params, ackFunc(done)); err != nil {
			done(err)
		}
	}
}

// ackFunc is a replica.Ack.
type ackFunc func(error)

// Acked is replica.Ack's.
func (f ackFunc) Acked(err error) { f(err) }

// settled tells whether a partition needs no marker any more.
func (s *shard) settled(tp txn.TopicPartition, m txn.Markers, err error) bool {
	if err == nil {
		return true
	}
	if errors.Is(err, commitlog.ErrInvalidProducerEpoch) { // a later epoch was here: nothing of this one is open
		s.cfg.Logger.Warn("a partition has a later epoch than a transaction's marker", "topic", tp.Topic, "partition", tp.Partition, "producer", m.ProducerID, "epoch", m.Epoch, "error", err)
		return true
	}
	s.cfg.Logger.Debug("a transaction's marker is written again", "topic", tp.Topic, "partition", tp.Partition, "producer", m.ProducerID, "error", err)
	return false
}

// backoff waits longer from time to time.
type backoff struct{ last time.Duration }

// wait answers false when ctx has ended.
func (b *backoff) wait(ctx context.Context) bool {
	b.last = min(max(2*b.last, firstRetry), lastRetry)
	t := time.NewTimer(b.last)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
