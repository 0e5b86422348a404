package replica

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Replicas are all partitions of this broker.
type Replicas struct {
	self   int32
	store  *commitlog.Store
	logger *slog.Logger

	mu     sync.Mutex // one writer at a time; guards nothing that readers need
	topics atomic.Pointer[topicMap]
}

// topicMap is replaced as a whole: readers take no lock. A slot is nil when the partition is not on this broker.
type topicMap struct {
	byName map[string][]*Partition
	byID   map[metadata.UUID][]*Partition
}

// New makes the room without any partition; Apply fills it.
func New(self int32, store *commitlog.Store, logger *slog.Logger) *Replicas {
	r := &Replicas{self: self, store: store, logger: logger}
	r.topics.Store(&topicMap{byName: map[string][]*Partition{}, byID: map[metadata.UUID][]*Partition{}})
	return r
}

// Partition finds a partition by name, or nil.
func (r *Replicas) Partition(topic string, index int32) *Partition {
	return slot(r.topics.Load().byName[topic], index)
}

// PartitionByID finds a partition by topic id, or nil.
func (r *Replicas) PartitionByID(id metadata.UUID, index int32) *Partition {
	return slot(r.topics.Load().byID[id], index)
}

func slot(list []*Partition, index int32) *Partition {
	if index < 0 || int(index) >= len(list) {
		return nil
	}
	return list[index]
}

// All lists every partition, in no order.
func (r *Replicas) All() []*Partition {
	var out []*Partition
	for _, list := range r.topics.Load().byName {
		for _, p := range list {
			if p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// Change is what differs between two images, as far as partitions care: the topics that were made, changed or
// reconfigured, and those that are gone.
type Change struct {
	Topics []*metadata.Topic
	Gone   []*metadata.Topic
}

// Apply makes the partitions fit the image. conf resolves a topic's configuration. Errors of single partitions are
// joined; the others are applied all the same.
func (r *Replicas) Apply(c Change, conf func(*metadata.Topic) *config.Topic) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.topics.Load()
	next := &topicMap{byName: make(map[string][]*Partition, len(old.byName)+len(c.Topics)), byID: make(map[metadata.UUID][]*Partition, len(old.byID)+len(c.Topics))}
	for name, list := range old.byName {
		next.byName[name] = list
	}
	for id, list := range old.byID {
		next.byID[id] = list
	}
	var faults []error
	for _, t := range c.Gone {
		list := next.byID[t.ID]
		delete(next.byID, t.ID)
		if cur := next.byName[t.Name]; len(cur) > 0 && len(list) > 0 && &cur[0] == &list[0] {
			delete(next.byName, t.Name)
		}
		r.topics.Store(next.clone()) // nobody finds it before it is removed
		faults = append(faults, r.remove(list)...)
	}
	for _, t := range c.Topics {
		list, errs := r.fit(t, next.byID[t.ID], conf(t))
		faults = append(faults, errs...)
		next.byName[t.Name], next.byID[t.ID] = list, list
	}
	r.topics.Store(next)
	return errors.Join(faults...)
}

func (m *topicMap) clone() *topicMap {
	n := &topicMap{byName: make(map[string][]*Partition, len(m.byName)), byID: make(map[metadata.UUID][]*Partition, len(m.byID))}
	for k, v := range m.byName {
		n.byName[k] = v
	}
	for k, v := range m.byID {
		n.byID[k] = v
	}
	return n
}

// remove ends partitions and deletes their logs.
func (r *Replicas) remove(list []*Partition) []error {
	var faults []error
	for _, p := range list {
		if p == nil {
			continue
		}
		p.remove()
		if err := r.store.Delete(p.log.Partition()); err != nil {
			faults = append(faults, fmt.Errorf("delete %s-%d: %w", p.Topic, p.Index, err))
		}
	}
	return faults
}

// makersAtOnce bounds the logs that are made at a time: each waits for a few fsyncs, and a file system that is asked for
// many at once does them together.
const makersAtOnce = 32

// fit makes the partitions of one topic that belong on this broker and hands each what the image says.
func (r *Replicas) fit(t *metadata.Topic, have []*Partition, cfg *config.Topic) ([]*Partition, []error) {
	list, errs := make([]*Partition, len(t.Partitions)), make([]error, len(t.Partitions))
	copy(list, have)
	var makers errgroup.Group
	makers.SetLimit(makersAtOnce)
	for i, m := range t.Partitions {
		switch {
		case list[i] != nil:
			errs[i] = list[i].assign(m, cfg)
		case slices.Contains(m.Replicas, r.self):
			makers.Go(func() error { list[i], errs[i] = r.make(t, i, cfg); return nil })
		}
	}
	_ = makers.Wait() // each error stands in errs
	return list, slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// make makes one partition; with an error it may still answer the partition, which then serves what it can.
func (r *Replicas) make(t *metadata.Topic, index int, cfg *config.Topic) (*Partition, error) {
	log, err := r.store.Create(commitlog.Partition{Topic: t.Name, Index: int32(index)}, t.ID, logConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("make the log of %s-%d: %w", t.Name, index, err)
	}
	p := newPartition(r.self, t, int32(index), log)
	return p, p.assign(t.Partitions[index], cfg)
}

// Reconfigure hands changed configurations to the partitions of topics, or of all topics when topics is nil.
func (r *Replicas) Reconfigure(image *metadata.Image, topics []string, conf func(*metadata.Topic) *config.Topic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, list := range r.topics.Load().byName {
		if topics != nil && !slices.Contains(topics, name) {
			continue
		}
		t := image.Topic(name)
		if t == nil {
			continue
		}
		cfg := conf(t)
		for _, p := range list {
			if p != nil {
				p.setConfig(cfg)
			}
		}
	}
}
