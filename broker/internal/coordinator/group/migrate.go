package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// upgrade makes a KIP-848 group of a classic one, for its first member that speaks the consumer protocol. What members
// have stays theirs; who waits for a rebalance is told to come again.
func (d *decision) upgrade(classic *classicGroup, ev ConsumerGroupHeartbeat) (*draft, *failure) {
	switch {
	case d.cfg.Migration&Upgrade == 0, classic.protocolType != ConsumerProtocol, classic.protocol == nil, ev.MemberEpoch != epochJoin,
		len(classic.members) == 0, len(classic.members) >= d.cfg.MaxConsumers:
		return nil, refuse(kerr.GroupIDNotFound, "Group %s is not a consumer group.", classic.id)
	}
	members := classic.sorted()
	metas, has := map[string]*MemberValue{}, map[string][]TopicPartitions{}
	for _, m := range members {
		sub, err := parseSubscription(m.metadata(*classic.protocol))
		list, err2 := parseAssignment(m.assignment)
		if err != nil || err2 != nil {
			return nil, refuse(kerr.GroupIDNotFound, "Cannot upgrade the classic group %s to consumer group because the embedded consumer protocol is malformed.", classic.id)
		}
		metas[m.id] = &MemberValue{
			InstanceID: m.instance, RackID: sub.rack, ClientID: m.client.ID, ClientHost: m.client.Host, Topics: unique(sub.topics), Regex: new(""),
			RebalanceTimeout: m.rebalanceTimeout, Classic: &ClassicProtocols{SessionTimeout: m.sessionTimeout, Protocols: slices.Clone(m.protocols)},
		}
		has[m.id] = d.draft(nil).ownedByName(list).list(false)
	}
	for _, m := range members {
		d.refuseLater(m, kerr.RebalanceInProgress)
		d.timer(sessionKey(classic.id, m.id), millis(m.sessionTimeout))
	}
	for _, id := range sortedKeys(classic.pending) {
		d.cancel(sessionKey(classic.id, id))
	}
	d.cancel(joinKey(classic.id))
	d.cancel(syncKey(classic.id))
	d.write(Key{Kind: KindClassic, Group: classic.id}, nil)
	return d.convert(classic, members, metas, has), nil
}

// convert writes a group as the last generation had it, in Kafka's order.
func (d *decision) convert(classic *classicGroup, members []*classicMember, metas map[string]*MemberValue, has map[string][]TopicPartitions) *draft {
	w := d.draft(newConsumerGroup(classic.id))
	for _, m := range members {
		w.put(KindMember, m.id, metas[m.id])
	}
	w.put(KindEpoch, "", &EpochValue{Epoch: classic.generation, MetadataHash: w.g.hashOf(d.image)})
	for _, m := range members {
		w.put(KindTarget, m.id, &TargetValue{Topics: has[m.id]})
	}
	w.put(KindTargetEpoch, "", &TargetEpochValue{Epoch: classic.generation})
	for _, m := range members {
		assigned := setOf(has[m.id])
		for _, of := range assigned {
			for p := range of {
				of[p] = classic.generation
			}
		}
		w.put(KindCurrent, m.id, &CurrentValue{Epoch: classic.generation, PreviousEpoch: classic.generation, Assigned: assigned.list(true)})
	}
	return w
}

// mayDowngrade tells whether the group is a classic one without some members: nobody else speaks the consumer protocol.
func (d *decision) mayDowngrade(g *consumerGroup, without []string) bool {
	left := 0
	for id, m := range g.members.all() {
		if slices.Contains(without, id) {
			continue
		}
		if m.meta.Classic == nil {
			return false
		}
		left++
	}
	return left > 0 && d.cfg.Migration&Downgrade != 0 && left <= d.cfg.MaxSize
}

// downgrade makes a classic group of one whose last consumer-protocol members are gone, or were replaced by joined. What
// members have, or have to give up, becomes the assignment of its generation; unless that is the target already they
// rebalance. (Kafka takes the target, which others may still have: an upgrade right after it would give it away twice.)
func (d *decision) downgrade(g *consumerGroup, without []string, joined *consumerMember) {
	classic := newClassicGroup(g.id, d.millis())
	classic.protocolType, classic.generation, classic.state = ConsumerProtocol, g.epoch, stateStable
	w, settled := d.draft(g), true
	for _, m := range g.sorted() {
		if !slices.Contains(without, m.id) {
			settled = settled && g.epoch == g.targetEpoch && m.reconciled(g.epoch)
			classic.add(&classicMember{
				id: m.id, instance: m.meta.InstanceID, client: Client{m.meta.ClientID, m.meta.ClientHost}, rebalanceTimeout: m.meta.RebalanceTimeout,
				sessionTimeout: m.meta.Classic.SessionTimeout, protocols: m.meta.Classic.Protocols, assignment: d.assignmentBlob(m, m.has().list(false)),
			}, ConsumerProtocol)
		}
		w.remove(m.id)
	}
	d.forgetConsumerGroup(w.g)
	classic.protocol = new(classic.vote())
	rebalance := joined == nil || !settled
	if rebalance {
		classic.leader = "" // a reload then knows that the rebalance is still to come
	}
	d.classic[g.id] = classic
	d.store(classic)
	for _, m := range classic.sorted() {
		d.timer(sessionKey(g.id, m.id), millis(m.sessionTimeout))
	}
	if rebalance {
		d.prepareRebalance(classic)
	}
}

// has is everything that a member may hold on to, with the epochs in which it got it.
func (m *consumerMember) has() partitions {
	all := setOf(m.current.Assigned)
	for id, of := range setOf(m.current.Revoking) {
		for p, since := range of {
			all.add(id, p, since)
		}
	}
	return all
}

// mayCommitConsumer checks member and epoch of a commit. A member may be behind as long as it commits what it had then
// (KIP-1251).
func (d *decision) mayCommitConsumer(g *consumerGroup, ev OffsetCommit) int16 {
	switch {
	case ev.Generation < 0 && g.members.len() == 0:
		return 0
	case ev.Producer != nil && ev.Generation < 0 && ev.Member == "" && ev.Instance == nil:
		return 0
	}
	m := g.members.get(ev.Member)
	switch {
	case m == nil:
		return kerr.UnknownMemberID.Code
	case m.meta.Classic != nil && ev.Generation != m.current.Epoch:
		return kerr.IllegalGeneration.Code
	case m.meta.Classic != nil:
		return 0
	case ev.Version < 9 && ev.Producer == nil:
		return kerr.UnsupportedVersion.Code
	case ev.Generation > m.current.Epoch, ev.Generation < m.current.Epoch && !d.hadThen(m, ev):
		return kerr.StaleMemberEpoch.Code
	}
	return 0
}

// hadThen tells that all partitions of a commit were the member's in the epoch that it names.
func (d *decision) hadThen(m *consumerMember, ev OffsetCommit) bool {
	assigned := m.has()
	for _, o := range ev.Offsets {
		t := d.image.Topic(o.Topic)
		if t == nil || !assigned.has(t.ID, o.Partition) || assigned[t.ID][o.Partition] > ev.Generation {
			return false
		}
	}
	return ev.Generation > 0
}

// mayFetch checks member and epoch of a fetch.
func (g *consumerGroup) mayFetch(ev OffsetFetch) int16 {
	m := g.members.get(deref(ev.Member))
	switch {
	case m == nil:
		return kerr.UnknownMemberID.Code
	case m.current.Epoch != ev.Epoch && m.meta.Classic != nil:
		return kerr.IllegalGeneration.Code
	case m.current.Epoch != ev.Epoch:
		return kerr.StaleMemberEpoch.Code
	}
	return 0
}

// describeConsumers is ConsumerGroupDescribe.
func (d *decision) describeConsumers(ev DescribeConsumerGroups) []kmsg.ConsumerGroupDescribeResponseGroup {
	var out []kmsg.ConsumerGroupDescribeResponseGroup
	for _, id := range ev.Groups {
		r := kmsg.NewConsumerGroupDescribeResponseGroup()
		r.Group = id
		g := d.consumer[id]
		switch {
		case g != nil:
			d.describeConsumer(g, &r)
		case d.classic[id] != nil:
			r.ErrorCode, r.ErrorMessage = kerr.GroupIDNotFound.Code, new("Group "+id+" is not a consumer group.")
		default:
			r.ErrorCode, r.ErrorMessage = kerr.GroupIDNotFound.Code, new("Group "+id+" not found.")
		}
		out = append(out, r)
	}
	return out
}

func (d *decision) describeConsumer(g *consumerGroup, r *kmsg.ConsumerGroupDescribeResponseGroup) {
	r.State, r.Epoch, r.AssignmentEpoch, r.AssignorName = g.state().String(), g.epoch, g.targetEpoch, g.assignor(d.cfg.Assignors)
	for _, m := range g.sorted() {
		rm := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		rm.MemberID, rm.InstanceID, rm.RackID, rm.MemberEpoch = m.id, m.meta.InstanceID, m.meta.RackID, m.current.Epoch
		rm.ClientID, rm.ClientHost, rm.SubscribedTopics, rm.SubscribedTopicRegex = m.meta.ClientID, m.meta.ClientHost, m.meta.Topics, m.meta.Regex
		rm.Assignment, rm.TargetAssignment = d.described(m.current.Assigned), d.described(g.target.get(m.id))
		rm.MemberType = 1
		if m.meta.Classic != nil {
			rm.MemberType = 0
		}
		r.Members = append(r.Members, rm)
	}
}

// described is an assignment with the topics' names; those that are gone are left out.
func (d *decision) described(list []TopicPartitions) (a kmsg.Assignment) {
	for _, t := range list {
		if topic := d.image.TopicByID(t.TopicID); topic != nil {
			rt := kmsg.NewAssignmentTopicPartition()
			rt.TopicID, rt.Topic, rt.Partitions = t.TopicID, topic.Name, t.Partitions
			a.TopicPartitions = append(a.TopicPartitions, rt)
		}
	}
	return a
}
