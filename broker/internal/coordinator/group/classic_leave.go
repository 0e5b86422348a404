package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leave is LeaveGroup. Static members leave by their instance id only (GRP-5); up to version 2 there is one member,
// and its error is the answer's.
func (d *decision) leave(ev LeaveGroup) {
	resp := ev.ResponseKind().(*kmsg.LeaveGroupResponse)
	members := ev.Members
	if ev.Version < 3 {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = ev.MemberID
		members = []kmsg.LeaveGroupRequestMember{m}
	}
	if ev.Group == "" {
		resp.ErrorCode = kerr.InvalidGroupID.Code
		d.answer(d.ticket, resp)
		return
	}
	var codes []int16
	if g := d.consumer[ev.Group]; g != nil {
		codes = d.leaveConsumerGroup(g, members)
	} else {
		codes = d.leaveClassic(d.classic[ev.Group], members)
	}
	if ev.Version < 3 {
		resp.ErrorCode = codes[0]
		d.answer(d.ticket, resp)
		return
	}
	for i, m := range members {
		r := kmsg.NewLeaveGroupResponseMember()
		r.MemberID, r.InstanceID, r.ErrorCode = m.MemberID, m.InstanceID, codes[i]
		resp.Members = append(resp.Members, r)
	}
	d.answer(d.ticket, resp)
}

// leaveClassic takes members out; all of them cost one rebalance. The group may be nil.
func (d *decision) leaveClassic(g *classicGroup, members []kmsg.LeaveGroupRequestMember) []int16 {
	codes := make([]int16, len(members))
	if g == nil {
		for i := range codes {
			codes[i] = kerr.UnknownMemberID.Code
		}
		return codes
	}
	gone, pendingGone := false, false
	for i, m := range members {
		id := m.MemberID
		if known, ok := instanceOf(g.static, m.InstanceID); ok && id == "" {
			id = known
		}
		switch {
		case g.pending[id] && m.InstanceID == nil:
			delete(g.pending, id)
			d.cancel(sessionKey(g.id, id))
			pendingGone = true
		default:
			if codes[i] = g.check(id, m.InstanceID); codes[i] == 0 {
				d.removeMember(g, id)
				gone = true
			}
		}
	}
	if gone {
		d.memberGone(g)
	} else if pendingGone {
		d.maybeCompleteJoin(g)
	}
	return codes
}

func instanceOf(static map[string]string, instance *string) (string, bool) {
	if instance == nil {
		return "", false
	}
	id, ok := static[*instance]
	return id, ok
}
