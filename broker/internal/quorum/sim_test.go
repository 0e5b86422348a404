package quorum_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/internal/sim"
)

// storm drives a group through faults whose rates the seed draws ("swarm"), then lets it heal.
func storm(g *group) error {
	s := g.sim
	g.net.Drop, g.net.Double = s.Float64()*0.2, s.Float64()*0.1
	crashes, cuts, compactions := s.Float64()*0.15, s.Float64()*0.15, s.Float64()*0.2
	s.Every(70*time.Millisecond, func() bool { g.propose(); return true })
	storming := true
	s.Every(200*time.Millisecond, func() bool {
		if !storming {
			return false
		}
		h := g.hosts[s.IntN(len(g.hosts))]
		if s.Chance(crashes) {
			g.crash(h)
			s.After(s.Between(0, 3*time.Second), func() { g.start(h) })
		}
		if s.Chance(cuts) {
			a, b := s.IntN(len(g.hosts)), s.IntN(len(g.hosts))
			oneWay := s.Chance(0.3)
			s.Tracef("cut %d from %d, one way %t", a, b, oneWay)
			g.net.SetCut(a, b, true)
			g.net.SetCut(b, a, !oneWay)
			s.After(s.Between(0, 4*time.Second), func() { g.net.SetCut(a, b, false); g.net.SetCut(b, a, false) })
		}
		if s.Chance(compactions) {
			g.compact(h)
		}
		return true
	})
	if err := s.Run(10*time.Second, g.check); err != nil {
		return err
	}
	storming = false
	g.net.Heal()
	for _, h := range g.hosts {
		g.start(h)
	}
	before := len(g.committed)
	err := s.Until(30*time.Second, g.check, func() bool { return len(g.committed) >= before+10 })
	if err != nil {
		return fmt.Errorf("a healed group makes no progress: %w", err)
	}
	return nil
}

func report(t *testing.T, g *group, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\n%s", err, g.sim.Tail(40))
	}
}

func TestAStormLosesNothing(t *testing.T) {
	for _, n := range []int{1, 3, 5} {
		t.Run(fmt.Sprintf("nodes=%d", n), func(t *testing.T) {
			sim.Seeds(t, 100, func(t *testing.T, seed uint64) {
				g := newGroup(t, seed, n)
				report(t, g, storm(g))
			})
		})
	}
}

func TestTheSameSeedMakesTheSameTrace(t *testing.T) {
	sim.Seeds(t, 10, func(t *testing.T, seed uint64) {
		var digests [2]string
		for i := range digests {
			g := newGroup(t, seed, 5)
			report(t, g, storm(g))
			digests[i] = g.sim.Digest()
		}
		if digests[0] != digests[1] {
			t.Errorf("%s, then %s", digests[0], digests[1])
		}
	})
}

// TestTheSimulationNoticesDisksThatForget is the check of the checks: with disks that lose what they called durable, some seed
// must break an invariant.
func TestTheSimulationNoticesDisksThatForget(t *testing.T) {
	for seed := range uint64(40) {
		g := newGroup(t, seed, 3)
		g.lossy = true
		if broken(func() error { return storm(g) }) != nil && g.err != nil {
			return
		}
	}
	t.Error("40 seeds, and nobody noticed")
}

// broken runs fn; raft itself panics when its log has holes.
func broken(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn()
}

// The properties below are those of Kafka's RaftEventSimulationTest: no faults but those that a property is about.

func TestAGroupElectsALeader(t *testing.T) {
	sim.Seeds(t, 30, func(t *testing.T, seed uint64) {
		for _, n := range []int{1, 3, 5} {
			g := newGroup(t, seed, n)
			report(t, g, g.sim.Until(10*time.Second, g.check, g.settled))
		}
	})
}

func TestASingleVoterLeadsAtOnce(t *testing.T) {
	g := newGroup(t, 1, 1)
	report(t, g, g.sim.Until(10*time.Millisecond, g.check, g.settled))
	if h := g.hosts[0]; len(g.committed) != 1 || h.disk.hard.Commit != 1 || h.disk.hard.Term != 1 {
		t.Errorf("%d committed, disk %+v", len(g.committed), h.disk.hard)
	}
}

func TestAnotherLeadsAfterTheLeaderFails(t *testing.T) {
	sim.Seeds(t, 30, func(t *testing.T, seed uint64) {
		g := newGroup(t, seed, 5)
		report(t, g, g.sim.Until(10*time.Second, g.check, g.settled))
		for range 2 { // back to back: two of five may be down
			first := g.leader()
			g.propose()
			g.crash(first)
			report(t, g, g.sim.Until(15*time.Second, g.check, func() bool { return g.settled() && g.leader() != first }))
		}
	})
}

func TestAllComeBackAfterAllWereKilled(t *testing.T) {
	sim.Seeds(t, 30, func(t *testing.T, seed uint64) {
		g := newGroup(t, seed, 5)
		report(t, g, g.sim.Until(10*time.Second, g.check, g.settled))
		for range 20 {
			g.propose()
			report(t, g, g.sim.Run(50*time.Millisecond, g.check))
		}
		committed := len(g.committed)
		for _, h := range g.hosts {
			g.crash(h)
		}
		for _, h := range g.hosts {
			g.sim.After(g.sim.Between(0, time.Second), func() { g.start(h) })
		}
		report(t, g, g.sim.Until(20*time.Second, g.check, g.settled))
		if len(g.committed) <= committed {
			t.Errorf("%d committed before, %d after", committed, len(g.committed))
		}
	})
}

func TestAMajorityMakesProgressWithoutTheRest(t *testing.T) {
	sim.Seeds(t, 30, func(t *testing.T, seed uint64) {
		g := newGroup(t, seed, 5)
		report(t, g, g.sim.Until(10*time.Second, g.check, g.settled))
		minority := []int{int(g.leader().id), (int(g.leader().id) + 1) % 5}
		for _, a := range minority {
			for b := range 5 {
				if b != minority[0] && b != minority[1] {
					g.net.SetCut(a, b, true)
					g.net.SetCut(b, a, true)
				}
			}
		}
		old := g.hosts[minority[0]]
		report(t, g, g.sim.Until(20*time.Second, g.check, func() bool { return old.node.Status().Role != quorum.Leader && g.leader() != nil }))
		before := len(g.committed)
		g.sim.Every(50*time.Millisecond, func() bool { g.propose(); return true })
		report(t, g, g.sim.Until(10*time.Second, g.check, func() bool { return len(g.committed) > before+20 }))
		if old.node.Status().Role == quorum.Leader {
			t.Error("the leader of the minority still believes that it leads: CheckQuorum is off")
		}
	})
}

func TestVotersComeAndGo(t *testing.T) {
	sim.Seeds(t, 30, func(t *testing.T, seed uint64) {
		g := newGroup(t, seed, 4, 0, 1, 2)
		g.net.Drop = 0.05
		g.sim.Every(50*time.Millisecond, func() bool { g.propose(); return true })
		change := func(want int, propose func(*quorum.Node) error) {
			t.Helper()
			report(t, g, g.sim.Until(30*time.Second, g.check, func() bool {
				l := g.leader()
				if l == nil {
					return false
				}
				if len(l.node.Voters()) == want {
					return true
				}
				if g.sim.Chance(0.01) { // again and again: a proposal may be lost with its leader
					g.do(l, func() { _ = propose(l.node) })
				}
				return false
			}))
		}
		change(4, func(n *quorum.Node) error { return n.AddVoter(3) })
		report(t, g, g.sim.Until(10*time.Second, g.check, func() bool { return g.hosts[3].applied > 5 }))
		report(t, g, g.sim.Until(10*time.Second, g.check, func() bool { return g.leader() != nil }))
		gone := g.leader().id
		if gone == 3 {
			gone = 0
		}
		change(3, func(n *quorum.Node) error { return n.RemoveVoter(gone) })
		report(t, g, g.sim.Until(10*time.Second, g.check, func() bool { // a majority that has not heard of it needs the old one
			for _, h := range g.hosts {
				if h.id != gone && len(h.node.Voters()) != 3 {
					return false
				}
			}
			return true
		}))
		g.crash(g.hosts[gone])
		other := g.hosts[(int(gone)+1)%4]
		g.crash(other)
		before := len(g.committed)
		report(t, g, g.sim.Until(20*time.Second, g.check, func() bool { return len(g.committed) > before+10 }))
		g.start(other) // it finds the new voters in its log
		report(t, g, g.sim.Until(20*time.Second, g.check, func() bool {
			return other.node.Status().Commit > uint64(before) && len(other.node.Voters()) == 3
		}))
	})
}
