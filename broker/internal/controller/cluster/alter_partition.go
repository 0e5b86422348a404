package cluster

import (
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// alterPartition takes ISR changes that leaders want. Every request carries the epochs on which it rests; older ones are
// fenced, never applied (storage.md 11.2 rule 4, KIP-497, KIP-903).
func (m *Machine) alterPartition(ev AlterPartition) Effects {
	if res := m.checkBroker(ev.BrokerID, ev.BrokerEpoch); !res.OK() {
		return Effects{Reply: AlteredPartitions{Result: res}}
	}
	reply := AlteredPartitions{Partitions: make([]AlteredPartition, len(ev.Partitions))}
	var records []metadata.Record
	seen := map[TopicPartition]bool{}
	for i, a := range ev.Partitions {
		out := &reply.Partitions[i]
		out.TopicPartition = a.TopicPartition
		if seen[a.TopicPartition] {
			out.Result = fail(kerr.InvalidRequest, "")
			continue
		}
		seen[a.TopicPartition] = true
		t := m.View().TopicByID(a.TopicID)
		if out.Result = checkAlter(ev.BrokerID, t, a); !out.OK() {
			continue
		}
		if out.Result = m.checkMembers(a.ISR); !out.OK() {
			continue
		}
		r, next := m.alterISR(t, a)
		if out.State = next; r != nil {
			records = append(records, r)
		}
	}
	return Effects{Records: records, Reply: reply}
}

// checkAlter checks the epochs and what the new ISR says about itself.
func checkAlter(from int32, t *metadata.Topic, a AlterISR) Result {
	if t == nil {
		return fail(kerr.UnknownTopicID, "")
	}
	p := t.Partition(a.Index)
	if p == nil {
		return fail(kerr.UnknownTopicOrPartition, "")
	}
	named := func(id int32) bool { return slices.ContainsFunc(a.ISR, func(m ISRMember) bool { return m.ID == id }) }
	foreign := func(m ISRMember) bool { return !slices.Contains(p.Replicas, m.ID) }
	switch {
	case a.LeaderEpoch > p.LeaderEpoch || a.PartitionEpoch > p.PartitionEpoch:
		return fail(kerr.NotController, "") // the leader knows more than this controller
	case epochsRise && a.LeaderEpoch < p.LeaderEpoch:
		return fail(kerr.FencedLeaderEpoch, "")
	case p.Leader != from:
		return fail(kerr.InvalidRequest, "")
	case a.PartitionEpoch < p.PartitionEpoch:
		return fail(kerr.InvalidUpdateVersion, "")
	case !named(from) || slices.ContainsFunc(a.ISR, foreign):
		return fail(kerr.InvalidRequest, "")
	case a.Recovering && (len(a.ISR) > 1 || p.LeaderRecoveryByte == 0):
		return fail(kerr.InvalidRequest, "")
	}
	return Result{}
}

// checkMembers refuses replicas that may not be in an ISR, and evidence that is older than a replica's registration.
func (m *Machine) checkMembers(isr []ISRMember) Result {
	for _, r := range isr {
		if b := m.View().Broker(r.ID); !live(b) || r.Epoch != -1 && r.Epoch != b.Epoch {
			return fail(kerr.IneligibleReplica, "")
		}
	}
	return Result{}
}

func (m *Machine) alterISR(t *metadata.Topic, a AlterISR) (metadata.Record, *metadata.Partition) {
	c := m.newChange(t, a.Index)
	c.isr = nil
	for _, id := range c.replicas { // in the order of the replicas, and each once
		if slices.ContainsFunc(a.ISR, func(r ISRMember) bool { return r.ID == id }) {
			c.isr = append(c.isr, id)
		}
	}
	if sameMembers(c.isr, c.old.ISR) {
		c.isr = c.old.ISR
	}
	if c.recovery = 0; a.Recovering {
		c.recovery = 1
	}
	r := c.record()
	if r == nil {
		return nil, c.old
	}
	d := metadata.NewDelta(m.View())
	if err := d.Apply(r); err != nil {
		panic(err) // the record was made for this very state
	}
	return r, d.View().TopicByID(t.ID).Partition(a.Index)
}

func sameMembers(a, b []int32) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
