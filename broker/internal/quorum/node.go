package quorum

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Config is one node of a group. Times are in ticks, whose length the caller decides.
type Config struct {
	ID             NodeID
	Voters         []NodeID // of a new group; a snapshot's voters win over them
	ElectionTicks  int      // default 10
	HeartbeatTicks int      // default 1
	Saved          Saved
}

// Bounds of the group's traffic.
const (
	maxMessageBytes     = 1 << 20
	maxUncommittedBytes = 64 << 20 // more is refused with ErrBusy
	maxInflight         = 256
)

var (
	// ErrNotLeader refuses a proposal: nothing was appended.
	ErrNotLeader = errors.New("not the leader of the quorum")
	// ErrBusy refuses a proposal because too much is uncommitted: nothing was appended.
	ErrBusy = errors.New("too much of the metadata log is uncommitted")
)

// Node is one member of the raft group. One goroutine owns it.
//
// Roles, and what changes them: follower -> candidate by Tick (no leader heard of) or Campaign; candidate -> leader by a
// majority of votes; leader -> follower by a higher term or by CheckQuorum (no majority heard of); any -> follower by a
// message of a higher term.
type Node struct {
	id     NodeID
	raw    *raft.RawNode
	log    *raft.MemoryStorage // what was handed out to be persisted, as raft wants to read it
	last   uint64              // index of the last entry, proposals that Ready has not handed out yet included
	voters []NodeID            // sorted
}

// New makes a node from what it saved. It is a follower.
func New(cfg Config) (*Node, error) {
	if cfg.ID < 0 {
		return nil, fmt.Errorf("node id %d is negative", cfg.ID)
	}
	if cfg.ElectionTicks == 0 {
		cfg.ElectionTicks = 10
	}
	if cfg.HeartbeatTicks == 0 {
		cfg.HeartbeatTicks = 1
	}
	n := &Node{id: cfg.ID, log: raft.NewMemoryStorage(), voters: sorted(cfg.Voters)}
	applied, err := n.load(cfg.Saved)
	if err != nil {
		return nil, err
	}
	n.raw, err = raft.NewRawNode(&raft.Config{
		ID: raftID(cfg.ID), ElectionTick: cfg.ElectionTicks, HeartbeatTick: cfg.HeartbeatTicks, Storage: n.log, Applied: applied,
		MaxSizePerMsg: maxMessageBytes, MaxUncommittedEntriesSize: maxUncommittedBytes, MaxInflightMsgs: maxInflight,
		MaxCommittedSizePerReady: 1 << 30, CheckQuorum: true, PreVote: true, DisableProposalForwarding: true, StepDownOnRemoval: true,
		Logger: quiet{},
	})
	if err != nil {
		return nil, fmt.Errorf("start raft: %w", err)
	}
	return n, nil
}

// load fills the log from what was saved and checks that it fits together.
func (n *Node) load(s Saved) (applied uint64, err error) {
	base := &Snapshot{Term: s.FirstTerm, Voters: n.voters}
	if s.Snapshot != nil {
		applied, n.voters = s.Snapshot.Index, sorted(s.Snapshot.Voters)
		base.Voters, base.Index, base.Term, base.Data = n.voters, s.Snapshot.Index, s.Snapshot.Term, s.Snapshot.Data
	}
	if len(s.Entries) > 0 {
		if first := s.Entries[0].Index; first <= base.Index {
			base.Index, base.Term, base.Data = first-1, s.FirstTerm, nil
		} else if first != base.Index+1 {
			return 0, fmt.Errorf("the log begins at %d, the snapshot ends at %d", first, base.Index)
		}
	}
	if err := n.log.ApplySnapshot(toSnapshot(base)); err != nil {
		return 0, fmt.Errorf("load the log: %w", err)
	}
	n.last = base.Index
	entries := make([]*raftpb.Entry, len(s.Entries))
	for i, e := range s.Entries {
		if e.Index != n.last+1 {
			return 0, fmt.Errorf("entry %d follows entry %d", e.Index, n.last)
		}
		entries[i], n.last = toEntry(e), e.Index
	}
	if err := n.log.Append(entries); err != nil {
		return 0, fmt.Errorf("load the log: %w", err)
	}
	if n.last < applied {
		return 0, fmt.Errorf("the log ends at %d, before the snapshot's %d", n.last, applied)
	}
	h := s.HardState
	if s.Snapshot != nil && base.Index < applied {
		if err := n.Compact(applied, base.Index, s.Snapshot.Data); err != nil {
			return 0, err
		}
	}
	if s.Snapshot != nil && h.Term < s.Snapshot.Term {
		h.Term, h.Vote = s.Snapshot.Term, None // a leader's snapshot arrived, and the crash came before the new term was saved
	}
	h.Commit = max(h.Commit, applied)
	if h.Commit > n.last {
		return 0, fmt.Errorf("entry %d is committed, but the log ends at %d", h.Commit, n.last)
	}
	if h.Term == 0 {
		return applied, nil
	}
	return applied, n.log.SetHardState(&raftpb.HardState{Term: &h.Term, Vote: new(raftID(h.Vote)), Commit: &h.Commit})
}

func sorted(ids []NodeID) []NodeID { return slices.Sorted(slices.Values(ids)) }

// Alone tells whether this node is the only voter.
func (n *Node) Alone() bool { return len(n.voters) == 1 && n.voters[0] == n.id }

// Voters is the group's voters, sorted.
func (n *Node) Voters() []NodeID { return n.voters }

// Campaign asks for the leadership now, without waiting for the election time-out.
func (n *Node) Campaign() error { return n.raw.Campaign() }

// Tick lets one tick of time pass.
func (n *Node) Tick() { n.raw.Tick() }

// Step takes a peer's message. What it cannot use is dropped: raft's messages may be lost at any time.
func (n *Node) Step(m Message) error {
	var pb raftpb.Message
	if err := proto.Unmarshal(m.Data, &pb); err != nil {
		return fmt.Errorf("message of node %d: %w", m.From, err)
	}
	if from := nodeID(pb.GetFrom()); from != m.From || nodeID(pb.GetTo()) != n.id {
		return fmt.Errorf("message of node %d to %d came from node %d to %d", from, nodeID(pb.GetTo()), m.From, n.id)
	}
	if err := n.raw.Step(&pb); err != nil && !errors.Is(err, raft.ErrStepPeerNotFound) && !errors.Is(err, raft.ErrProposalDropped) {
		return fmt.Errorf("message of node %d: %w", m.From, err)
	}
	return nil
}

// Unreachable reports that a message to a peer was lost.
func (n *Node) Unreachable(id NodeID) { n.raw.ReportUnreachable(raftID(id)) }

// SnapshotSent reports what became of a snapshot for a peer.
func (n *Node) SnapshotSent(id NodeID, ok bool) {
	status := raft.SnapshotFinish
	if !ok {
		status = raft.SnapshotFailure
	}
	n.raw.ReportSnapshot(raftID(id), status)
}

// Next is the index that the next proposal gets. It holds for the leader, after Ready had nothing left.
func (n *Node) Next() uint64 { return n.last + 1 }

// Propose appends an entry at Next. With an error nothing was appended. Without, the outcome is known once the entry of that
// index is committed: it is this one if its term is still the same.
func (n *Node) Propose(data []byte) error {
	if n.raw.BasicStatus().RaftState != raft.StateLeader {
		return ErrNotLeader
	}
	if err := n.raw.Propose(data); err != nil {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	n.last++
	return nil
}

// AddVoter proposes that a node votes; it takes effect when its entry is committed. One change at a time: while another is
// under way raft appends an empty entry instead, and the caller sees in Voters that nothing came of it.
func (n *Node) AddVoter(id NodeID) error { return n.change(raftpb.ConfChangeAddNode, id) }

// RemoveVoter proposes that a node votes no more. A leader that removes itself steps down.
func (n *Node) RemoveVoter(id NodeID) error { return n.change(raftpb.ConfChangeRemoveNode, id) }

// change proposes the change of one voter: raft's simple protocol, without joint configurations.
func (n *Node) change(kind raftpb.ConfChangeType, id NodeID) error {
	if n.raw.BasicStatus().RaftState != raft.StateLeader {
		return ErrNotLeader
	}
	if err := n.raw.ProposeConfChange(&raftpb.ConfChange{Type: kind.Enum(), NodeId: new(raftID(id))}); err != nil {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	n.last++
	return nil
}

// Status is the node's view of the group.
func (n *Node) Status() Status {
	b := n.raw.BasicStatus()
	s := Status{ID: n.id, Leader: nodeID(b.Lead), Vote: nodeID(b.GetVote()), Role: role(b.RaftState), Term: b.GetTerm(), Commit: b.GetCommit(), Last: n.last}
	progress := map[NodeID]Progress{}
	if s.Role == Leader {
		for id, p := range n.raw.Status().Progress {
			progress[nodeID(id)] = Progress{ID: nodeID(id), Match: p.Match, Active: p.RecentActive}
		}
	}
	for _, id := range n.voters {
		p := progress[id]
		p.ID = id
		s.Voters = append(s.Voters, p)
	}
	return s
}

func role(s raft.StateType) Role {
	switch s {
	case raft.StateLeader:
		return Leader
	case raft.StateCandidate, raft.StatePreCandidate:
		return Candidate
	}
	return Follower
}

// Compact tells that a snapshot at index is durable, with the state that a peer needs who is behind keep, and forgets the
// entries up to keep.
func (n *Node) Compact(index, keep uint64, state []byte) error {
	if _, err := n.log.CreateSnapshot(index, toConfState(n.voters), state); err != nil && !errors.Is(err, raft.ErrSnapOutOfDate) {
		return fmt.Errorf("snapshot at %d: %w", index, err)
	}
	if err := n.log.Compact(min(keep, index)); err != nil && !errors.Is(err, raft.ErrCompacted) {
		return fmt.Errorf("compact to %d: %w", keep, err)
	}
	return nil
}

// quiet is raft's logger: roles and terms are in the effects, where the shell logs what matters. A broken invariant panics.
type quiet struct{}

func (quiet) Debug(...any)                      {}
func (quiet) Debugf(string, ...any)             {}
func (quiet) Error(...any)                      {}
func (quiet) Errorf(string, ...any)             {}
func (quiet) Info(...any)                       {}
func (quiet) Infof(string, ...any)              {}
func (quiet) Warning(...any)                    {}
func (quiet) Warningf(string, ...any)           {}
func (quiet) Fatal(v ...any)                    { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (quiet) Panic(v ...any)                    { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
