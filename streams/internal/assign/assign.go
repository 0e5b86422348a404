// Package assign decides which member of an application runs which task: one pure function, the same on every member.
package assign

import (
	"cmp"
	"maps"
	"slices"
)

// Task is one sub-topology over one partition.
type Task struct {
	Group     int
	Partition int32
}

// Compare orders tasks by partition first, so that neighbours of one sub-topology go to different members.
func Compare(a, b Task) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Group, b.Group))
}

// Member is an instance of the application.
type Member struct {
	ID    string
	Tasks []Task // that it runs now
}

// Balance gives every task to one member. A task stays where it runs unless its member has more than its share; shares differ by one
// at most. Members and tasks may come in any order: the answer is the same.
func Balance(members []Member, tasks []Task) map[string][]Task {
	if len(members) == 0 {
		return nil
	}
	members = slices.SortedFunc(slices.Values(members), func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	tasks = slices.SortedFunc(slices.Values(tasks), Compare)
	open := map[Task]bool{}
	for _, t := range tasks {
		open[t] = true
	}
	// Those that run the most keep the larger shares: fewer tasks move.
	slices.SortStableFunc(members, func(a, b Member) int { return cmp.Compare(len(b.Tasks), len(a.Tasks)) })
	out := make(map[string][]Task, len(members))
	share := map[string]int{}
	for i, m := range members {
		share[m.ID] = len(tasks) / len(members)
		if i < len(tasks)%len(members) {
			share[m.ID]++
		}
		out[m.ID] = nil
		for _, t := range slices.SortedFunc(slices.Values(m.Tasks), Compare) {
			if open[t] && len(out[m.ID]) < share[m.ID] {
				out[m.ID] = append(out[m.ID], t)
				delete(open, t)
			}
		}
	}
	left := slices.SortedFunc(maps.Keys(open), Compare)
	for len(left) > 0 {
		for _, m := range members {
			if len(left) > 0 && len(out[m.ID]) < share[m.ID] {
				out[m.ID] = append(out[m.ID], left[0])
				left = left[1:]
			}
		}
	}
	return out
}
