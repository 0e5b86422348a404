package quorum

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Ready drains what there is to do; false means nothing.
//
// Several of raft's Readys are drained into one answer. That is sound because nothing leaves the node, neither a message nor a
// committed entry, before everything in the answer is durable: to the outside it looks as if the node had synced after each.
// It is what lets a single voter vote for itself, lead, append and commit with one sync.
func (n *Node) Ready() (Effects, bool, error) {
	var fx Effects
	some := false
	for n.raw.HasReady() {
		some = true
		rd := n.raw.Ready()
		if err := n.take(&fx, rd); err != nil {
			return Effects{}, false, err
		}
		n.raw.Advance(rd)
	}
	if !some {
		return fx, false, nil
	}
	last, err := n.log.LastIndex()
	if err != nil {
		return Effects{}, false, fmt.Errorf("end of the log: %w", err)
	}
	n.last = last
	b := n.raw.BasicStatus()
	fx.Role, fx.Leader, fx.Term = role(b.RaftState), nodeID(b.Lead), b.GetTerm()
	return fx, true, nil
}

// take adds one of raft's Readys to the effects, and mirrors it in the log that raft reads.
func (n *Node) take(fx *Effects, rd raft.Ready) error {
	if !raft.IsEmptyHardState(rd.HardState) {
		fx.HardState = new(fromHardState(rd.HardState))
		if err := n.log.SetHardState(rd.HardState); err != nil {
			return fmt.Errorf("hard state: %w", err)
		}
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		fx.Snapshot, fx.Entries, fx.Committed, fx.MustSync = fromSnapshot(rd.Snapshot), nil, nil, true
		n.voters = sorted(fx.Snapshot.Voters)
		if err := n.log.ApplySnapshot(rd.Snapshot); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
	}
	if err := n.log.Append(rd.Entries); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	for _, e := range rd.Entries {
		fx.Entries = appendEntry(fx.Entries, fromEntry(e))
	}
	fx.MustSync = fx.MustSync || rd.MustSync
	for _, m := range rd.Messages {
		out, err := fromMessage(m)
		if err != nil {
			return err
		}
		fx.Messages = append(fx.Messages, out)
	}
	for _, e := range rd.CommittedEntries {
		if err := n.confChange(e); err != nil {
			return err
		}
		fx.Committed = append(fx.Committed, fromEntry(e))
	}
	return nil
}

// appendEntry adds an entry, which replaces those from its index on: raft may hand out a suffix and then overwrite it.
func appendEntry(entries []Entry, e Entry) []Entry {
	for len(entries) > 0 && entries[len(entries)-1].Index >= e.Index {
		entries = entries[:len(entries)-1]
	}
	return append(entries, e)
}

// confChange takes a committed change of the membership into the group. Raft itself must hear of it before it goes on.
func (n *Node) confChange(e *raftpb.Entry) error {
	var change raftpb.ConfChangeI
	var pb proto.Message
	switch e.GetType() {
	case raftpb.EntryConfChange:
		cc := &raftpb.ConfChange{}
		change, pb = cc, cc
	case raftpb.EntryConfChangeV2:
		cc := &raftpb.ConfChangeV2{}
		change, pb = cc, cc
	default:
		return nil
	}
	if err := proto.Unmarshal(e.GetData(), pb); err != nil {
		return fmt.Errorf("membership change at %d: %w", e.GetIndex(), err)
	}
	n.voters = n.voters[:0:0]
	for _, id := range n.raw.ApplyConfChange(change).GetVoters() {
		n.voters = append(n.voters, nodeID(id))
	}
	n.voters = sorted(n.voters)
	return nil
}
