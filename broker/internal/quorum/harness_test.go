package quorum_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/internal/sim"
)

// group is a simulated quorum: nodes, their disks, a network, and what must always hold.
type group struct {
	t     testing.TB
	sim   *sim.Sim
	net   *sim.Network
	hosts []*host
	first []quorum.NodeID // the voters that the group begins with; nil: all hosts
	lossy bool            // a seeded fault: disks forget what they called durable

	leaders   map[uint64]quorum.NodeID // by term
	committed []quorum.Entry           // by index - 1
	proposed  uint64
	err       error // the first broken invariant
}

// host is one node with its disk, which survives crashes.
type host struct {
	id   quorum.NodeID
	node *quorum.Node // nil: down
	life int          // events of an earlier life are void
	busy bool         // effects are being carried out: everything else waits
	wait []func()

	disk    disk
	applied uint64 // index
	state   []byte // hash of everything applied: the state machine
	commit  uint64 // highest seen in this life
	term    uint64
	voters  []quorum.NodeID // when it applied something last
}

// disk is what was persisted.
type disk struct {
	hard     quorum.HardState
	snapshot *quorum.Snapshot
	base     uint64 // the entries begin behind it
	baseTerm uint64
	entries  []quorum.Entry
}

const tick = 100 * time.Millisecond

func newGroup(t testing.TB, seed uint64, n int, voters ...quorum.NodeID) *group {
	sim.ReplaceRand(t, seed)
	s := sim.New(seed)
	g := &group{t: t, sim: s, net: &sim.Network{Sim: s, MinDelay: time.Millisecond, MaxDelay: 30 * time.Millisecond}, leaders: map[uint64]quorum.NodeID{}, first: voters}
	for i := range n {
		h := &host{id: quorum.NodeID(i)}
		h.disk.hard.Vote = quorum.None
		g.hosts = append(g.hosts, h)
	}
	for _, h := range g.hosts {
		g.start(h)
		s.After(s.Between(0, tick), func() { s.Every(tick, func() bool { g.tick(h); return true }) })
	}
	return g
}

func (g *group) voters() []quorum.NodeID {
	if g.first != nil {
		return g.first
	}
	out := make([]quorum.NodeID, len(g.hosts))
	for i := range out {
		out[i] = quorum.NodeID(i)
	}
	return out
}

func (g *group) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// start begins a life from the disk.
func (g *group) start(h *host) {
	if h.node != nil {
		return
	}
	h.life++
	d := h.disk
	h.applied, h.state, h.commit, h.term = 0, nil, 0, d.hard.Term
	if d.snapshot != nil {
		h.applied, h.state = d.snapshot.Index, d.snapshot.Data
	}
	node, err := quorum.New(quorum.Config{ID: h.id, Voters: g.voters(), Saved: quorum.Saved{
		HardState: d.hard, Snapshot: d.snapshot, Entries: slices.Clone(d.entries), FirstTerm: d.baseTerm}})
	if err != nil {
		g.fail("node %d cannot start: %w", h.id, err)
		return
	}
	g.sim.Tracef("%d starts, term %d, log %d to %d", h.id, d.hard.Term, d.base, d.last())
	h.node, h.busy, h.wait = node, false, nil
	if node.Alone() {
		if err := node.Campaign(); err != nil {
			g.fail("campaign: %w", err)
		}
	}
	g.drain(h)
}

// crash ends a life; what was not persisted is gone. A record that was under way may be on the disk or not.
func (g *group) crash(h *host) {
	if h.node == nil {
		return
	}
	g.sim.Tracef("%d crashes", h.id)
	h.node, h.life = nil, h.life+1
	if g.lossy && len(h.disk.entries) > 0 {
		h.disk.entries = h.disk.entries[:g.sim.IntN(len(h.disk.entries))]
		h.disk.hard.Vote = quorum.None
		h.disk.hard.Commit = min(h.disk.hard.Commit, h.disk.last())
	}
}

// do runs fn on a living node that is not busy, now or when it is free.
func (g *group) do(h *host, fn func()) {
	switch {
	case h.node == nil:
	case h.busy:
		h.wait = append(h.wait, fn)
	default:
		fn()
		g.drain(h)
	}
}

func (g *group) tick(h *host) { g.do(h, func() { h.node.Tick() }) }

// drain takes the effects and carries them out: the disk takes its time, then messages leave, then entries are applied.
func (g *group) drain(h *host) {
	fx, some, err := h.node.Ready()
	if err != nil {
		g.fail("node %d: %w", h.id, err)
		return
	}
	if !some {
		if len(h.wait) > 0 {
			next := h.wait[0]
			h.wait = h.wait[1:]
			g.do(h, next)
		}
		return
	}
	g.observe(h, fx)
	life := h.life
	h.busy = true
	g.sim.After(g.sim.Between(0, 5*time.Millisecond), func() {
		if h.life != life {
			if g.sim.Chance(0.5) && h.node == nil { // the write was under way when the node crashed
				h.disk.persist(fx)
			}
			return
		}
		h.disk.persist(fx)
		g.act(h, fx)
		h.busy = false
		g.drain(h)
	})
}

func (g *group) act(h *host, fx quorum.Effects) {
	if fx.Snapshot != nil {
		h.applied, h.state = fx.Snapshot.Index, fx.Snapshot.Data
	}
	for _, m := range fx.Messages {
		sum := fnv.New32a()
		sum.Write(m.Data)
		g.sim.Tracef("%d sends %d %x", m.From, m.To, sum.Sum32())
		to := g.hosts[m.To]
		g.net.Send(int(m.From), int(m.To), func() {
			g.do(to, func() {
				if err := to.node.Step(m); err != nil {
					g.fail("step: %w", err)
				}
			})
		})
	}
	for _, e := range fx.Committed {
		g.apply(h, e)
	}
	h.voters = h.node.Voters()
}

// apply checks that every node applies the same entries in the same order, and that a majority has what is applied first.
func (g *group) apply(h *host, e quorum.Entry) {
	if e.Index != h.applied+1 {
		g.fail("node %d applies %d after %d", h.id, e.Index, h.applied)
		return
	}
	h.applied = e.Index
	sum := fnv.New64a()
	fmt.Fprintf(sum, "%x %d %d %x", h.state, e.Index, e.Term, e.Data)
	h.state = sum.Sum(nil)
	g.sim.Tracef("%d applies %d of term %d: %x", h.id, e.Index, e.Term, h.state)
	if e.Index <= uint64(len(g.committed)) {
		if was := g.committed[e.Index-1]; was.Term != e.Term || !bytes.Equal(was.Data, e.Data) {
			g.fail("entry %d was committed as term %d %x, and node %d applies term %d %x", e.Index, was.Term, was.Data, h.id, e.Term, e.Data)
		}
		return
	}
	if e.Index != uint64(len(g.committed))+1 {
		g.fail("entry %d is applied, but %d entries are committed", e.Index, len(g.committed))
		return
	}
	g.committed = append(g.committed, e)
	// An entry that changes the voters is committed by those before it.
	if !g.majority(h.voters, e) && !g.majority(h.node.Voters(), e) {
		g.fail("entry %d is applied, and no majority of %v or %v has it", e.Index, h.voters, h.node.Voters())
	}
}

func (g *group) majority(voters []quorum.NodeID, e quorum.Entry) bool {
	have := 0
	for _, id := range voters {
		if g.hosts[id].disk.has(e) {
			have++
		}
	}
	return have > len(voters)/2
}

// observe checks what a node says about itself.
func (g *group) observe(h *host, fx quorum.Effects) {
	if fx.Role == quorum.Leader {
		if fx.Snapshot != nil {
			g.fail("node %d leads and loads a snapshot", h.id)
		}
		if other, ok := g.leaders[fx.Term]; ok && other != h.id {
			g.fail("nodes %d and %d lead in term %d", other, h.id, fx.Term)
		}
		if _, ok := g.leaders[fx.Term]; !ok {
			g.sim.Tracef("%d leads in term %d", h.id, fx.Term)
		}
		g.leaders[fx.Term] = h.id
	}
	if fx.Term < h.term {
		g.fail("the term of node %d fell from %d to %d", h.id, h.term, fx.Term)
	}
	h.term = fx.Term
	if s := h.node.Status(); s.Commit < h.commit {
		g.fail("the commit index of node %d fell from %d to %d", h.id, h.commit, s.Commit)
	} else {
		h.commit = s.Commit
	}
}

func (d *disk) last() uint64 { return d.base + uint64(len(d.entries)) }

func (d *disk) persist(fx quorum.Effects) {
	if fx.HardState != nil {
		d.hard = *fx.HardState
	}
	if fx.Snapshot != nil {
		d.snapshot, d.base, d.baseTerm, d.entries = fx.Snapshot, fx.Snapshot.Index, fx.Snapshot.Term, nil
	}
	if len(fx.Entries) > 0 {
		d.entries = append(d.entries[:fx.Entries[0].Index-d.base-1:fx.Entries[0].Index-d.base-1], fx.Entries...)
	}
}

// has tells whether an entry is on the disk, by itself or in the snapshot.
func (d *disk) has(e quorum.Entry) bool {
	if d.snapshot != nil && e.Index <= d.snapshot.Index {
		return true
	}
	return e.Index > d.base && e.Index <= d.last() && d.entries[e.Index-d.base-1].Term == e.Term
}

// leader is the leader of the highest term among the living, or nil.
func (g *group) leader() *host {
	var best *host
	for _, h := range g.hosts {
		if h.node != nil && !h.busy && h.node.Status().Role == quorum.Leader && (best == nil || h.term > best.term) {
			best = h
		}
	}
	return best
}

func (g *group) propose() {
	h := g.leader()
	if h == nil {
		return
	}
	g.proposed++
	data := binary.BigEndian.AppendUint64(nil, g.proposed)
	g.do(h, func() {
		want := h.node.Next()
		if err := h.node.Propose(data); err != nil {
			return
		}
		if h.node.Next() != want+1 {
			g.fail("a proposal at %d left the next at %d", want, h.node.Next())
		}
	})
}

// compact makes a snapshot of what is applied, and keeps some entries before it.
func (g *group) compact(h *host) {
	g.do(h, func() {
		d := &h.disk
		if h.applied <= d.base+2 || h.applied > d.last() {
			return
		}
		keep := d.base + g.sim.Uint64N(h.applied-d.base) // below applied: slow peers may need no snapshot
		at := d.entries[h.applied-d.base-1]
		d.snapshot = &quorum.Snapshot{Index: at.Index, Term: at.Term, Voters: h.node.Voters(), Data: h.state}
		if keep > d.base {
			d.baseTerm = d.entries[keep-d.base-1].Term
			d.entries, d.base = slices.Clone(d.entries[keep-d.base:]), keep
		}
		g.sim.Tracef("%d snapshots at %d, keeps from %d", h.id, at.Index, keep)
		if err := h.node.Compact(at.Index, keep, h.state); err != nil {
			g.fail("compact: %w", err)
		}
	})
}

func (g *group) check() error { return g.err }

// settled tells whether there is a leader whose own entry is committed, and all living nodes have applied the same.
func (g *group) settled() bool {
	l := g.leader()
	if l == nil || len(g.committed) == 0 || g.committed[len(g.committed)-1].Term != l.term {
		return false
	}
	for _, h := range g.hosts {
		if h.node != nil && (h.applied != uint64(len(g.committed)) || !bytes.Equal(h.state, l.state)) {
			return false
		}
	}
	return true
}
