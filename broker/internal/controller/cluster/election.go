package cluster

import (
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// A change is one partition on its way to a new leader, ISR and ELR.
//
// Leadership of a partition, and what moves it:
//
//	leader -> same leader, same epoch    nothing, or an ISR change
//	leader -> same leader, epoch + 1     its broker registered again (rule 2)
//	leader -> other leader, epoch + 1    its broker was fenced or shuts down, or the preferred leader was asked for
//	leader -> none, epoch + 1            its broker was fenced, and nobody of ISR and ELR is live
//	none   -> leader, epoch + 1          one of ISR or ELR became live; or the last known leader under flush.policy=os; or any
//	                                     live replica where unclean elections are allowed or asked for
//
// There is no other transition: a leader never changes without a new epoch.
type change struct {
	m     *Machine
	topic *metadata.Topic
	index int32
	old   *metadata.Partition

	replicas  []int32 // the wanted replicas, in preferred order; those of a move included (KIP-455)
	adding    []int32
	removing  []int32
	live      func(id int32) bool // may lead; decides on the state after this event
	isr       []int32             // the wanted ISR
	unclean   func(id int32) bool // replicas that lost something: never in the ELR
	preferred bool                // the first replica should lead
	force     bool                // an operator asked for an unclean election
	resumed   int32               // a broker that registered again: its leaderships get a new epoch; -1 for none
	recovery  int8                // the leader's recovery state as it reports it, or NoRecoveryChange
}

// newChange starts from a partition as it is.
func (m *Machine) newChange(t *metadata.Topic, index int32) *change {
	p := t.Partitions[index]
	return &change{
		m: m, topic: t, index: index, old: p, replicas: p.Replicas, adding: p.Adding, removing: p.Removing, isr: p.ISR, resumed: -1,
		recovery: metadata.NoRecoveryChange,
		live:     func(id int32) bool { return live(m.View().Broker(id)) },
		unclean:  func(int32) bool { return false },
	}
}

// choice is the outcome of an election.
type choice struct {
	leader  int32
	unclean bool
}

// choose elects: the preferred leader when it is asked for, the leader that is there, then the ISR, the ELR, the last known
// leader, any live replica, each only when those before it have nobody (storage.md 11.2 rule 5).
func (c *change) choose() choice {
	inISR := func(id int32) bool { return c.live(id) && slices.Contains(c.isr, id) }
	elr := c.nextELR(c.isr)
	if first := c.replicas[0]; c.preferred && inISR(first) {
		return choice{leader: first}
	}
	if inISR(c.old.Leader) {
		return choice{leader: c.old.Leader}
	}
	for _, id := range c.replicas {
		if inISR(id) {
			return choice{leader: id}
		}
	}
	for _, id := range c.replicas {
		if c.live(id) && slices.Contains(elr, id) {
			return choice{leader: id}
		}
	}
	if len(c.isr) == 0 && len(elr) == 0 && c.m.flushOS(c.topic.Name) {
		for _, id := range c.lastKnown(-1) {
			if c.live(id) && slices.Contains(c.replicas, id) {
				return choice{leader: id}
			}
		}
	}
	if c.force || c.m.uncleanElection(c.topic.Name) {
		for _, id := range c.replicas {
			if c.live(id) {
				return choice{leader: id, unclean: true}
			}
		}
	}
	return choice{leader: -1}
}

// nextELR is who stays eligible beside an ISR: while it is below the minimum, those who were in ISR or ELR and lost nothing
// (KIP-966). Above the minimum the ISR alone is enough.
func (c *change) nextELR(isr []int32) []int32 {
	if !c.m.elr() || len(isr) >= c.m.minISR(c.topic.Name, len(c.replicas)) {
		return nil
	}
	var out []int32
	for _, id := range c.replicas {
		was := slices.Contains(c.old.ISR, id) || slices.Contains(c.old.ELR, id)
		if was && !slices.Contains(isr, id) && !c.unclean(id) {
			out = append(out, id)
		}
	}
	return out
}

// clearELR empties the ELR of topics; name is empty for all. Where the ISR is empty nobody leads and the high watermark
// stands still, so those in the ELR have everything whatever the minimum is now: they stay, or the partition would be lost.
func (m *Machine) clearELR(name string, topics []*metadata.Topic) []metadata.Record {
	records := []metadata.Record{&metadata.ClearElrRecord{TopicName: name}}
	m.leaderless(topics, func(r *metadata.PartitionChangeRecord, p *metadata.Partition) {
		r.EligibleLeaderReplicas, r.LastKnownELR = list(p.ELR), list(p.LastKnownELR)
		records = append(records, r)
	})
	return records
}

// dropELR is what happens when the feature is switched off: the ISR takes in who must not be forgotten.
func (m *Machine) dropELR() []metadata.Record {
	records := []metadata.Record{&metadata.ClearElrRecord{}}
	m.leaderless(m.View().Topics(), func(r *metadata.PartitionChangeRecord, p *metadata.Partition) {
		r.ISR, r.LastKnownELR = list(p.ELR), list(p.LastKnownELR)
		records = append(records, r)
	})
	return records
}

// leaderless calls fn with a blank change for every partition whose ISR is empty.
func (m *Machine) leaderless(topics []*metadata.Topic, fn func(*metadata.PartitionChangeRecord, *metadata.Partition)) {
	for _, t := range topics {
		for i, p := range t.Partitions {
			if len(p.ISR) == 0 {
				fn(&metadata.PartitionChangeRecord{PartitionID: int32(i), TopicID: t.ID, Leader: metadata.NoLeaderChange,
					LeaderRecoveryState: metadata.NoRecoveryChange}, p)
			}
		}
	}
}

// record is the change as a record, or nil when the partition stays as it is.
func (c *change) record() *metadata.PartitionChangeRecord {
	c.complete()
	won := c.choose()
	switch {
	case won.leader >= 0 && !slices.Contains(c.isr, won.leader):
		c.isr = []int32{won.leader}
	case won.leader < 0 && len(c.isr) == 0 && !c.m.elr():
		c.isr = slices.DeleteFunc(slices.Clone(c.old.ISR), c.unclean) // without ELR the ISR must remember who had everything
	}
	r := &metadata.PartitionChangeRecord{
		PartitionID: c.index, TopicID: c.topic.ID, Leader: metadata.NoLeaderChange, LeaderRecoveryState: metadata.NoRecoveryChange,
	}
	if !slices.Equal(c.isr, c.old.ISR) {
		r.ISR = list(c.isr)
	}
	if elr := c.nextELR(c.isr); !slices.Equal(elr, c.old.ELR) {
		r.EligibleLeaderReplicas = list(elr)
	}
	if last := c.lastKnown(won.leader); !slices.Equal(last, c.old.LastKnownELR) {
		r.LastKnownELR = list(last)
	}
	if won.leader != c.old.Leader || epochsRise && won.leader >= 0 && won.leader == c.resumed {
		r.Leader = won.leader
	}
	if state := c.recoveryState(won); state != c.old.LeaderRecoveryByte {
		r.LeaderRecoveryState = state
	}
	moved := c.move(r)
	if !moved && r.ISR == nil && r.EligibleLeaderReplicas == nil && r.LastKnownELR == nil && r.Leader == metadata.NoLeaderChange &&
		r.LeaderRecoveryState == metadata.NoRecoveryChange {
		return nil
	}
	return r
}

// lastKnown remembers who led last while nobody leads.
func (c *change) lastKnown(leader int32) []int32 {
	switch {
	case leader >= 0:
		return nil
	case c.old.Leader >= 0:
		return []int32{c.old.Leader}
	}
	return c.old.LastKnownELR
}

// recoveryState: an unclean leader recovers until it reports otherwise, or until somebody else leads.
func (c *change) recoveryState(won choice) int8 {
	switch {
	case won.unclean:
		return 1
	case c.recovery != metadata.NoRecoveryChange:
		return c.recovery
	case won.leader >= 0 && won.leader != c.old.Leader:
		return 0
	}
	return c.old.LeaderRecoveryByte
}

// list is a list for a record, where nil would mean that nothing changes.
func list(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}

// without is a list without one id, the list itself when it is not in it.
func without(ids []int32, id int32) []int32 {
	at := slices.Index(ids, id)
	if at < 0 {
		return ids
	}
	return slices.Delete(slices.Clone(ids), at, at+1)
}
