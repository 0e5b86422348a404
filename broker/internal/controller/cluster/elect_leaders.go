package cluster

import (
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Kinds of ElectLeaders.
const (
	electPreferred int8 = 0
	electUnclean   int8 = 1
)

// electLeaders elects where an operator asks for it. Asked for all partitions, it leaves out those that need no election.
func (m *Machine) electLeaders(ev ElectLeaders) Effects {
	reply := []ElectedLeader{}
	var records []metadata.Record
	asked := map[ElectPartition]bool{}
	one := func(p ElectPartition) ElectedLeader {
		r, res := m.electOne(ev.Type, p, asked[p])
		asked[p] = true
		if r != nil {
			records = append(records, r)
		}
		return ElectedLeader{p, res}
	}
	for _, p := range ev.Partitions {
		reply = append(reply, one(p))
	}
	if ev.Partitions == nil {
		for _, t := range m.View().Topics() {
			for i := range t.Partitions {
				if e := one(ElectPartition{t.Name, int32(i)}); e.Code != kerr.ElectionNotNeeded.Code {
					reply = append(reply, e)
				}
			}
		}
	}
	return Effects{Records: records, Reply: reply}
}

func (m *Machine) electOne(kind int8, p ElectPartition, again bool) (metadata.Record, Result) {
	if kind != electPreferred && kind != electUnclean {
		return nil, fail(kerr.InvalidRequest, "Unknown election type %d", kind)
	}
	t := m.View().Topic(p.Topic)
	if t == nil {
		return nil, fail(kerr.UnknownTopicOrPartition, "No such topic as %s", p.Topic)
	}
	old := t.Partition(p.Index)
	if old == nil {
		return nil, fail(kerr.UnknownTopicOrPartition, "No such partition as %s-%d", p.Topic, p.Index)
	}
	needed := old.Leader < 0
	if kind == electPreferred {
		needed = old.Leader != old.Replicas[0]
	}
	if !needed || again {
		return nil, fail(kerr.ElectionNotNeeded, "Leader election not needed for topic partition.")
	}
	c := m.newChange(t, p.Index)
	c.preferred, c.force = kind == electPreferred, kind == electUnclean
	r := c.record()
	switch {
	case kind == electPreferred && (r == nil || r.Leader != old.Replicas[0]):
		return nil, fail(kerr.PreferredLeaderNotAvailable, "The preferred leader was not available.")
	case r == nil || r.Leader < 0:
		return nil, fail(kerr.EligibleLeadersNotAvailable, "Eligible topic partition leaders are not available.")
	}
	return r, Result{}
}
