package group

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe is DescribeGroups: classic groups. Others are Dead, from version 6 on with an error (KIP-1043).
func (d *decision) describe(ev DescribeGroups) []kmsg.DescribeGroupsResponseGroup {
	var out []kmsg.DescribeGroupsResponseGroup
	for _, id := range ev.Groups {
		r := kmsg.NewDescribeGroupsResponseGroup()
		r.Group = id
		if g := d.classic[id]; g != nil {
			g.describe(&r)
		} else {
			r.State = "Dead"
			if ev.Version >= 6 {
				r.ErrorCode = kerr.GroupIDNotFound.Code
				r.ErrorMessage = new(fmt.Sprintf("Group %s not found.", id))
				if d.consumer[id] != nil {
					r.ErrorMessage = new(fmt.Sprintf("Group %s is not a classic group.", id))
				}
			}
		}
		out = append(out, r)
	}
	return out
}

// describe shows metadata and assignments of a stable group only: before, they are those of no generation.
func (g *classicGroup) describe(r *kmsg.DescribeGroupsResponseGroup) {
	r.State, r.ProtocolType = g.state.String(), g.protocolType
	stable := g.state == stateStable && g.protocol != nil
	if stable {
		r.Protocol = *g.protocol
	}
	for _, m := range g.sorted() {
		rm := kmsg.NewDescribeGroupsResponseGroupMember()
		rm.MemberID, rm.InstanceID, rm.ClientID, rm.ClientHost = m.id, m.instance, m.client.ID, m.client.Host
		rm.ProtocolMetadata, rm.MemberAssignment = []byte{}, []byte{}
		if stable {
			rm.ProtocolMetadata, rm.MemberAssignment = m.metadata(*g.protocol), append([]byte{}, m.assignment...)
		}
		r.Members = append(r.Members, rm)
	}
}

// list is ListGroups. Filters are matched in any case; a state or type that does not exist matches nothing.
func (d *decision) list(ev ListGroups) []kmsg.ListGroupsResponseGroup {
	out := []kmsg.ListGroupsResponseGroup{}
	add := func(id, protocolType, state, kind string) {
		if matches(ev.States, state) && matches(ev.Types, kind) {
			r := kmsg.NewListGroupsResponseGroup()
			r.Group, r.ProtocolType, r.GroupState, r.GroupType = id, protocolType, state, kind
			out = append(out, r)
		}
	}
	for id, g := range d.classic {
		add(id, g.protocolType, g.state.String(), "classic")
	}
	for id, g := range d.consumer {
		add(id, ConsumerProtocol, g.state().String(), "consumer")
	}
	slices.SortFunc(out, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
	return out
}

func matches(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}

// deleteGroups is DeleteGroups: groups without members go, and their offsets with them.
func (d *decision) deleteGroups(ev DeleteGroups) []kmsg.DeleteGroupsResponseGroup {
	var out []kmsg.DeleteGroupsResponseGroup
	told := map[string]bool{}
	for _, id := range ev.Groups {
		r := kmsg.NewDeleteGroupsResponseGroup()
		r.Group = id
		r.ErrorCode = d.deleteGroup(id, told[id])
		told[id] = true
		out = append(out, r)
	}
	return out
}

func (d *decision) deleteGroup(id string, again bool) int16 {
	classic, consumer := d.classic[id], d.consumer[id]
	switch {
	case again, classic == nil && consumer == nil:
		return kerr.GroupIDNotFound.Code
	case classic != nil && classic.state != stateEmpty, consumer != nil && consumer.members.len() > 0:
		return kerr.NonEmptyGroup.Code
	}
	for _, k := range d.offsets.keysOf(id) {
		if d.full() { // the rest when the client asks again
			return kerr.CoordinatorLoadInProgress.Code
		}
		d.write(k, nil)
	}
	d.forgetGroup(id)
	return 0
}

// forgetGroup writes the tombstones of a group of either kind.
func (d *decision) forgetGroup(id string) {
	if g := d.consumer[id]; g != nil {
		d.forgetConsumerGroup(g)
		return
	}
	for _, member := range sortedKeys(d.classic[id].pending) {
		d.cancel(sessionKey(id, member))
	}
	d.write(Key{Kind: KindClassic, Group: id}, nil)
}
