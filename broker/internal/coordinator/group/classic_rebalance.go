package group

import "github.com/twmb/franz-go/pkg/kerr"

// rebalance begins a rebalance, or goes on with the one that is under way.
func (d *decision) rebalance(g *classicGroup) {
	if g.state != statePreparing {
		d.prepareRebalance(g)
	} else {
		d.maybeCompleteJoin(g)
	}
}

// prepareRebalance asks everybody to join anew. The first rebalance of an empty group waits for more members (GRP-1).
func (d *decision) prepareRebalance(g *classicGroup) {
	if g.state == stateCompleting {
		for _, m := range g.sorted() {
			if m.sync != nil {
				m.sync.resp.ErrorCode, m.sync.resp.MemberAssignment = kerr.RebalanceInProgress.Code, []byte{}
				d.answer(m.sync.ticket, m.sync.resp)
				m.sync = nil
			}
		}
	}
	d.endSyncPhase(g)
	g.to(statePreparing, d.millis())
	if g.before != stateEmpty {
		d.completeOrWait(g)
		return
	}
	g.newcomer = false
	g.delayLeft = max(0, g.rebalanceTimeout()-d.cfg.InitialRebalanceDelay)
	if d.cfg.InitialRebalanceDelay <= 0 {
		d.completeJoin(g)
		return
	}
	d.timer(joinKey(g.id), d.cfg.InitialRebalanceDelay)
}

// completeOrWait ends the join phase if everybody has joined, else waits for the rebalance timeout.
func (d *decision) completeOrWait(g *classicGroup) {
	if g.allJoined() {
		d.completeJoin(g)
		return
	}
	d.timer(joinKey(g.id), g.rebalanceTimeout())
}

// maybeCompleteJoin is called when somebody who was waited for is gone. The initial delay goes on all the same.
func (d *decision) maybeCompleteJoin(g *classicGroup) {
	if g.state == statePreparing && g.before != stateEmpty && g.allJoined() {
		d.completeJoin(g)
	}
}

// joinPhaseEnded is the join timer: of the initial delay, or of the rebalance timeout.
func (d *decision) joinPhaseEnded(group string) {
	g := d.classic[group]
	if g == nil || g.state != statePreparing {
		return
	}
	if g.before == stateEmpty && g.newcomer && g.delayLeft > 0 {
		g.newcomer = false
		delay := min(d.cfg.InitialRebalanceDelay, g.delayLeft)
		g.delayLeft -= delay
		d.timer(joinKey(g.id), delay)
		return
	}
	d.completeJoin(g)
}

// completeJoin begins the next generation with whoever has joined.
func (d *decision) completeJoin(g *classicGroup) {
	d.cancel(joinKey(g.id))
	for _, m := range g.sorted() {
		if m.join == nil && m.instance == nil {
			g.remove(m.id)
			d.cancel(sessionKey(g.id, m.id))
		}
	}
	if len(g.members) > 0 && !g.electJoined() {
		d.timer(joinKey(g.id), g.rebalanceTimeout()) // static members only, and nobody came back yet: their sessions decide
		return
	}
	g.generation++
	g.delayLeft = 0
	clear(g.pendingSync)
	if len(g.members) == 0 {
		g.protocol, g.leader = nil, ""
		g.to(stateEmpty, d.millis())
		d.store(g)
		return
	}
	g.protocol = new(g.vote())
	g.to(stateCompleting, d.millis())
	for _, m := range g.sorted() {
		if m.join != nil {
			g.fill(m.join.resp, m)
			d.answer(m.join.ticket, m.join.resp)
			m.join = nil
		}
		m.isNew = false
		d.timer(sessionKey(g.id, m.id), millis(m.sessionTimeout))
		g.pendingSync[m.id] = true
	}
	d.timer(syncKey(g.id), g.rebalanceTimeout())
}

// electJoined makes sure that the leader is somebody who has joined.
func (g *classicGroup) electJoined() bool {
	if m := g.members[g.leader]; m != nil && m.join != nil {
		return true
	}
	for _, m := range g.sorted() {
		if m.join != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

func (d *decision) endSyncPhase(g *classicGroup) {
	clear(g.pendingSync)
	d.cancel(syncKey(g.id))
}

// syncPhaseEnded removes who has not sent SyncGroup within the rebalance timeout.
func (d *decision) syncPhaseEnded(group string) {
	g := d.classic[group]
	if g == nil || len(g.pendingSync) == 0 || g.state != stateCompleting && g.state != stateStable {
		return
	}
	for _, id := range sortedKeys(g.pendingSync) {
		d.removeMember(g, id)
	}
	d.prepareRebalance(g)
}

// removeMember takes a member out; what it waits for is answered.
func (d *decision) removeMember(g *classicGroup, id string) {
	if m := g.members[id]; m != nil {
		d.refuseLater(m, kerr.UnknownMemberID)
		g.remove(id)
	}
	d.cancel(sessionKey(g.id, id))
}

// memberGone goes on without members that were removed.
func (d *decision) memberGone(g *classicGroup) {
	switch g.state {
	case stateStable, stateCompleting:
		d.prepareRebalance(g)
	case statePreparing:
		d.maybeCompleteJoin(g)
	case stateEmpty:
	}
}

// sessionEnded is the session timer of a member of a group of either kind.
func (d *decision) sessionEnded(group, member string) {
	if g := d.consumer[group]; g != nil {
		d.consumerSessionEnded(g, member)
		return
	}
	g := d.classic[group]
	if g == nil {
		return
	}
	if g.pending[member] {
		delete(g.pending, member)
		d.maybeCompleteJoin(g)
		return
	}
	m := g.members[member]
	switch {
	case m == nil:
	case !m.isNew && (m.join != nil || m.sync != nil): // it waits for us: its session is suspended (GRP-3)
	default:
		d.removeMember(g, member)
		d.memberGone(g)
	}
}

// touch begins a member's session anew.
func (d *decision) touch(g *classicGroup, m *classicMember) {
	after := millis(m.sessionTimeout)
	if m.isNew {
		after = newMemberTimeout
	}
	d.timer(sessionKey(g.id, m.id), after)
}
