package group

import (
	"cmp"
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// offsets are what was committed, and what is committed in transactions that have not ended.
type offsets struct {
	groups  map[string]map[topicPartition]committed
	topics  map[string]int                      // how many commits name it
	pending map[int64]map[groupOffset]committed // by producer id
	open    map[groupOffset]int                 // how many producers have it pending
	last    uint64
}

type topicPartition struct {
	topic     string
	partition int32
}

type groupOffset struct {
	group string
	topicPartition
}

// committed is an offset and when it was: a transaction that ends does not overwrite what was committed after it wrote.
type committed struct {
	*OffsetValue
	order uint64
}

func newOffsets() offsets {
	return offsets{groups: map[string]map[topicPartition]committed{}, topics: map[string]int{}, pending: map[int64]map[groupOffset]committed{}, open: map[groupOffset]int{}}
}

func (o *offsets) get(group string, tp topicPartition) (*OffsetValue, bool) {
	c, ok := o.groups[group][tp]
	return c.OffsetValue, ok
}

func (o *offsets) put(group string, tp topicPartition, c committed) {
	of := o.groups[group]
	if of == nil {
		of = map[topicPartition]committed{}
		o.groups[group] = of
	}
	if _, there := of[tp]; !there {
		o.topics[tp.topic]++
	}
	of[tp] = c
}

func (o *offsets) delete(group string, tp topicPartition) {
	if at := (groupOffset{group, tp}); o.open[at] > 0 {
		for id := range o.pending {
			o.drop(id, at)
		}
	}
	of := o.groups[group]
	if _, there := of[tp]; !there {
		return
	}
	if delete(of, tp); len(of) == 0 {
		delete(o.groups, group)
	}
	if o.topics[tp.topic]--; o.topics[tp.topic] == 0 {
		delete(o.topics, tp.topic)
	}
}

// drop forgets a commit of a producer's transaction.
func (o *offsets) drop(producer int64, at groupOffset) {
	list := o.pending[producer]
	if _, there := list[at]; !there {
		return
	}
	if delete(list, at); len(list) == 0 {
		delete(o.pending, producer)
	}
	if o.open[at]--; o.open[at] == 0 {
		delete(o.open, at)
	}
}

// unstable tells whether a transaction that has not ended has an offset for the partition (KIP-447).
func (o *offsets) unstable(group string, tp topicPartition) bool {
	return o.open[groupOffset{group, tp}] > 0
}

// hasPending tells whether a transaction that has not ended has offsets of the group.
func (o *offsets) hasPending(group string) bool {
	for k := range o.open {
		if k.group == group {
			return true
		}
	}
	return false
}

// of lists the partitions that a group has committed, by topic and partition.
func (o *offsets) of(group string) []topicPartition {
	return slices.SortedFunc(maps.Keys(o.groups[group]), comparePartitions)
}

func comparePartitions(a, b topicPartition) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}

// keysOf are the keys of everything that a group has committed, also in transactions.
func (o *offsets) keysOf(group string) (out []Key) {
	for _, tp := range o.of(group) {
		out = append(out, offsetKey(group, tp))
	}
	var open []topicPartition
	for k := range o.open {
		if _, there := o.get(group, k.topicPartition); k.group == group && !there {
			open = append(open, k.topicPartition)
		}
	}
	slices.SortFunc(open, comparePartitions)
	for _, tp := range open {
		out = append(out, offsetKey(group, tp))
	}
	return out
}

func offsetKey(group string, tp topicPartition) Key {
	return Key{Kind: KindOffset, Group: group, Name: tp.topic, Partition: tp.partition}
}

// applyOffset takes a commit. A group that has nothing but offsets is a classic one without members.
func (m *Machine) applyOffset(r Record) {
	tp := topicPartition{r.Name, r.Partition}
	if r.Value == nil {
		m.offsets.delete(r.Group, tp)
		return
	}
	m.offsets.last++
	m.offsets.put(r.Group, tp, committed{r.Value.(*OffsetValue), m.offsets.last})
	m.ensureGroup(r.Group)
}

func (m *Machine) ensureGroup(id string) {
	if m.classic[id] == nil && m.consumer[id] == nil {
		m.classic[id] = newClassicGroup(id, -1)
	}
}

// ApplyPending takes a commit of a transaction: it counts when the transaction does.
func (m *Machine) ApplyPending(p coordinator.Producer, r Record) {
	if r.Kind != KindOffset || r.Value == nil {
		m.Apply(r)
		return
	}
	list := m.offsets.pending[p.ID]
	if list == nil {
		list = map[groupOffset]committed{}
		m.offsets.pending[p.ID] = list
	}
	m.offsets.last++
	at := groupOffset{r.Group, topicPartition{r.Name, r.Partition}}
	if _, there := list[at]; !there {
		m.offsets.open[at]++
	}
	list[at] = committed{r.Value.(*OffsetValue), m.offsets.last}
	m.ensureGroup(r.Group)
}

// EndTransaction is the marker of a transaction.
func (m *Machine) EndTransaction(p coordinator.Producer, commit bool) {
	for k, c := range m.offsets.pending[p.ID] {
		m.offsets.drop(p.ID, k)
		if !commit {
			continue
		}
		if old, ok := m.offsets.groups[k.group][k.topicPartition]; !ok || old.order < c.order {
			m.offsets.put(k.group, k.topicPartition, c)
			m.ensureGroup(k.group)
		}
	}
}

// newImage takes what the cluster is now. Commits of topics that are gone, or that are others of the same name, go.
func (d *decision) newImage(next *metadata.Image) {
	old := d.image
	d.Machine.image = next
	for _, name := range sortedKeys(d.offsets.topics) {
		was, is := old.Topic(name), next.Topic(name)
		if was != nil && (is == nil || is.ID != was.ID) {
			d.dropTopic(name, func(v *OffsetValue) bool { return v.TopicID == UUID{} || v.TopicID == was.ID })
		}
	}
	d.imageForConsumers(old, next)
}

// dropTopic writes tombstones for the commits of a topic.
func (d *decision) dropTopic(name string, gone func(*OffsetValue) bool) {
	for _, group := range sortedKeys(d.offsets.groups) {
		var of []topicPartition
		for tp, c := range d.offsets.groups[group] {
			if tp.topic == name && gone(c.OffsetValue) {
				of = append(of, tp)
			}
		}
		slices.SortFunc(of, comparePartitions)
		for _, tp := range of {
			if d.full() {
				d.timer(expireKey, 1) // finds the rest
				return
			}
			d.write(offsetKey(group, tp), nil)
		}
	}
}
