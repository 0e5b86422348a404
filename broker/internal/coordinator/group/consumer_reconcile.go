package group

// reconcile brings a member a step towards its target (GRP-10): first it lets go of what is not its own any more, then
// it gets what is free. A partition has one owner at any time: who has it, or still has to give it up.
// owned is what the member says it has; nil when it does not say.
func (w *draft) reconcile(id string, owned partitions) {
	m := w.g.members.get(id)
	if m.reconciled(w.g.targetEpoch) {
		return
	}
	next := w.step(m, owned)
	if !next.equal(m.current) {
		w.put(KindCurrent, id, next)
	}
}

func (v *CurrentValue) equal(o *CurrentValue) bool {
	return v.Epoch == o.Epoch && v.PreviousEpoch == o.PreviousEpoch && v.State == o.State && equalTopics(v.Assigned, o.Assigned) && equalTopics(v.Revoking, o.Revoking)
}

// step is where a member goes next.
func (w *draft) step(m *consumerMember, owned partitions) *CurrentValue {
	c := m.current
	if c.State != memberUnrevoked {
		return w.next(m, c.Epoch, owned)
	}
	if stillOwns(owned, setOf(c.Revoking)) {
		return c
	}
	return w.next(m, c.Epoch+1, owned)
}

// stillOwns tells whether a member has, or may have, any of the partitions.
func stillOwns(owned, revoking partitions) bool {
	if owned == nil {
		return true
	}
	for id, of := range revoking {
		for p := range of {
			if owned.has(id, p) {
				return true
			}
		}
	}
	return false
}

// next compares what a member has with its target. epoch is the one it stays in while it has something to give up.
func (w *draft) next(m *consumerMember, epoch int32, owned partitions) *CurrentValue {
	target, assigned := setOf(w.g.target.get(m.id)), setOf(m.current.Assigned)
	keep, revoke, gain, waiting := partitions{}, partitions{}, partitions{}, false
	for id, of := range assigned {
		for p, since := range of {
			if target.has(id, p) {
				keep.add(id, p, since)
			} else {
				revoke.add(id, p, since)
			}
		}
	}
	for id, of := range target {
		for p := range of {
			owner, taken := w.g.owners.lookup(topicNo{id, p})
			switch {
			case keep.has(id, p):
			case taken && owner != m.id:
				waiting = true
			default:
				gain.add(id, p, w.g.targetEpoch)
			}
		}
	}
	if revoke.count() > 0 && stillOwns(owned, revoke) {
		return m.moved(epoch, memberUnrevoked, keep, revoke)
	}
	for id, of := range gain {
		for p, since := range of {
			keep.add(id, p, since)
		}
	}
	state := memberStable
	if waiting {
		state = memberUnreleased
	}
	return m.moved(w.g.targetEpoch, state, keep, nil)
}

// moved is a member's next current assignment.
func (m *consumerMember) moved(epoch int32, state int8, assigned, revoking partitions) *CurrentValue {
	return &CurrentValue{Epoch: epoch, PreviousEpoch: m.current.Epoch, State: state, Assigned: assigned.list(true), Revoking: revoking.list(true)}
}
