package quorum_test

import (
	"errors"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

func TestOnlyALeaderTakesProposals(t *testing.T) {
	n, err := quorum.New(quorum.Config{ID: 0, Voters: []quorum.NodeID{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Propose(nil); !errors.Is(err, quorum.ErrNotLeader) {
		t.Error(err)
	}
	if err := n.AddVoter(3); !errors.Is(err, quorum.ErrNotLeader) {
		t.Error(err)
	}
}

func TestASingleVoterNeedsOneDrain(t *testing.T) {
	n, err := quorum.New(quorum.Config{ID: 7, Voters: []quorum.NodeID{7}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Campaign(); err != nil {
		t.Fatal(err)
	}
	fx, some, err := n.Ready()
	if err != nil || !some {
		t.Fatal(some, err)
	}
	if fx.Role != quorum.Leader || fx.Leader != 7 || !fx.MustSync || len(fx.Entries) != 1 || len(fx.Committed) != 1 || len(fx.Messages) != 0 ||
		*fx.HardState != (quorum.HardState{Term: 1, Vote: 7, Commit: 1}) {
		t.Errorf("%+v, %+v", fx, fx.HardState)
	}
	for range 3 {
		if err := n.Propose([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if n.Next() != 5 {
		t.Errorf("next is %d", n.Next())
	}
	if fx, _, _ = n.Ready(); len(fx.Committed) != 3 || fx.Committed[2].Index != 4 {
		t.Errorf("%+v", fx)
	}
	if _, some, _ := n.Ready(); some {
		t.Error("still something to do")
	}
}

func TestMessagesThatAreNotForThisNodeAreErrors(t *testing.T) {
	n, err := quorum.New(quorum.Config{ID: 0, Voters: []quorum.NodeID{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 { // long enough for several elections
		n.Tick()
	}
	fx, _, err := n.Ready()
	if err != nil || len(fx.Messages) < 2 || fx.Messages[0].To != 1 {
		t.Fatal(fx.Messages, err)
	}
	m := fx.Messages[0]
	if err := n.Step(m); err == nil {
		t.Error("a message to node 1 passes at node 0")
	}
	m.To, m.From, m.Data = 0, 1, []byte("garbage")
	if err := n.Step(m); err == nil {
		t.Error("garbage passes")
	}
}

func TestWhatWasSavedMustFitTogether(t *testing.T) {
	e := func(i, term uint64) quorum.Entry { return quorum.Entry{Index: i, Term: term} }
	for name, s := range map[string]quorum.Saved{
		"a hole":                      {Entries: []quorum.Entry{e(1, 1), e(3, 1)}},
		"no beginning":                {Entries: []quorum.Entry{e(5, 1)}},
		"a hole behind the snapshot":  {Snapshot: &quorum.Snapshot{Index: 3, Term: 1}, Entries: []quorum.Entry{e(5, 1)}},
		"a log short of its snapshot": {Snapshot: &quorum.Snapshot{Index: 9, Term: 1}, Entries: []quorum.Entry{e(1, 1)}},
		"a commit behind the end":     {HardState: quorum.HardState{Term: 1, Commit: 2}, Entries: []quorum.Entry{e(1, 1)}},
	} {
		if _, err := quorum.New(quorum.Config{ID: 0, Voters: []quorum.NodeID{0}, Saved: s}); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if _, err := quorum.New(quorum.Config{ID: -1}); err == nil {
		t.Error("a negative id passes")
	}
}
