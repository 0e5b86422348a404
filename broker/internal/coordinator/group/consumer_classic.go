package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Members of the classic protocol in a KIP-848 group, while a group moves from one to the other (GRP-13). To them the
// member epoch is the generation, nobody is the leader, and SyncGroup brings what the server assigned.

// joinConsumerGroup is JoinGroup.
func (d *decision) joinConsumerGroup(g *consumerGroup, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	id := ev.MemberID
	if id == "" {
		id = d.cfg.NewID()
	}
	sub, err := firstSubscription(ev)
	switch {
	case g.members.get(id) == nil && g.members.len() >= d.cfg.MaxConsumers:
		d.refuseJoin(resp, ev.MemberID, kerr.GroupMaxSizeReached)
		return
	case ev.ProtocolType != ConsumerProtocol || err != nil || !g.supportsClassic(ev.Protocols):
		d.refuseJoin(resp, ev.MemberID, kerr.InconsistentGroupProtocol)
		return
	case ev.MemberID == "" && ev.InstanceID == nil && ev.Version >= 4:
		g.soft.pending[id] = true
		d.timer(sessionKey(g.id, id), millis(ev.SessionTimeoutMillis))
		d.refuseJoin(resp, id, kerr.MemberIDRequired)
		return
	case ev.MemberID != "" && ev.InstanceID == nil && g.members.get(id) == nil && !g.soft.pending[id]:
		// Kafka lets a member in that it has fenced. It would go on with partitions that are others' by now.
		d.refuseJoin(resp, id, kerr.UnknownMemberID)
		return
	}
	delete(g.soft.pending, id)
	w := d.draft(g)
	before, code := w.admitClassic(id, ev)
	if code != nil {
		d.drop()
		d.refuseJoin(resp, ev.MemberID, code)
		return
	}
	bump := w.update(id, before, w.classicNews(before, ev, sub))
	w.advance(bump)
	w.reconcile(id, w.ownedByName(sub.owned))
	m := w.g.members.get(id)
	if old := g.staticOf(ev.InstanceID); old != nil && old.id != id && old.meta.Classic == nil && d.mayDowngrade(w.g, nil) {
		d.downgrade(w.g, nil, m)
	} else {
		delete(g.soft.rejoining, id)
		d.cancel(memberKey(timerRejoin, g.id, id))
		d.timer(sessionKey(g.id, id), millis(ev.SessionTimeoutMillis))
		d.timer(memberKey(timerConfirm, g.id, id), millis(ev.RebalanceTimeoutMillis))
	}
	resp.MemberID, resp.Generation, resp.ProtocolType = m.id, m.current.Epoch, new(ConsumerProtocol)
	resp.Protocol = new(m.meta.Classic.Protocols[0].Name)
	d.answer(d.ticket, resp)
}

func (g *consumerGroup) staticOf(instance *string) *consumerMember {
	if instance == nil {
		return nil
	}
	return g.members.get(g.static[*instance])
}

// firstSubscription reads the metadata of the first protocol: they all say the same.
func firstSubscription(ev JoinGroup) (subscription, error) {
	if len(ev.Protocols) == 0 {
		return subscription{}, errNull
	}
	return parseSubscription(ev.Protocols[0].Metadata)
}

// supportsClassic tells whether one of the protocols is one of every classic member.
func (g *consumerGroup) supportsClassic(protocols []kmsg.JoinGroupRequestProtocol) bool {
	for _, p := range protocols {
		all := true
		for _, m := range g.members.all() {
			all = all && (m.meta.Classic == nil || m.meta.Classic.has(p.Name))
		}
		if all {
			return true
		}
	}
	return false
}

func (c *ClassicProtocols) has(name string) bool {
	for _, p := range c.Protocols {
		if p.Name == name {
			return true
		}
	}
	return false
}

// admitClassic finds or makes the member. Static members that come without an id take the place of the one before.
func (w *draft) admitClassic(id string, ev JoinGroup) (*consumerMember, *kerr.Error) {
	known := w.g.staticOf(ev.InstanceID)
	switch {
	case ev.InstanceID != nil && ev.MemberID != "" && known == nil:
		return nil, kerr.UnknownMemberID
	case ev.InstanceID != nil && ev.MemberID != "" && known.id != id:
		return nil, kerr.FencedInstanceID
	case known != nil && known.id != id:
		return w.takeOver(known, id), nil
	case w.g.members.get(id) != nil:
		return w.g.members.get(id), nil
	}
	return &consumerMember{id: id, current: &CurrentValue{}}, nil
}

func (w *draft) classicNews(m *consumerMember, ev JoinGroup, sub subscription) *MemberValue {
	v := MemberValue{Regex: new("")}
	if m.meta != nil {
		v = *m.meta
	}
	v.ClientID, v.ClientHost, v.RebalanceTimeout, v.Assignor = ev.Client.ID, ev.Client.Host, ev.RebalanceTimeoutMillis, nil
	if v.Topics = unique(sub.topics); ev.InstanceID != nil {
		v.InstanceID = ev.InstanceID
	}
	if sub.rack != nil {
		v.RackID = sub.rack
	}
	v.Classic = &ClassicProtocols{SessionTimeout: ev.SessionTimeoutMillis, Protocols: copyProtocols(ev.Protocols)}
	return &v
}

// ownedByName is what a classic member says it has.
func (w *draft) ownedByName(list []topicList) partitions {
	out := partitions{}
	for _, l := range list {
		if t := w.image.Topic(l.topic); t != nil {
			for _, p := range l.partitions {
				out.add(t.ID, p, 0)
			}
		}
	}
	return out
}

// classicMember finds a member that speaks the classic protocol, in the generation that it says.
func (g *consumerGroup) classicMember(id string, instance *string, generation int32) (*consumerMember, int16) {
	m := g.members.get(id)
	if instance != nil {
		switch m = g.staticOf(instance); {
		case m == nil:
			return nil, kerr.UnknownMemberID.Code
		case m.id != id:
			return nil, kerr.FencedInstanceID.Code
		}
	}
	switch {
	case m == nil, m.meta.Classic == nil:
		return nil, kerr.UnknownMemberID.Code
	case m.current.Epoch != generation:
		return nil, kerr.IllegalGeneration.Code
	}
	return m, 0
}

// syncConsumerGroup is SyncGroup.
func (d *decision) syncConsumerGroup(g *consumerGroup, ev SyncGroup, resp *kmsg.SyncGroupResponse) {
	m, code := g.classicMember(ev.MemberID, ev.InstanceID, ev.Generation)
	switch {
	case code != 0:
	case ev.ProtocolType != nil && *ev.ProtocolType != ConsumerProtocol, ev.Protocol != nil && *ev.Protocol != m.meta.Classic.Protocols[0].Name:
		code = kerr.InconsistentGroupProtocol.Code
	case g.epoch > m.current.Epoch && m.current.State != memberUnrevoked:
		d.askToRejoin(g, m)
		code = kerr.RebalanceInProgress.Code
	default:
		d.cancel(memberKey(timerConfirm, g.id, m.id))
		d.timer(sessionKey(g.id, m.id), millis(m.meta.Classic.SessionTimeout))
		resp.ProtocolType, resp.Protocol = ev.ProtocolType, ev.Protocol
		resp.MemberAssignment = d.assignmentBlob(m, m.current.Assigned)
	}
	resp.ErrorCode = code
	d.answer(d.ticket, resp)
}

// assignmentBlob is an assignment as a classic consumer reads it.
func (d *decision) assignmentBlob(m *consumerMember, topics []TopicPartitions) []byte {
	var list []topicList
	for _, t := range topics {
		if topic := d.image.TopicByID(t.TopicID); topic != nil {
			list = append(list, topicList{topic.Name, t.Partitions})
		}
	}
	return encodeAssignment(subscriptionVersion(m.meta.Classic.Protocols[0].Metadata), list)
}

// heartbeatConsumerGroup is Heartbeat.
func (d *decision) heartbeatConsumerGroup(g *consumerGroup, ev Heartbeat) int16 {
	m, code := g.classicMember(ev.MemberID, ev.InstanceID, ev.Generation)
	if code != 0 {
		return code
	}
	d.timer(sessionKey(g.id, m.id), millis(m.meta.Classic.SessionTimeout))
	behind := m.current.Epoch < g.epoch || m.current.State == memberUnrevoked
	if behind || m.current.State == memberUnreleased && !g.waits(m) {
		d.askToRejoin(g, m)
		return kerr.RebalanceInProgress.Code
	}
	return 0
}

// askToRejoin bounds how long a member takes to come back, from the first time that it is told.
func (d *decision) askToRejoin(g *consumerGroup, m *consumerMember) {
	if !g.soft.rejoining[m.id] {
		g.soft.rejoining[m.id] = true
		d.timer(memberKey(timerRejoin, g.id, m.id), millis(m.meta.RebalanceTimeout))
	}
}

// waits tells whether somebody else still has a partition that the member is to get.
func (g *consumerGroup) waits(m *consumerMember) bool {
	for _, t := range g.target.get(m.id) {
		for _, p := range t.Partitions {
			if owner, taken := g.owners.lookup(topicNo{t.TopicID, p}); taken && owner != m.id {
				return true
			}
		}
	}
	return false
}

// leaveConsumerGroup is LeaveGroup.
func (d *decision) leaveConsumerGroup(g *consumerGroup, members []kmsg.LeaveGroupRequestMember) []int16 {
	codes := make([]int16, len(members))
	var gone []string
	for i, r := range members {
		m := g.members.get(r.MemberID)
		if r.InstanceID != nil {
			m = g.staticOf(r.InstanceID)
		}
		switch {
		case m == nil:
			codes[i] = kerr.UnknownMemberID.Code
		case r.MemberID != "" && m.id != r.MemberID:
			codes[i] = kerr.FencedInstanceID.Code
		case m.meta.Classic == nil:
			codes[i] = kerr.UnknownMemberID.Code
		default:
			gone = append(gone, m.id)
		}
	}
	if len(gone) > 0 {
		d.fence(g, unique(gone)...)
	}
	return codes
}
