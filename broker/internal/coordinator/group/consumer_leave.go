package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerLeave is a heartbeat with epoch -1, or -2 of a static member that will be back within its session.
func (d *decision) consumerLeave(ev ConsumerGroupHeartbeat, resp *kmsg.ConsumerGroupHeartbeatResponse) *failure {
	g := d.consumer[ev.Group]
	if g == nil {
		return refuse(kerr.GroupIDNotFound, "Consumer group %s not found.", ev.Group)
	}
	m := g.members.get(ev.MemberID)
	if ev.InstanceID != nil {
		m = g.members.get(g.static[*ev.InstanceID])
		switch {
		case m == nil:
			return refuse(kerr.UnknownMemberID, "Instance id %s is unknown.", *ev.InstanceID)
		case m.id != ev.MemberID:
			return refuse(kerr.FencedInstanceID, "Static member %s with instance id %s was fenced by member %s.", ev.MemberID, *ev.InstanceID, m.id)
		}
	}
	if m == nil {
		return refuse(kerr.UnknownMemberID, "Member %s is not a member of group %s.", ev.MemberID, ev.Group)
	}
	resp.MemberID, resp.MemberEpoch = &m.id, ev.MemberEpoch
	if ev.MemberEpoch == epochStaticLeave {
		d.awayForAWhile(g, m)
	} else {
		d.fence(g, m.id)
	}
	return nil
}

// awayForAWhile keeps a static member's place until its session ends.
func (d *decision) awayForAWhile(g *consumerGroup, m *consumerMember) {
	assigned := setOf(m.current.Assigned)
	for _, of := range assigned {
		for p := range of {
			of[p] = 0
		}
	}
	w := d.draft(g)
	w.put(KindCurrent, m.id, &CurrentValue{
		Epoch: epochStaticLeave, PreviousEpoch: m.current.PreviousEpoch, State: m.current.State, Assigned: assigned.list(true),
	})
	d.cancel(memberKey(timerRebalance, g.id, m.id))
}

// fence takes members out of a group, all of them in one epoch. When nobody is left who speaks the consumer protocol the
// group becomes a classic one, if the policy has it so.
func (d *decision) fence(g *consumerGroup, ids ...string) {
	if d.mayDowngrade(g, ids) {
		d.downgrade(g, ids, nil)
		return
	}
	w := d.draft(g)
	for _, id := range ids {
		w.remove(id)
	}
	w.dropUnused(w.g.used())
	w.put(KindEpoch, "", &EpochValue{Epoch: w.g.epoch + 1, MetadataHash: w.g.hashOf(d.image)})
}

// consumerSessionEnded is a session timer.
func (d *decision) consumerSessionEnded(g *consumerGroup, member string) {
	if delete(g.soft.pending, member); g.members.get(member) != nil {
		d.fence(g, member)
	}
}

// memberTooSlow is the timer of a member that did not let go of partitions, rejoin or sync in time.
func (d *decision) memberTooSlow(group, member string) {
	if g := d.consumer[group]; g.member(member) != nil {
		d.fence(g, member)
	}
}

// forgetConsumerGroup writes the tombstones of a group without members.
func (d *decision) forgetConsumerGroup(g *consumerGroup) {
	w := d.draft(g)
	for _, re := range sortedKeys(g.expressions) {
		w.put(KindRegex, re, nil)
	}
	w.put(KindTargetEpoch, "", nil)
	w.put(KindPartitions, "", nil) // of Kafka before 4.1
	w.put(KindEpoch, "", nil)
}
