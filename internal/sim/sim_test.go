package sim

import (
	"crypto/rand"
	"errors"
	"math/big"
	"testing"
	"time"
)

// world lets three nodes send each other numbers for a while.
func world(seed uint64) *Sim {
	s := New(seed)
	n := &Network{Sim: s, Drop: 0.1, Double: 0.1, MinDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond}
	var send func(from, to, hops int)
	send = func(from, to, hops int) {
		n.Send(from, to, func() {
			s.Tracef("%d -> %d: %d", from, to, hops)
			if hops > 0 {
				send(to, s.IntN(3), hops-1)
			}
		})
	}
	for i := range 3 {
		send(i, (i+1)%3, 30)
	}
	s.After(40*time.Millisecond, func() { n.SetCut(0, 1, true) })
	s.After(80*time.Millisecond, n.Heal)
	for s.Step() {
	}
	return s
}

func TestTheSameSeedMakesTheSameTrace(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(50) {
		a, b := world(seed), world(seed)
		if a.Digest() != b.Digest() || a.Tail(1000) != b.Tail(1000) {
			t.Fatalf("seed %d: %s, then %s", seed, a.Digest(), b.Digest())
		}
		seen[a.Digest()] = true
	}
	if len(seen) < 45 {
		t.Errorf("50 seeds made %d traces", len(seen))
	}
}

func TestEventsHappenInOrder(t *testing.T) {
	s := New(1)
	var got []int
	s.After(2*time.Second, func() { got = append(got, 3) })
	s.After(time.Second, func() { got = append(got, 1) })
	s.After(time.Second, func() { got = append(got, 2); s.After(-1, func() { got = append(got, 9) }) })
	ticks := 0
	s.Every(time.Minute, func() bool { ticks++; return ticks < 3 })
	for s.Step() {
	}
	if len(got) != 4 || got[0] != 1 || got[1] != 2 || got[2] != 9 || got[3] != 3 || ticks != 3 || s.Elapsed() != 3*time.Minute {
		t.Errorf("%v, %d ticks, %v", got, ticks, s.Elapsed())
	}
}

func TestRunStopsAtTheFirstFault(t *testing.T) {
	s, n := New(7), 0
	s.Every(time.Second, func() bool { n++; return true })
	bad := errors.New("bad")
	err := s.Run(time.Minute, func() error {
		if n == 5 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) || n != 5 {
		t.Errorf("%v after %d", err, n)
	}
	none := func() error { return nil }
	if err := s.Until(time.Minute, none, func() bool { return n == 8 }); err != nil {
		t.Error(err)
	}
	if err := s.Until(time.Minute, none, func() bool { return false }); err == nil {
		t.Error("what never happens happened")
	}
}

func TestACutLinkCarriesNothing(t *testing.T) {
	s := New(3)
	n := &Network{Sim: s, MinDelay: time.Second, MaxDelay: time.Second}
	got := 0
	n.Send(0, 1, func() { got++ })
	n.SetCut(0, 1, true) // while it is under way
	n.Send(1, 0, func() { got += 10 })
	for s.Step() {
	}
	if delivered, lost := n.Counts(); got != 10 || delivered != 1 || lost != 1 {
		t.Errorf("got %d, %d delivered, %d lost", got, delivered, lost)
	}
}

func TestTheSystemsRandomnessCanBeReplaced(t *testing.T) {
	draw := func() (out [4]int64) {
		ReplaceRand(t, 5)
		for i := range out {
			v, err := rand.Int(rand.Reader, big.NewInt(1<<40))
			if err != nil {
				t.Fatal(err)
			}
			out[i] = v.Int64()
		}
		return out
	}
	if a, b := draw(), draw(); a != b {
		t.Errorf("%v, then %v", a, b)
	}
}
