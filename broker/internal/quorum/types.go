package quorum

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// NodeID is a node of the cluster. None is no node. Raft's own ids begin at 1, ours at 0: they differ by one.
type NodeID int32

// None is where a leader or a vote is missing.
const None NodeID = -1

// Role is what a node is at the moment.
type Role uint8

const (
	Follower Role = iota
	Candidate
	Leader
)

func (r Role) String() string { return [...]string{"follower", "candidate", "leader"}[r] }

// Kind is the kind of an entry. The values are on disk: never renumber.
type Kind uint8

const (
	Normal       Kind = 0
	ConfChange   Kind = 1
	ConfChangeV2 Kind = 2
)

// Entry is one entry of the log. Its data is shared and must not be written to.
type Entry struct {
	Index, Term uint64
	Kind        Kind
	Data        []byte
}

// HardState is what a node must never forget.
type HardState struct {
	Term   uint64
	Vote   NodeID
	Commit uint64
}

// Snapshot is the state up to an entry. Data is the state machine's own form.
type Snapshot struct {
	Index, Term uint64
	Voters      []NodeID
	Data        []byte
}

// Message goes to a peer as it is. The bytes are raft's own encoding.
type Message struct {
	From, To NodeID
	Data     []byte
}

// Effects is what must be done, in the order of the fields.
type Effects struct {
	HardState *HardState // persist; nil: as before
	Snapshot  *Snapshot  // persist, and replace the state and the log by it; nil: none
	Entries   []Entry    // persist: what the log has from Entries[0].Index on is replaced by these
	Messages  []Message  // send, once all of the above is durable
	Committed []Entry    // apply
	MustSync  bool       // something of the above must be durable; else it can wait for the next time

	Role   Role
	Leader NodeID
	Term   uint64
}

// Saved is what New starts from.
type Saved struct {
	HardState HardState
	Snapshot  *Snapshot // the newest one; Data is for peers that are behind. nil: none
	// Entries follow each other. They may begin before the end of the snapshot, so that slow peers need none.
	Entries []Entry
	// FirstTerm is the term of the entry before Entries[0]; 0 at the beginning of the log.
	FirstTerm uint64
}

// Progress is one voter as the leader sees it.
type Progress struct {
	ID     NodeID
	Match  uint64 // last index known to be durable there
	Active bool   // it was heard of within the last election time-out
}

// Status is a node's view of the group. Voters is complete at the leader; elsewhere Match and Active are not known.
type Status struct {
	ID, Leader, Vote NodeID
	Role             Role
	Term             uint64
	Commit, Last     uint64
	Voters           []Progress // by id
}

func raftID(id NodeID) uint64 { return uint64(int64(id) + 1) }
func nodeID(id uint64) NodeID { return NodeID(int64(id) - 1) }

func fromEntry(e *raftpb.Entry) Entry {
	return Entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: Kind(e.GetType()), Data: e.GetData()}
}

func toEntry(e Entry) *raftpb.Entry {
	out := &raftpb.Entry{Index: &e.Index, Term: &e.Term, Data: e.Data}
	if e.Kind != Normal {
		out.Type = raftpb.EntryType(e.Kind).Enum()
	}
	return out
}

func fromHardState(h *raftpb.HardState) HardState {
	return HardState{Term: h.GetTerm(), Vote: nodeID(h.GetVote()), Commit: h.GetCommit()}
}

func fromSnapshot(s *raftpb.Snapshot) *Snapshot {
	m := s.GetMetadata()
	out := &Snapshot{Index: m.GetIndex(), Term: m.GetTerm(), Data: s.GetData()}
	for _, id := range m.GetConfState().GetVoters() {
		out.Voters = append(out.Voters, nodeID(id))
	}
	return out
}

func toConfState(voters []NodeID) *raftpb.ConfState {
	out := &raftpb.ConfState{}
	for _, id := range voters {
		out.Voters = append(out.Voters, raftID(id))
	}
	return out
}

func toSnapshot(s *Snapshot) *raftpb.Snapshot {
	return &raftpb.Snapshot{Data: s.Data, Metadata: &raftpb.SnapshotMetadata{
		ConfState: toConfState(s.Voters), Index: &s.Index, Term: &s.Term}}
}

// fromMessage encodes a message, always to the same bytes.
func fromMessage(m *raftpb.Message) (Message, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return Message{}, fmt.Errorf("encode a raft message: %w", err)
	}
	return Message{From: nodeID(m.GetFrom()), To: nodeID(m.GetTo()), Data: b}, nil
}
