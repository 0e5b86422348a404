package group

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mainstem-io/mainstem/internal/sim"
)

// TestAssignorsAreFairAndWhole: every partition that somebody wants has one owner, who wants it; loads differ by no more
// than they must; and members that stay keep what they can.
func TestAssignorsAreFairAndWhole(t *testing.T) {
	sim.Seeds(t, 300, func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := randomSubscriptions(rng, rng.IntN(2) == 0)
		for name, assign := range map[string]func(subscriptions) map[string]partitions{"uniform": assignUniform, "range": assignRange} {
			checkWhole(t, name, s, assign(s))
		}
		first := assignUniform(s)
		checkEven(t, s, first)
		for i := range s.members {
			s.members[i].has = first[s.members[i].id].list(false)
		}
		if moved := movedBetween(first, assignUniform(s)); moved != 0 {
			t.Errorf("%d partitions moved although nothing changed", moved)
		}
	})
}

func randomSubscriptions(rng *rand.Rand, same bool) subscriptions {
	s := subscriptions{partitions: map[UUID]int32{}}
	var topics []UUID
	for i := range 1 + rng.IntN(4) {
		id := UUID{byte(i + 1)}
		topics, s.partitions[id] = append(topics, id), int32(rng.IntN(7))
	}
	for i := range 1 + rng.IntN(6) {
		m := subscriber{id: fmt.Sprintf("m%d", i)}
		if rng.IntN(3) == 0 {
			m.instance = new(fmt.Sprintf("i%d", 9-i))
		}
		for _, id := range topics {
			if same || rng.IntN(2) == 0 {
				m.topics = append(m.topics, id)
			}
		}
		s.members = append(s.members, m)
	}
	return s
}

func checkWhole(t *testing.T, name string, s subscriptions, got map[string]partitions) {
	t.Helper()
	owner := map[topicNo]string{}
	wanted := map[UUID]bool{}
	for _, m := range s.members {
		wants := map[UUID]bool{}
		for _, id := range m.topics {
			wants[id], wanted[id] = true, true
		}
		for id, of := range got[m.id] {
			for p := range of {
				if other, ok := owner[topicNo{id, p}]; ok || !wants[id] || p >= s.partitions[id] {
					t.Fatalf("%s: %s has %v-%d, which it may not (other owner: %q)", name, m.id, id[0], p, other)
				}
				owner[topicNo{id, p}] = m.id
			}
		}
	}
	for id := range wanted {
		for p := range s.partitions[id] {
			if owner[topicNo{id, p}] == "" {
				t.Fatalf("%s: nobody has %v-%d", name, id[0], p)
			}
		}
	}
}

// checkEven: no single move makes it more even.
func checkEven(t *testing.T, s subscriptions, got map[string]partitions) {
	t.Helper()
	for _, m := range s.members {
		for _, o := range s.members {
			if got[m.id].count()-got[o.id].count() < 2 {
				continue
			}
			for _, id := range o.topics {
				if len(got[m.id][id]) > 0 {
					t.Errorf("%s has %d, %s has %d and would take %v", m.id, got[m.id].count(), o.id, got[o.id].count(), id[0])
				}
			}
		}
	}
}

func movedBetween(a, b map[string]partitions) (n int) {
	for id, had := range a {
		for topic, of := range had {
			for p := range of {
				if !b[id].has(topic, p) {
					n++
				}
			}
		}
	}
	return n
}

func TestUniformMovesOnlyWhatANewMemberGets(t *testing.T) {
	s := subscriptions{partitions: map[UUID]int32{{1}: 9}}
	for i := range 2 {
		s.members = append(s.members, subscriber{id: fmt.Sprintf("m%d", i), topics: []UUID{{1}}})
	}
	before := assignUniform(s)
	for i := range s.members {
		s.members[i].has = before[s.members[i].id].list(false)
	}
	s.members = append(s.members, subscriber{id: "m2", topics: []UUID{{1}}})
	after := assignUniform(s)
	if moved := movedBetween(before, after); moved != 3 || after["m2"].count() != 3 {
		t.Errorf("%d partitions moved, the new member has %d of 9", moved, after["m2"].count())
	}
}

func TestRangeCoPartitionsAndKeepsStaticMembersInPlace(t *testing.T) {
	s := subscriptions{partitions: map[UUID]int32{{1}: 5, {2}: 5}}
	topics := []UUID{{1}, {2}}
	s.members = []subscriber{{id: "a", instance: new("i2"), topics: topics}, {id: "b", instance: new("i1"), topics: topics}}
	for _, id := range []string{"a", "z"} { // a restart gives the instance another member id
		s.members[0].id = id
		got := assignRange(s)
		for _, topic := range topics {
			if len(got["b"][topic]) != 3 || !got["b"].has(topic, 0) || !got[id].has(topic, 4) {
				t.Errorf("with %s: %v", id, got)
			}
		}
	}
}
