package metadata

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// TopicChange is what a delta did to one topic. Old is nil for a new topic, New for a removed one.
type TopicChange struct {
	Old, New *Topic
}

// TopicsChanged lists the topics that changed, by name; one that was removed and made again is two changes, the removal first.
func (d *Delta) TopicsChanged() []TopicChange {
	out := make([]TopicChange, 0, len(d.topics))
	for id := range d.topics {
		if c := (TopicChange{d.old.TopicByID(id), d.next.TopicByID(id)}); c.Old != c.New {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b TopicChange) int {
		return cmp.Or(cmp.Compare(a.topic().Name, b.topic().Name), cmp.Compare(b.removal(), a.removal()))
	})
	return out
}

func (c TopicChange) topic() *Topic {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

func (c TopicChange) removal() int {
	if c.New == nil {
		return 1
	}
	return 0
}

func (d *Delta) addTopic(r *TopicRecord) error {
	if t := d.next.Topic(r.Name); t != nil {
		return fmt.Errorf("topic %s exists with id %x", r.Name, t.ID)
	}
	if t := d.next.TopicByID(r.TopicID); t != nil {
		return fmt.Errorf("topic id %x is that of %s", r.TopicID, t.Name)
	}
	d.putTopic(&Topic{Name: r.Name, ID: r.TopicID})
	d.topics[r.TopicID] = touched{list: true, partitions: map[int32]bool{}}
	return nil
}

func (d *Delta) putTopic(t *Topic) {
	d.byName.set(&d.next.topicsByName, partOf(t.Name), t.Name, t)
	d.byID.set(&d.next.topicsByID, partOfID(t.ID), t.ID, t)
}

func (d *Delta) removeTopic(r *RemoveTopicRecord) error {
	t := d.next.TopicByID(r.TopicID)
	if t == nil {
		return fmt.Errorf("no topic has the id %x", r.TopicID)
	}
	d.byName.delete(&d.next.topicsByName, partOf(t.Name), t.Name)
	d.byID.delete(&d.next.topicsByID, partOfID(t.ID), t.ID)
	d.topics[t.ID] = touched{}
	if res := (Resource{TopicResource, t.Name}); d.next.Config(res) != nil {
		d.configs.delete(&d.next.configs, partOf(res.Name), res)
		d.ownedConfig[res] = false
	}
	return nil
}

// ownTopic answers a topic whose fields and list of partitions may be written to.
func (d *Delta) ownTopic(id UUID) (*Topic, touched, error) {
	t := d.next.TopicByID(id)
	if t == nil {
		return nil, touched{}, fmt.Errorf("no topic has the id %x", id)
	}
	w := d.topics[id]
	if !w.list {
		next := *t
		next.Partitions = slices.Clone(t.Partitions)
		t = &next
		d.putTopic(t)
		w = touched{list: true, partitions: map[int32]bool{}}
		d.topics[id] = w
	}
	return t, w, nil
}

func (d *Delta) setPartition(r *PartitionRecord) error {
	t, w, err := d.ownTopic(r.TopicID)
	if err != nil {
		return err
	}
	p := &Partition{
		Replicas: some(r.Replicas), ISR: some(r.ISR), ELR: some(r.EligibleLeaderReplicas), LastKnownELR: some(r.LastKnownELR),
		Adding: some(r.AddingReplicas), Removing: some(r.RemovingReplicas), Directories: some(r.Directories), Leader: r.Leader,
		LeaderEpoch: r.LeaderEpoch, PartitionEpoch: r.PartitionEpoch, LeaderRecoveryByte: r.LeaderRecoveryState,
	}
	switch n := int32(len(t.Partitions)); {
	case r.PartitionID == n:
		t.Partitions = append(t.Partitions, p)
	case r.PartitionID >= 0 && r.PartitionID < n:
		t.Partitions[r.PartitionID] = p
	default:
		return fmt.Errorf("partition %d of %s comes after %d partitions", r.PartitionID, t.Name, n)
	}
	w.partitions[r.PartitionID] = true
	return nil
}

// ownPartition answers a partition that may be written to. Its lists may not: a change replaces them.
func (d *Delta) ownPartition(id UUID, index int32) (*Partition, error) {
	t, w, err := d.ownTopic(id)
	if err != nil {
		return nil, err
	}
	p := t.Partition(index)
	if p == nil {
		return nil, fmt.Errorf("%s has no partition %d", t.Name, index)
	}
	if !w.partitions[index] {
		next := *p
		p = &next
		t.Partitions[index], w.partitions[index] = p, true
	}
	return p, nil
}

func (d *Delta) changePartition(r *PartitionChangeRecord) error {
	p, err := d.ownPartition(r.TopicID, r.PartitionID)
	if err != nil {
		return err
	}
	replace(&p.ISR, r.ISR)
	replace(&p.Replicas, r.Replicas)
	replace(&p.Removing, r.RemovingReplicas)
	replace(&p.Adding, r.AddingReplicas)
	replace(&p.ELR, r.EligibleLeaderReplicas)
	replace(&p.LastKnownELR, r.LastKnownELR)
	replace(&p.Directories, r.Directories)
	if r.LeaderRecoveryState != NoRecoveryChange {
		p.LeaderRecoveryByte = r.LeaderRecoveryState
	}
	if r.Leader != NoLeaderChange {
		p.Leader = r.Leader
		p.LeaderEpoch++
	}
	p.PartitionEpoch++
	return nil
}

// replace takes a changed list; nil is no change.
func replace[T any](p *[]T, next []T) {
	if next != nil {
		*p = some(next)
	}
}

// some keeps an empty list as nil, so that a state is the same whether its records were read or made.
func some[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func (d *Delta) clearELR(r *ClearElrRecord) error {
	topics := d.next.Topics()
	if r.TopicName != "" {
		t := d.next.Topic(r.TopicName)
		if t == nil {
			return fmt.Errorf("there is no topic %s", r.TopicName)
		}
		topics = []*Topic{t}
	}
	for _, t := range topics {
		for i, p := range t.Partitions {
			if len(p.ELR) == 0 && len(p.LastKnownELR) == 0 {
				continue
			}
			next, err := d.ownPartition(t.ID, int32(i))
			if err != nil {
				return err
			}
			next.ELR, next.LastKnownELR = nil, nil
			next.PartitionEpoch++
		}
	}
	return nil
}

// Between is the delta of two images that no record connects: a snapshot from the quorum's leader replaced the state.
func Between(old, next *Image) *Delta {
	d := NewDelta(old)
	d.next, d.features, d.security = next, true, true
	for _, i := range []*Image{old, next} {
		i.topicsByID.each(func(id UUID, _ *Topic) { d.topics[id] = touched{} })
		i.configs.each(func(r Resource, _ map[string]string) { d.ownedConfig[r] = false })
		for id := range maps.Keys(i.brokers) {
			d.brokers[id] = true
		}
	}
	return d
}
