package group

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// assignUniform gives each member about as many partitions as any other that wants them, and moves as few as it can.
//
// When all members want the same topics, each has a quota: it keeps what it has up to it, and what is left fills the
// others. Otherwise partitions that nobody has go to the member with the fewest of those that want them, the topics with
// the fewest takers first, and then single partitions move from full members to emptier ones while that evens them out.
func assignUniform(s subscriptions) map[string]partitions {
	u := uniform{s: s, out: map[string]partitions{}, takers: map[UUID][]string{}}
	same := true
	for _, m := range s.members {
		u.out[m.id] = partitions{}
		same = same && slices.Equal(m.topics, s.members[0].topics)
		for _, t := range m.topics {
			u.takers[t] = append(u.takers[t], m.id)
		}
	}
	if same {
		u.byQuota()
	} else {
		u.byLoad()
	}
	return u.out
}

type uniform struct {
	s      subscriptions
	out    map[string]partitions
	takers map[UUID][]string // members that want a topic, by id
}

// topics are all that somebody wants, in order.
func (u *uniform) topics() []UUID {
	return slices.SortedFunc(maps.Keys(u.takers), func(a, b UUID) int { return bytes.Compare(a[:], b[:]) })
}

// byQuota is the way for members that want the same.
func (u *uniform) byQuota() {
	total := 0
	for t := range u.takers {
		total += int(u.s.partitions[t])
	}
	if total == 0 {
		return
	}
	quota, extra := total/len(u.s.members), total%len(u.s.members)
	left := map[string]int{}
	taken := map[topicNo]bool{}
	for _, m := range u.s.members {
		room := quota
		if extra > 0 {
			room++
			extra--
		}
		for _, at := range u.kept(m) {
			if room > 0 && !taken[at] {
				taken[at] = true
				u.out[m.id].add(at.id, at.partition, 0)
				room--
			}
		}
		left[m.id] = room
	}
	free := u.free(taken)
	for _, m := range u.s.members {
		for ; left[m.id] > 0 && len(free) > 0; left[m.id]-- {
			u.out[m.id].add(free[0].id, free[0].partition, 0)
			free = free[1:]
		}
	}
}

// kept are the partitions that a member was assigned, that are there, and that it still wants.
func (u *uniform) kept(m subscriber) (out []topicNo) {
	for _, t := range m.has {
		if !slices.Contains(m.topics, t.TopicID) {
			continue
		}
		for _, p := range t.Partitions {
			if p < u.s.partitions[t.TopicID] {
				out = append(out, topicNo{t.TopicID, p})
			}
		}
	}
	return out
}

// free are the partitions that nobody has.
func (u *uniform) free(taken map[topicNo]bool) (out []topicNo) {
	for _, t := range u.topics() {
		for p := range u.s.partitions[t] {
			if at := (topicNo{t, p}); !taken[at] {
				out = append(out, at)
			}
		}
	}
	return out
}

// byLoad is the way for members that want different topics.
func (u *uniform) byLoad() {
	load, taken := map[string]int{}, map[topicNo]bool{}
	for _, m := range u.s.members {
		for _, at := range u.kept(m) {
			if !taken[at] {
				taken[at] = true
				u.out[m.id].add(at.id, at.partition, 0)
				load[m.id]++
			}
		}
	}
	free := u.free(taken)
	slices.SortStableFunc(free, func(a, b topicNo) int { return cmp.Compare(len(u.takers[a.id]), len(u.takers[b.id])) })
	for _, at := range free {
		to := least(u.takers[at.id], load)
		u.out[to].add(at.id, at.partition, 0)
		load[to]++
	}
	u.even(load)
}

func least(members []string, load map[string]int) string {
	return slices.MinFunc(members, func(a, b string) int { return cmp.Or(cmp.Compare(load[a], load[b]), cmp.Compare(a, b)) })
}

// even moves partitions from members to takers that have at least two fewer. Each move makes the sum of the squares of
// the loads smaller, so it ends.
func (u *uniform) even(load map[string]int) {
	for moved := true; moved; {
		moved = false
		for _, m := range u.s.members {
			for _, t := range m.topics {
				for _, p := range sortedKeys(u.out[m.id][t]) {
					to := least(u.takers[t], load)
					if load[m.id]-load[to] < 2 {
						break
					}
					delete(u.out[m.id][t], p)
					u.out[to].add(t, p, 0)
					load[m.id]--
					load[to]++
					moved = true
				}
			}
		}
	}
}
