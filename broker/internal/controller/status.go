package controller

import (
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// Status is the quorum as this node sees it, in Kafka's terms: offsets are raft's indexes, ends are exclusive.
type Status struct {
	LeaderID      int32 // -1: none
	LeaderEpoch   int32
	HighWatermark int64
	Voters        []VoterStatus // by id
}

// VoterStatus is one voter. What only the leader knows is -1, or the zero time, elsewhere.
type VoterStatus struct {
	ID           int32
	LogEndOffset int64
	LastFetch    time.Time // when it was heard of last
	LastCaughtUp time.Time // when it had everything last
}

// Status is the quorum as of now, for DescribeQuorum and metrics.
func (c *Controller) Status() Status {
	s := *c.status.Load()
	s.Voters = append([]VoterStatus(nil), s.Voters...)
	for i, v := range s.Voters {
		if v.ID == c.cfg.NodeID && v.ID == s.LeaderID {
			s.Voters[i].LastFetch, s.Voters[i].LastCaughtUp = c.cfg.Now(), c.cfg.Now() // a leader is always at its own end
		}
	}
	return s
}

func (c *Controller) publishStatus() {
	q := c.node.Status()
	s := &Status{LeaderID: int32(q.Leader), LeaderEpoch: epoch(q.Term), HighWatermark: int64(q.Commit) + 1}
	for _, p := range q.Voters {
		v := VoterStatus{ID: int32(p.ID), LogEndOffset: -1}
		switch {
		case q.Role == quorum.Leader && p.ID != q.ID:
			if p.Match >= q.Last {
				c.caught[p.ID] = c.heard[p.ID]
			}
			v.LogEndOffset, v.LastFetch, v.LastCaughtUp = int64(p.Match)+1, c.heard[p.ID], c.caught[p.ID]
		case p.ID == q.ID:
			v.LogEndOffset = int64(q.Last) + 1
		}
		s.Voters = append(s.Voters, v)
	}
	c.status.Store(s)
}
