package group

import (
	"bytes"
	"maps"
	"slices"
)

// partitions are a set of partitions, each with the epoch in which it was assigned.
type partitions map[UUID]map[int32]int32

func (p partitions) add(id UUID, partition, epoch int32) {
	if p[id] == nil {
		p[id] = map[int32]int32{}
	}
	p[id][partition] = epoch
}

func (p partitions) has(id UUID, partition int32) bool {
	_, ok := p[id][partition]
	return ok
}

func (p partitions) count() (n int) {
	for _, of := range p {
		n += len(of)
	}
	return n
}

// setOf is the set that a record lists.
func setOf(list []TopicPartitions) partitions {
	out := partitions{}
	for _, t := range list {
		for i, p := range t.Partitions {
			epoch := int32(0)
			if i < len(t.Epochs) {
				epoch = t.Epochs[i]
			}
			out.add(t.TopicID, p, epoch)
		}
	}
	return out
}

// list is the set as a record lists it, sorted, with the epochs if asked for.
func (p partitions) list(epochs bool) []TopicPartitions {
	var out []TopicPartitions
	for _, id := range slices.SortedFunc(maps.Keys(p), func(a, b UUID) int { return bytes.Compare(a[:], b[:]) }) {
		t := TopicPartitions{TopicID: id, Partitions: sortedKeys(p[id])}
		if len(t.Partitions) == 0 {
			continue
		}
		if epochs {
			for _, partition := range t.Partitions {
				t.Epochs = append(t.Epochs, p[id][partition])
			}
		}
		out = append(out, t)
	}
	return out
}

// samePartitions compares two sorted lists but for their epochs.
func samePartitions(a, b []TopicPartitions) bool {
	return slices.EqualFunc(a, b, func(x, y TopicPartitions) bool {
		return x.TopicID == y.TopicID && slices.Equal(x.Partitions, y.Partitions)
	})
}

func equalTopics(a, b []TopicPartitions) bool {
	return slices.EqualFunc(a, b, func(x, y TopicPartitions) bool {
		return x.TopicID == y.TopicID && slices.Equal(x.Partitions, y.Partitions) && slices.Equal(x.Epochs, y.Epochs)
	})
}
