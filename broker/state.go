package broker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// state is the cluster as this broker has made it true: an image is shown to clients when its partitions are open and
// its configuration is in force. It is the api's view of the controller.
type state struct {
	self       int32
	static     *config.Static
	controller *controller.Controller
	replicas   *replica.Replicas
	store      *commitlog.Store
	logger     *slog.Logger
	guard      *guard

	follow func(next *metadata.Image) // tells coordinators, when an image is true and before anybody sees it

	image  atomic.Pointer[metadata.Image]
	config atomic.Pointer[config.Broker]

	mu      sync.Mutex // guards the fields below
	pending []change   // images that are committed and not true yet, in order
	work    chan struct{}
	waiters []waiter
}

// change is a step between two images.
type change struct {
	next  *metadata.Image
	delta *metadata.Delta
}

// waiter waits for an image of at least this offset.
type waiter struct {
	offset int64
	done   chan struct{}
}

func newState(self int32, static *config.Static, c *controller.Controller, r *replica.Replicas, store *commitlog.Store, logger *slog.Logger) *state {
	s := &state{self: self, static: static, controller: c, replicas: r, store: store, logger: logger, work: make(chan struct{}, 1)} // capacity 1: a wake-up says as much as ten
	s.image.Store(metadata.Empty(store.ClusterID()))
	s.config.Store(&config.Broker{Static: static})
	c.OnImage(func(_, next *metadata.Image, d *metadata.Delta) { s.enqueue(change{next, d}) })
	return s
}

// Image is the newest image that is true here.
func (s *state) Image() *metadata.Image { return s.image.Load() }

// Config is the configuration in force.
func (s *state) Config() *config.Broker { return s.config.Load() }

// Status is the quorum's.
func (s *state) Status() controller.Status { return s.controller.Status() }

// Submit answers when the decision is committed and true here.
func (s *state) Submit(ctx context.Context, ev cluster.Event) (cluster.Reply, error) {
	reply, err := s.controller.Submit(ctx, ev)
	if err != nil {
		return nil, err
	}
	return reply, s.wait(ctx, s.controller.Image().Offset)
}

func (s *state) enqueue(c change) {
	s.mu.Lock()
	s.pending = append(s.pending, c)
	s.mu.Unlock()
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// wait answers nil when an image of at least that offset is true here.
func (s *state) wait(ctx context.Context, offset int64) error {
	s.mu.Lock()
	if s.image.Load().Offset >= offset {
		s.mu.Unlock()
		return nil
	}
	w := waiter{offset, make(chan struct{})}
	s.waiters = append(s.waiters, w)
	s.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run makes images true, one after the other.
func (s *state) run(ctx context.Context) error {
	for {
		select {
		case <-s.work:
		case <-ctx.Done():
			return nil
		}
		s.mu.Lock()
		steps := s.pending
		s.pending = nil
		s.mu.Unlock()
		for _, c := range steps {
			s.apply(c)
		}
	}
}

// apply makes one image true. A partition whose log cannot be opened is logged and stays away; the rest goes on.
func (s *state) apply(c change) {
	first := s.image.Load().Offset < 0
	s.configure(c)
	conf := func(t *metadata.Topic) *config.Topic { return s.topicConfig(c.next, t) }
	var parts replica.Change
	for _, t := range c.delta.TopicsChanged() {
		if t.New == nil {
			parts.Gone = append(parts.Gone, t.Old)
		} else {
			parts.Topics = append(parts.Topics, t.New)
		}
	}
	if len(parts.Topics)+len(parts.Gone) > 0 {
		if err := s.replicas.Apply(parts, conf); err != nil {
			s.logger.Error("some partitions are not available", "error", err)
		}
	}
	s.reconfigure(c, conf)
	if first {
		s.removeStrays(c.next)
	}
	s.follow(c.next)
	s.guard.take(c.next, first || c.delta.SecurityChanged())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.image.Store(c.next)
	left := s.waiters[:0]
	for _, w := range s.waiters {
		if w.offset <= c.next.Offset {
			close(w.done)
		} else {
			left = append(left, w)
		}
	}
	s.waiters = left
}

// configure takes the dynamic configuration of the cluster and of this broker.
func (s *state) configure(c change) {
	layers := &config.Broker{
		Static:  s.static,
		Cluster: c.next.Config(metadata.Resource{Type: metadata.BrokerResource}),
		Own:     c.next.Config(metadata.Resource{Type: metadata.BrokerResource, Name: strconv.Itoa(int(s.self))}),
	}
	s.config.Store(layers)
	if slices.ContainsFunc(c.delta.ConfigsChanged(), func(r metadata.Resource) bool { return r.Type == metadata.BrokerResource }) || len(layers.Own)+len(layers.Cluster) > 0 && s.image.Load().Offset < 0 {
		s.guard.configure(layers)
	}
}

// topicConfig resolves a topic's configuration.
func (s *state) topicConfig(image *metadata.Image, t *metadata.Topic) *config.Topic {
	replicas := 1
	if len(t.Partitions) > 0 {
		replicas = len(t.Partitions[0].Replicas)
	}
	return s.config.Load().Topic(image.Config(metadata.Resource{Type: metadata.TopicResource, Name: t.Name}), replicas)
}

// reconfigure hands changed configurations to partitions: a topic's own to its own, a broker's to all.
func (s *state) reconfigure(c change, conf func(*metadata.Topic) *config.Topic) {
	var topics []string
	for _, r := range c.delta.ConfigsChanged() {
		switch r.Type {
		case metadata.TopicResource:
			topics = append(topics, r.Name)
		case metadata.BrokerResource:
			s.replicas.Reconfigure(c.next, nil, conf)
			return
		}
	}
	if len(topics) > 0 {
		s.replicas.Reconfigure(c.next, topics, conf)
	}
}

// removeStrays deletes logs on disk whose topic the metadata log does not know: a deletion that a crash interrupted.
func (s *state) removeStrays(image *metadata.Image) {
	for _, l := range s.store.Logs() {
		if l.TopicID() == (metadata.UUID{}) {
			continue // its partition.metadata is lost: nobody knows that it is gone
		}
		if image.TopicByID(l.TopicID()).Partition(l.Partition().Index) != nil {
			continue
		}
		if image.Topic(l.Partition().Topic).Partition(l.Partition().Index) != nil {
			// A bit that flipped in partition.metadata looks the same as a topic that was made anew in the moment before
			// a crash: somebody else decides what the records are worth.
			s.logger.Error("a log names another topic id than its topic has; its partition stays offline. If the topic was made anew, remove the directory; if not, mend partition.metadata",
				"topic", l.Partition().Topic, "partition", l.Partition().Index, "topic_id", fmt.Sprintf("%x", l.TopicID()))
			continue
		}
		s.logger.Warn("removing the log of a partition that is gone", "topic", l.Partition().Topic, "partition", l.Partition().Index)
		if err := s.store.Delete(l.Partition()); err != nil {
			s.logger.Error("the log of a partition that is gone stays", "topic", l.Partition().Topic, "partition", l.Partition().Index, "error", err)
		}
	}
}
