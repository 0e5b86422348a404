package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Between two attempts to load.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// item is what waits for a shard: an event or a marker, and who is told.
type item[E any] struct {
	event  E
	marker *record.Marker
	raised bool // of marker: see commitlog.AppendParams.RaisedEpoch
	done   func(reply any, err error)
}

// shard is one partition. Its goroutine owns the machine, the tickets and the timers.
type shard[E, R any] struct {
	cfg       *Config[E, R]
	partition int32
	cancel    context.CancelFunc

	machine coordinator.Machine[E, R]
	tickets map[coordinator.Ticket]func(reply any, err error)
	last    coordinator.Ticket
	timers  timers
	replies *replies

	mu     sync.Mutex // guards the fields below
	state  error      // ErrLoading, ErrNotCoordinator when gone, nil when active
	queue  []item[E]
	newest *E            // published last
	world  *E            // the same, not decided yet
	wakeup chan struct{} // capacity 1: a wake-up says as much as ten
}

func newShard[E, R any](cfg *Config[E, R], partition int32, cancel context.CancelFunc) *shard[E, R] {
	return &shard[E, R]{cfg: cfg, partition: partition, cancel: cancel, state: ErrLoading, wakeup: make(chan struct{}, 1)}
}

func (s *shard[E, R]) submit(i item[E]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil {
		return s.state
	}
	if len(s.queue) >= s.cfg.MaxQueue {
		return ErrBusy
	}
	s.queue = append(s.queue, i)
	s.wake()
	return nil
}

func (s *shard[E, R]) publish(ev E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest, s.world = &ev, &ev
	s.wake()
}

func (s *shard[E, R]) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// run loads and serves until ctx ends, again and again when an append fails.
func (s *shard[E, R]) run(ctx context.Context) {
	defer s.cancel()
	wait := firstRetry
	for ctx.Err() == nil {
		err := s.load(ctx)
		if err == nil {
			wait = firstRetry
			err = s.serve(ctx)
		}
		s.close(ErrLoading)
		if ctx.Err() != nil {
			break
		}
		s.cfg.Logger.Warn("a coordinator loads again", "topic", s.cfg.Topic, "partition", s.partition, "after", wait.String(), "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastRetry)
	}
	s.close(ErrNotCoordinator)
}

// close forgets the machine; whoever waits is told to look the coordinator up again.
func (s *shard[E, R]) close(state error) {
	s.mu.Lock()
	s.state = state
	queue := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, i := range queue {
		if i.done != nil {
			i.done(nil, ErrNotCoordinator)
		}
	}
	if s.replies != nil {
		s.replies.fail(ErrNotCoordinator)
	}
	for _, done := range s.tickets {
		done(nil, ErrNotCoordinator)
	}
	s.machine, s.tickets, s.replies = nil, nil, nil
	s.timers.clear()
}

// serve decides events until ctx ends or an append fails.
func (s *shard[E, R]) serve(ctx context.Context) error {
	defer s.timers.stop()
	s.mu.Lock()
	s.state, s.world = nil, s.newest // a new machine has not heard of it
	s.wake()
	s.mu.Unlock()
	if err := s.carryOut(s.machine.Loaded(s.cfg.Now()), 0); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wakeup:
		case <-s.timers.due():
		case <-s.replies.failed:
			return s.replies.err()
		}
		if err := s.work(ctx); err != nil {
			return err
		}
	}
}

// work decides everything there is. The requests that were there come before the timers that were due: a heartbeat
// that arrived in time must not lose against a session that ran out while the shard was busy.
func (s *shard[E, R]) work(ctx context.Context) error {
	for ctx.Err() == nil {
		s.mu.Lock()
		now, world, queue := time.Now(), s.world, s.queue
		s.world, s.queue = nil, nil
		s.mu.Unlock()
		if world != nil {
			if err := s.decide(item[E]{event: *world}); err != nil {
				s.giveBack(queue)
				return err
			}
		}
		for n, i := range queue {
			if err := s.decide(i); err != nil {
				s.giveBack(queue[n+1:])
				return err
			}
		}
		fired, err := s.fire(now)
		if err != nil {
			return err
		}
		if world == nil && len(queue) == 0 && !fired {
			return nil
		}
	}
	return nil
}

// fire decides the timers that were due at now.
func (s *shard[E, R]) fire(now time.Time) (any bool, err error) {
	for {
		key, ok := s.timers.next(now)
		if !ok {
			return any, nil
		}
		any = true
		if err := s.decide(item[E]{event: s.machine.Fired(key)}); err != nil {
			return any, err
		}
	}
}

// giveBack puts what was taken and not decided in front of the queue, for close to answer.
func (s *shard[E, R]) giveBack(rest []item[E]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(rest[:len(rest):len(rest)], s.queue...)
}

// decide takes one event to its effects. Its error ends this life of the machine.
func (s *shard[E, R]) decide(i item[E]) error {
	if i.marker != nil {
		return s.endTransaction(*i.marker, i.raised, i.done)
	}
	var t coordinator.Ticket
	if i.done != nil {
		s.last++
		t = s.last
		s.tickets[t] = i.done
	}
	return s.carryOut(s.machine.Decide(s.cfg.Now(), t, i.event), t)
}

// carryOut appends, applies, sets timers and queues replies.
func (s *shard[E, R]) carryOut(e coordinator.Effects[R], t coordinator.Ticket) error {
	if len(e.Records) > 0 {
		if err := s.append(e); err != nil {
			if done := s.tickets[t]; done != nil && (errors.Is(err, ErrTooLarge) || e.Producer != nil && refused(err)) {
				delete(s.tickets, t)
				done(nil, err)
			}
			if e.Producer != nil && refused(err) {
				return nil // decided from the durable half alone: a fenced producer does not cost a reload
			}
			return err
		}
		s.apply(e)
	}
	now := time.Now()
	for _, timer := range e.Timers {
		s.timers.set(timer, now)
	}
	if e.Reply != nil {
		e.Answers = append(e.Answers, coordinator.Answer{To: t, Reply: e.Reply})
	}
	var out []reply
	for _, a := range e.Answers {
		if done := s.tickets[a.To]; done != nil {
			delete(s.tickets, a.To)
			out = append(out, reply{done, a.Reply})
		}
	}
	s.replies.add(out)
	return nil
}

func (s *shard[E, R]) apply(e coordinator.Effects[R]) {
	pending, ok := s.machine.(coordinator.Transactional[R])
	for _, r := range e.Records {
		if ok && e.Producer != nil {
			pending.ApplyPending(*e.Producer, r)
		} else {
			s.machine.Apply(r)
		}
	}
}

// endTransaction appends a marker and tells the machine.
func (s *shard[E, R]) endTransaction(m record.Marker, raised bool, done func(any, error)) error {
	params := commitlog.AppendParams{Origin: commitlog.FromCoordinator, AppendTime: -1, CoordinatorEpoch: m.CoordinatorEpoch, RaisedEpoch: raised}
	if err := s.write(m.Batch(), params); err != nil {
		done(nil, err)
		if refused(err) {
			return nil
		}
		return fmt.Errorf("append the marker of producer %d: %w", m.ProducerID, err)
	}
	if t, ok := s.machine.(coordinator.Transactional[R]); ok {
		t.EndTransaction(coordinator.Producer{ID: m.ProducerID, Epoch: m.ProducerEpoch}, m.Type == record.Commit)
	}
	s.replies.add([]reply{{done, nil}})
	return nil
}
