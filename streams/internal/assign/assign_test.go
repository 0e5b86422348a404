package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBalance checks over random histories of joins and leaves: every task runs once, shares differ by one at most, and no more tasks
// move than the new shares ask for.
func TestBalance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var tasks []Task
		for g := range 1 + rng.IntN(3) {
			for p := range int32(1 + rng.IntN(12)) {
				tasks = append(tasks, Task{g, p})
			}
		}
		members, next := []Member{{ID: "m0"}}, 1
		for step := range 20 {
			if rng.IntN(2) == 0 || len(members) == 1 {
				members = append(members, Member{ID: fmt.Sprintf("m%d", next)})
				next++
			} else {
				i := rng.IntN(len(members))
				members = slices.Delete(members, i, i+1)
			}
			got := Balance(members, tasks)
			check(t, seed, step, members, tasks, got)
			for i := range members {
				members[i].Tasks = got[members[i].ID]
			}
			if again := Balance(members, tasks); !same(again, got) {
				t.Fatalf("seed %d, step %d: a second round moves tasks: %v, then %v", seed, step, got, again)
			}
		}
	}
}

func same(a, b map[string][]Task) bool {
	for id, ts := range a {
		if !slices.Equal(slices.SortedFunc(slices.Values(ts), Compare), slices.SortedFunc(slices.Values(b[id]), Compare)) {
			return false
		}
	}
	return len(a) == len(b)
}

func check(t *testing.T, seed uint64, step int, members []Member, tasks []Task, got map[string][]Task) {
	t.Helper()
	runs := map[Task]int{}
	lowest, highest, moved, must := len(tasks), 0, 0, 0
	for _, m := range members {
		n := len(got[m.ID])
		lowest, highest = min(lowest, n), max(highest, n)
		for _, task := range got[m.ID] {
			runs[task]++
		}
		for _, task := range m.Tasks {
			if !slices.Contains(got[m.ID], task) {
				moved++
			}
		}
		must += max(0, len(m.Tasks)-len(tasks)/len(members))
	}
	if len(runs) != len(tasks) || highest-lowest > 1 || moved > must {
		t.Fatalf("seed %d, step %d: %d of %d tasks run, shares %d to %d, %d moved of %d that had to: %v", seed, step, len(runs), len(tasks), lowest, highest, moved, must, got)
	}
	for task, n := range runs {
		if n != 1 {
			t.Fatalf("seed %d, step %d: task %v runs %d times", seed, step, task, n)
		}
	}
}
