package group

import (
	"cmp"
	"slices"
)

// subscriptions are what an assignor works on. Members are sorted by id.
type subscriptions struct {
	members    []subscriber
	partitions map[UUID]int32 // how many a topic has
}

// subscriber is a member: what it wants, and what it was assigned before.
type subscriber struct {
	id       string
	instance *string
	topics   []UUID
	has      []TopicPartitions
}

// assignRange gives each member of a topic a run of its partitions, the first ones one more when they do not divide.
// Topics of equal size are co-partitioned. Static members come first, by instance id, so that a restart changes nothing.
func assignRange(s subscriptions) map[string]partitions {
	order := slices.Clone(s.members)
	slices.SortFunc(order, func(a, b subscriber) int {
		switch {
		case a.instance != nil && b.instance != nil:
			return cmp.Compare(*a.instance, *b.instance)
		case a.instance != nil:
			return -1
		case b.instance != nil:
			return 1
		}
		return cmp.Compare(a.id, b.id)
	})
	wanting, given := map[UUID]int32{}, map[UUID]int32{}
	for _, m := range order {
		for _, t := range m.topics {
			wanting[t]++
		}
	}
	next, out := map[UUID]int32{}, map[string]partitions{}
	for _, m := range order {
		mine := partitions{}
		for _, t := range m.topics {
			quota, extra := s.partitions[t]/wanting[t], s.partitions[t]%wanting[t]
			if given[t] < extra {
				quota++
			}
			given[t]++
			for range quota {
				mine.add(t, next[t], 0)
				next[t]++
			}
		}
		out[m.id] = mine
	}
	return out
}
