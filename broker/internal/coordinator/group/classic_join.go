package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// join is JoinGroup: a member comes, comes again, or changes what it supports. It is answered when the rebalance that
// it takes part in is complete.
func (d *decision) join(ev JoinGroup) {
	resp := ev.ResponseKind().(*kmsg.JoinGroupResponse)
	session := millis(ev.SessionTimeoutMillis)
	switch {
	case ev.Group == "":
		d.refuseJoin(resp, "", kerr.InvalidGroupID)
		return
	case session < d.cfg.MinSessionTimeout || session > d.cfg.MaxSessionTimeout:
		d.refuseJoin(resp, "", kerr.InvalidSessionTimeout)
		return
	}
	if ev.Version < 1 { // there was no rebalance timeout yet
		ev.RebalanceTimeoutMillis = ev.SessionTimeoutMillis
	}
	if g := d.consumer[ev.Group]; g != nil {
		if g.members.len() > 0 {
			d.joinConsumerGroup(g, ev, resp)
			return
		}
		d.forgetConsumerGroup(g)
	}
	g := d.classic[ev.Group]
	if g == nil && ev.MemberID != "" {
		d.refuseJoin(resp, ev.MemberID, kerr.UnknownMemberID)
		return
	}
	if g == nil {
		g = newClassicGroup(ev.Group, d.millis())
		d.classic[ev.Group] = g
	}
	if g.stored == nil { // the group is told of before its first member is
		d.write(Key{Kind: KindClassic, Group: g.id}, &ClassicValue{StateSince: g.since})
	}
	switch {
	case !g.accepts(ev.MemberID, d.cfg.MaxSize):
		g.remove(ev.MemberID)
		d.refuseJoin(resp, ev.MemberID, kerr.GroupMaxSizeReached)
	case !g.supports(ev.ProtocolType, ev.Protocols):
		d.refuseJoin(resp, ev.MemberID, kerr.InconsistentGroupProtocol)
	case ev.MemberID == "":
		d.joinAnew(g, ev, resp)
	default:
		d.joinAgain(g, ev, resp)
	}
}

func (d *decision) refuseJoin(resp *kmsg.JoinGroupResponse, member string, err *kerr.Error) {
	resp.ErrorCode, resp.MemberID = err.Code, member
	d.answer(d.ticket, resp)
}

// accepts bounds the size of the group. Who is in it already may always come back.
func (g *classicGroup) accepts(id string, most int) bool {
	switch g.state {
	case stateEmpty:
		return true
	case statePreparing:
		// Members that do not rejoin in time will be gone: those that wait count.
		waiting := 0
		for _, m := range g.members {
			if m.join != nil {
				waiting++
			}
		}
		m := g.members[id]
		return m != nil && m.join != nil || waiting < most
	default:
		return g.members[id] != nil || len(g.members) < most
	}
}

// joinAnew is a JoinGroup without a member id.
func (d *decision) joinAnew(g *classicGroup, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	if ev.InstanceID != nil {
		id := *ev.InstanceID + "-" + d.cfg.NewID()
		if old, ok := g.static[*ev.InstanceID]; ok {
			d.replaceStatic(g, old, id, ev, resp)
		} else {
			d.addMember(g, id, ev, resp)
		}
		return
	}
	id := ev.Client.ID + "-" + d.cfg.NewID()
	if ev.Version >= 4 { // KIP-394: hand the id out first, so that a lost answer leaves no member behind
		g.pending[id] = true
		d.timer(sessionKey(g.id, id), millis(ev.SessionTimeoutMillis))
		d.refuseJoin(resp, id, kerr.MemberIDRequired)
		return
	}
	d.addMember(g, id, ev, resp)
}

// joinAgain is a JoinGroup with a member id: one that was handed out, or a member's.
func (d *decision) joinAgain(g *classicGroup, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	if g.pending[ev.MemberID] && ev.InstanceID == nil {
		d.addMember(g, ev.MemberID, ev, resp)
		return
	}
	if code := g.check(ev.MemberID, ev.InstanceID); code != 0 {
		d.refuseJoin(resp, ev.MemberID, kerr.TypedErrorForCode(code))
		return
	}
	m := g.members[ev.MemberID]
	unchanged := m.matches(ev.Protocols)
	switch {
	case g.state == stateEmpty:
		d.refuseJoin(resp, ev.MemberID, kerr.UnknownMemberID)
	case g.state == stateCompleting && unchanged: // its answer was lost
		g.fill(resp, m)
		d.answer(d.ticket, resp)
	case g.state == stateStable && unchanged && g.leader != m.id:
		g.fill(resp, m)
		d.answer(d.ticket, resp)
	default: // a leader that rejoins wants a new assignment
		d.updateMember(m, ev, resp)
		d.rebalance(g)
	}
}

// fill answers a join with the generation as it is; the leader gets the members.
func (g *classicGroup) fill(resp *kmsg.JoinGroupResponse, m *classicMember) {
	resp.ErrorCode, resp.MemberID, resp.Generation, resp.LeaderID = 0, m.id, g.generation, g.leader
	resp.Protocol, resp.ProtocolType = g.protocol, new(g.protocolType)
	if g.leader == m.id {
		resp.Members = g.membersForLeader()
	}
}

func (g *classicGroup) membersForLeader() (out []kmsg.JoinGroupResponseMember) {
	for _, m := range g.sorted() {
		r := kmsg.NewJoinGroupResponseMember()
		r.MemberID, r.InstanceID, r.ProtocolMetadata = m.id, m.instance, m.metadata(*g.protocol)
		out = append(out, r)
	}
	return out
}

func (d *decision) addMember(g *classicGroup, id string, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	m := &classicMember{
		id: id, instance: ev.InstanceID, client: ev.Client, rebalanceTimeout: ev.RebalanceTimeoutMillis, sessionTimeout: ev.SessionTimeoutMillis,
		protocols: copyProtocols(ev.Protocols), isNew: true, join: &waiter[*kmsg.JoinGroupResponse]{d.ticket, resp},
	}
	if g.state == statePreparing && g.before == stateEmpty {
		g.newcomer = true
	}
	g.add(m, ev.ProtocolType)
	d.timer(sessionKey(g.id, id), newMemberTimeout)
	d.rebalance(g)
}

func (d *decision) updateMember(m *classicMember, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	if m.join != nil { // the client gave up on it
		d.refuseLater(m, kerr.RebalanceInProgress)
	}
	m.protocols, m.rebalanceTimeout, m.sessionTimeout = copyProtocols(ev.Protocols), ev.RebalanceTimeoutMillis, ev.SessionTimeoutMillis
	m.join = &waiter[*kmsg.JoinGroupResponse]{d.ticket, resp}
}

// refuseLater answers what a member waits for with an error.
func (d *decision) refuseLater(m *classicMember, err *kerr.Error) {
	if m.join != nil {
		m.join.resp.ErrorCode, m.join.resp.MemberID = err.Code, m.id
		d.answer(m.join.ticket, m.join.resp)
		m.join = nil
	}
	if m.sync != nil {
		m.sync.resp.ErrorCode, m.sync.resp.MemberAssignment = err.Code, []byte{}
		d.answer(m.sync.ticket, m.sync.resp)
		m.sync = nil
	}
}

// replaceStatic gives a static member that has restarted its place under a new id (KIP-345). The old id is fenced.
func (d *decision) replaceStatic(g *classicGroup, old, id string, ev JoinGroup, resp *kmsg.JoinGroupResponse) {
	leader := g.leader
	m := g.members[old]
	d.refuseLater(m, kerr.FencedInstanceID)
	d.cancel(sessionKey(g.id, old))
	delete(g.members, old)
	delete(g.pendingSync, old)
	m.id = id
	g.members[id], g.static[*ev.InstanceID] = m, id
	if leader == old {
		g.leader = id
	}
	d.updateMember(m, ev, resp)
	d.timer(sessionKey(g.id, id), millis(m.sessionTimeout))
	switch {
	case g.state == stateStable && g.protocol != nil && *g.protocol == g.vote():
		m.join = nil
		d.store(g)
		g.fill(resp, m)
		if ev.Version < 9 { // KIP-814: older leaders would assign anew; they are told of a leader that is gone
			resp.LeaderID, resp.Members = leader, nil
		} else {
			resp.SkipAssignment = g.leader == id
		}
		d.answer(d.ticket, resp)
	case g.state == statePreparing:
		d.maybeCompleteJoin(g)
	default: // the leader may be assigning to the old id
		d.prepareRebalance(g)
	}
}
