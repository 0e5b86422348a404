package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sync is SyncGroup: the leader brings the assignment, everybody waits for it. It is idempotent.
func (d *decision) sync(ev SyncGroup) {
	resp := ev.ResponseKind().(*kmsg.SyncGroupResponse)
	resp.MemberAssignment = []byte{}
	if ev.Group == "" {
		resp.ErrorCode = kerr.InvalidGroupID.Code
		d.answer(d.ticket, resp)
		return
	}
	if g := d.consumer[ev.Group]; g != nil {
		d.syncConsumerGroup(g, ev, resp)
		return
	}
	g := d.classic[ev.Group]
	if resp.ErrorCode = g.checkSync(ev); resp.ErrorCode != 0 {
		d.answer(d.ticket, resp)
		return
	}
	m := g.members[ev.MemberID]
	delete(g.pendingSync, m.id)
	if len(g.pendingSync) == 0 {
		d.cancel(syncKey(g.id))
	}
	if g.state == stateStable {
		d.handOut(g, m, d.waiterFor(resp))
		d.touch(g, m)
		return
	}
	if m.sync != nil { // the client gave up on it
		m.sync.resp.ErrorCode = kerr.RebalanceInProgress.Code
		d.answer(m.sync.ticket, m.sync.resp)
	}
	m.sync = d.waiterFor(resp)
	if g.leader == m.id {
		d.assign(g, ev)
	}
}

func (d *decision) waiterFor(resp *kmsg.SyncGroupResponse) *waiter[*kmsg.SyncGroupResponse] {
	return &waiter[*kmsg.SyncGroupResponse]{d.ticket, resp}
}

// checkSync answers why a SyncGroup cannot be, or 0. The group may be nil.
func (g *classicGroup) checkSync(ev SyncGroup) int16 {
	if g == nil {
		return kerr.UnknownMemberID.Code
	}
	if code := g.check(ev.MemberID, ev.InstanceID); code != 0 {
		return code
	}
	switch {
	case ev.Generation != g.generation:
		return kerr.IllegalGeneration.Code
	case ev.ProtocolType != nil && *ev.ProtocolType != g.protocolType, ev.Protocol != nil && (g.protocol == nil || *ev.Protocol != *g.protocol):
		return kerr.InconsistentGroupProtocol.Code
	case g.state == stateEmpty:
		return kerr.UnknownMemberID.Code
	case g.state == statePreparing:
		return kerr.RebalanceInProgress.Code
	}
	return 0
}

// assign takes the leader's assignment: it is stored, and then handed out.
func (d *decision) assign(g *classicGroup, ev SyncGroup) {
	for _, m := range g.members {
		m.assignment = []byte{}
	}
	for _, a := range ev.GroupAssignment {
		if m := g.members[a.MemberID]; m != nil {
			m.assignment = append([]byte{}, a.MemberAssignment...)
		}
	}
	g.to(stateStable, d.millis())
	d.store(g)
	if d.tooLarge() {
		d.out.Records, d.size = nil, 0
		g.to(stateCompleting, d.millis())
		for _, m := range g.sorted() {
			d.refuseLater(m, kerr.UnknownServerError)
		}
		d.prepareRebalance(g)
		return
	}
	for _, m := range g.sorted() {
		if m.sync != nil {
			d.handOut(g, m, m.sync)
			m.sync = nil
			d.touch(g, m)
		}
	}
}

// handOut answers a SyncGroup with a member's assignment.
func (d *decision) handOut(g *classicGroup, m *classicMember, w *waiter[*kmsg.SyncGroupResponse]) {
	w.resp.MemberAssignment, w.resp.ProtocolType, w.resp.Protocol = m.assignment, new(g.protocolType), g.protocol
	if w.resp.MemberAssignment == nil {
		w.resp.MemberAssignment = []byte{}
	}
	d.answer(w.ticket, w.resp)
}

// heartbeat is Heartbeat.
func (d *decision) heartbeat(ev Heartbeat) {
	resp := ev.ResponseKind().(*kmsg.HeartbeatResponse)
	if g := d.consumer[ev.Group]; g != nil {
		resp.ErrorCode = d.heartbeatConsumerGroup(g, ev)
	} else {
		resp.ErrorCode = d.heartbeatClassic(ev)
	}
	d.answer(d.ticket, resp)
}

func (d *decision) heartbeatClassic(ev Heartbeat) int16 {
	g := d.classic[ev.Group]
	switch {
	case ev.Group == "":
		return kerr.InvalidGroupID.Code
	case g == nil:
		return kerr.UnknownMemberID.Code
	}
	if code := g.check(ev.MemberID, ev.InstanceID); code != 0 {
		return code
	}
	m := g.members[ev.MemberID]
	switch {
	case ev.Generation != g.generation:
		return kerr.IllegalGeneration.Code
	case g.state == stateEmpty:
		return kerr.UnknownMemberID.Code
	case g.state == statePreparing:
		d.touch(g, m)
		return kerr.RebalanceInProgress.Code
	}
	d.touch(g, m)
	return 0
}
