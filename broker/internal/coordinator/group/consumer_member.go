package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// admit finds the member that a heartbeat is from, as it was, or makes room for a new one. The answer is nobody's
// state: its meta is nil for a member that is new.
func (w *draft) admit(id string, ev ConsumerGroupHeartbeat) (*consumerMember, *failure) {
	if ev.InstanceID != nil {
		return w.admitStatic(id, ev)
	}
	m := w.g.members.get(id)
	switch {
	case m == nil && ev.MemberEpoch != epochJoin:
		return nil, refuse(kerr.UnknownMemberID, "Member %s is not a member of group %s.", id, w.g.id)
	case m == nil:
		return &consumerMember{id: id, current: &CurrentValue{}}, nil
	case ev.MemberEpoch == epochJoin: // it has started anew and owns nothing
		return w.restart(m), nil
	}
	return m, m.checkEpoch(ev)
}

// restart takes everything away from a member that joins again.
func (w *draft) restart(m *consumerMember) *consumerMember {
	if m.current.Epoch != 0 || len(m.current.Assigned)+len(m.current.Revoking) > 0 {
		w.put(KindCurrent, m.id, &CurrentValue{})
	}
	return w.g.members.get(m.id)
}

// checkEpoch fences a member that is not where we think it is. It may be one step behind: the answer was lost.
func (m *consumerMember) checkEpoch(ev ConsumerGroupHeartbeat) *failure {
	switch got, want := ev.MemberEpoch, m.current.Epoch; {
	case got > want:
		return refuse(kerr.FencedMemberEpoch, "The consumer group member has a greater member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", got, want)
	case got < want && (got != m.current.PreviousEpoch || !m.ownsAll(ownedOf(ev))):
		return refuse(kerr.FencedMemberEpoch, "The consumer group member has a smaller member epoch (%d) than the one known by the group coordinator (%d). The member must abandon all its partitions and rejoin.", got, want)
	}
	return nil
}

// ownsAll tells that owned is given and that the member may have all of it.
func (m *consumerMember) ownsAll(owned partitions) bool {
	if owned == nil {
		return false
	}
	assigned := setOf(m.current.Assigned)
	for id, of := range owned {
		for p := range of {
			if !assigned.has(id, p) {
				return false
			}
		}
	}
	return true
}

// admitStatic is admit for a member with an instance id: a new process takes the place of one that has left for a while.
func (w *draft) admitStatic(id string, ev ConsumerGroupHeartbeat) (*consumerMember, *failure) {
	known := w.g.members.get(w.g.static[*ev.InstanceID])
	if ev.MemberEpoch != epochJoin {
		switch {
		case known == nil:
			return nil, refuse(kerr.UnknownMemberID, "Instance id %s is unknown.", *ev.InstanceID)
		case known.id != id:
			return nil, refuse(kerr.FencedInstanceID, "Static member %s with instance id %s was fenced by member %s.", id, *ev.InstanceID, known.id)
		}
		return known, known.checkEpoch(ev)
	}
	switch {
	case known == nil:
		return &consumerMember{id: id, current: &CurrentValue{}}, nil
	case known.id == id && known.current.Epoch != epochStaticLeave && known.meta.Classic == nil: // its answer was lost, or it restarted under its id
		return w.restart(known), nil
	case known.current.Epoch != epochStaticLeave && known.meta.Classic == nil:
		return nil, refuse(kerr.UnreleasedInstanceID, "Static member %s with instance id %s cannot join the group because the instance id is owned by %s member.", id, *ev.InstanceID, known.id)
	}
	return w.takeOver(known, id), nil
}

// takeOver gives a member's place and partitions to one with another id.
func (w *draft) takeOver(old *consumerMember, id string) *consumerMember {
	target, had := w.g.target.lookup(old.id)
	w.remove(old.id)
	w.put(KindMember, id, old.meta)
	if had {
		w.put(KindTarget, id, &TargetValue{Topics: target})
	}
	current := *old.current
	current.Epoch, current.PreviousEpoch = 0, 0
	w.put(KindCurrent, id, &current)
	return w.g.members.get(id)
}

// remove writes a member's tombstones, in Kafka's order, and stops its timers.
func (w *draft) remove(id string) {
	w.put(KindCurrent, id, nil)
	w.put(KindTarget, id, nil)
	w.put(KindMember, id, nil)
	for _, kind := range []string{timerSession, timerRebalance, timerRejoin, timerConfirm} {
		w.cancel(memberKey(kind, w.g.id, id))
	}
	delete(w.g.soft.rejoining, id)
}

// newsOf is what a member says of itself now: fields that are not given stay.
func (w *draft) newsOf(m *consumerMember, ev ConsumerGroupHeartbeat) *MemberValue {
	v := MemberValue{RebalanceTimeout: -1, Regex: new("")}
	if m.meta != nil {
		v = *m.meta
	}
	v.ClientID, v.ClientHost, v.Classic = ev.Client.ID, ev.Client.Host, nil
	if ev.InstanceID != nil {
		v.InstanceID = ev.InstanceID
	}
	if ev.RackID != nil {
		v.RackID = ev.RackID
	}
	if ev.RebalanceTimeoutMillis != -1 {
		v.RebalanceTimeout = ev.RebalanceTimeoutMillis
	}
	if ev.SubscribedTopicNames != nil {
		v.Topics = unique(ev.SubscribedTopicNames)
	}
	if ev.SubscribedTopicRegex != nil {
		v.Regex = ev.SubscribedTopicRegex
	}
	if ev.ServerAssignor != nil {
		v.Assignor = ev.ServerAssignor
	}
	return &v
}

// unique sorts names and drops doubles.
func unique(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	if out = slices.Compact(out); len(out) == 0 {
		return nil
	}
	return out
}

// update writes a member's news. It answers whether the group has to be assigned anew for them.
func (w *draft) update(id string, before *consumerMember, next *MemberValue) (bump bool) {
	old := before.meta
	if old == nil || !old.equal(next) {
		w.put(KindMember, id, next)
	}
	if old == nil {
		old = &MemberValue{}
	}
	was, is := deref(old.Regex), deref(next.Regex)
	missing := is != "" && w.g.expressions[is] == nil
	if missing || w.g.soft.unresolved && len(w.g.expressions) > 0 && w.millis()-w.g.soft.resolvedAt >= resolveInterval {
		w.timer(memberKey(timerResolve, w.g.id, ""), 1) // after this answer: a look at all topics takes its time
	}
	return !slices.Equal(old.Topics, next.Topics) || was != is && !missing
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// equal tells that two members say the same of themselves.
func (v *MemberValue) equal(o *MemberValue) bool {
	same := func(a, b *string) bool { return (a == nil) == (b == nil) && deref(a) == deref(b) }
	classic := (v.Classic == nil) == (o.Classic == nil)
	if classic && v.Classic != nil {
		classic = v.Classic.SessionTimeout == o.Classic.SessionTimeout && slices.EqualFunc(v.Classic.Protocols, o.Classic.Protocols, func(a, b Protocol) bool {
			return a.Name == b.Name && string(a.Metadata) == string(b.Metadata)
		})
	}
	return classic && same(v.InstanceID, o.InstanceID) && same(v.RackID, o.RackID) && same(v.Regex, o.Regex) && same(v.Assignor, o.Assignor) &&
		v.ClientID == o.ClientID && v.ClientHost == o.ClientHost && v.RebalanceTimeout == o.RebalanceTimeout && slices.Equal(v.Topics, o.Topics)
}
