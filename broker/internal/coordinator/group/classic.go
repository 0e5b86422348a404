package group

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// classicState is where a classic group is in its life.
//
// Transitions:
//
//	Empty                -> PreparingRebalance    a member joins
//	PreparingRebalance   -> CompletingRebalance   everybody has joined, or the rebalance timeout is over
//	PreparingRebalance   -> Empty                 the last member left: also that is a generation
//	CompletingRebalance  -> Stable                the leader has sent the assignment
//	CompletingRebalance, Stable -> PreparingRebalance   a member joins, leaves, goes silent or changes its mind
//	any                  -> gone                  deleted, expired, or it has become a KIP-848 group
type classicState uint8

const (
	stateEmpty classicState = iota
	statePreparing
	stateCompleting
	stateStable
)

func (s classicState) String() string {
	return [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable"}[s]
}

// newMemberTimeout is how long a member waits for its first rebalance before it counts as gone.
const newMemberTimeout = 5 * time.Minute

// classicGroup is a group of the classic protocol, or the offsets of a simple consumer.
type classicGroup struct {
	id     string
	stored *ClassicValue // what the log says; nil: nothing yet

	// The rest is soft: a reload makes it from stored.
	state        classicState
	before       classicState // the state before a rebalance began
	since        int64        // in state, Unix milliseconds; -1 when nobody knows
	protocolType string
	protocol     *string
	generation   int32
	leader       string
	members      map[string]*classicMember
	static       map[string]string // instance id to member id
	pending      map[string]bool   // ids that were handed out and have not joined yet
	pendingSync  map[string]bool
	newcomer     bool          // somebody joined during the initial delay
	delayLeft    time.Duration // of the initial delay, at most
}

// classicMember is one member. A member that waits for JoinGroup or SyncGroup has the answer with it.
type classicMember struct {
	id               string
	instance         *string
	client           Client
	rebalanceTimeout int32 // milliseconds, as the session
	sessionTimeout   int32
	protocols        []Protocol
	assignment       []byte // the last one, also while the next is being made: an upgrade must know what it may have
	join             *waiter[*kmsg.JoinGroupResponse]
	sync             *waiter[*kmsg.SyncGroupResponse]
	isNew            bool // it waits for its first rebalance
}

// waiter is a request that is answered later.
type waiter[R any] struct {
	ticket coordinator.Ticket
	resp   R
}

func newClassicGroup(id string, now int64) *classicGroup {
	return &classicGroup{
		id: id, since: now, members: map[string]*classicMember{}, static: map[string]string{}, pending: map[string]bool{}, pendingSync: map[string]bool{},
	}
}

func sessionKey(group, member string) coordinator.TimerKey {
	return coordinator.TimerKey{Kind: timerSession, Name: group, Member: member}
}
func joinKey(group string) coordinator.TimerKey {
	return coordinator.TimerKey{Kind: timerJoin, Name: group}
}
func syncKey(group string) coordinator.TimerKey {
	return coordinator.TimerKey{Kind: timerSync, Name: group}
}

func millis(n int32) time.Duration { return time.Duration(n) * time.Millisecond }

func (g *classicGroup) to(s classicState, now int64) {
	if s == statePreparing {
		g.before = g.state
	}
	g.state, g.since = s, now
}

// sorted are the members by id.
func (g *classicGroup) sorted() []*classicMember {
	out := make([]*classicMember, 0, len(g.members))
	for _, id := range sortedKeys(g.members) {
		out = append(out, g.members[id])
	}
	return out
}

func (g *classicGroup) add(m *classicMember, protocolType string) {
	if len(g.members) == 0 {
		g.protocolType = protocolType
	}
	if g.leader == "" {
		g.leader = m.id
	}
	g.members[m.id] = m
	if m.instance != nil {
		g.static[*m.instance] = m.id
	}
	delete(g.pending, m.id)
}

func (g *classicGroup) remove(id string) {
	m := g.members[id]
	if m == nil {
		return
	}
	delete(g.members, id)
	delete(g.pendingSync, id)
	if m.instance != nil && g.static[*m.instance] == id {
		delete(g.static, *m.instance)
	}
	if g.leader == id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = sortedKeys(g.members)[0]
		}
	}
}

// rebalanceTimeout is the longest of its members'.
func (g *classicGroup) rebalanceTimeout() time.Duration {
	var longest int32
	for _, m := range g.members {
		longest = max(longest, m.rebalanceTimeout)
	}
	return millis(longest)
}

// allJoined tells that nobody is waited for. Ids that were handed out count: their member is about to come.
func (g *classicGroup) allJoined() bool {
	if len(g.pending) > 0 {
		return false
	}
	for _, m := range g.members {
		if m.join == nil {
			return false
		}
	}
	return true
}

// supports tells whether a member with these protocols fits the group.
func (g *classicGroup) supports(protocolType string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if protocolType == "" || len(protocols) == 0 {
		return false
	}
	if len(g.members) == 0 {
		return true
	}
	return protocolType == g.protocolType && slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool { return g.allSupport(p.Name) })
}

func (g *classicGroup) allSupport(protocol string) bool {
	for _, m := range g.members {
		if m.metadata(protocol) == nil {
			return false
		}
	}
	return true
}

// vote chooses the protocol of a generation: each member votes for its first that all support.
func (g *classicGroup) vote() string {
	votes, best := map[string]int{}, ""
	for _, m := range g.sorted() {
		for _, p := range m.protocols {
			if g.allSupport(p.Name) {
				votes[p.Name]++
				if best == "" || votes[p.Name] > votes[best] {
					best = p.Name
				}
				break
			}
		}
	}
	return best
}

// metadata is what a member said for a protocol; nil when it does not support it.
func (m *classicMember) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return nil
}

// matches tells that a member says what it said before.
func (m *classicMember) matches(protocols []kmsg.JoinGroupRequestProtocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a Protocol, b kmsg.JoinGroupRequestProtocol) bool {
		return a.Name == b.Name && string(a.Metadata) == string(b.Metadata)
	})
}

func copyProtocols(in []kmsg.JoinGroupRequestProtocol) []Protocol {
	out := make([]Protocol, len(in))
	for i, p := range in {
		out[i] = Protocol{p.Name, append([]byte{}, p.Metadata...)}
	}
	return out
}

// check finds a member; the code is why it may not act (KIP-345).
func (g *classicGroup) check(id string, instance *string) int16 {
	if instance != nil {
		switch known, ok := g.static[*instance]; {
		case !ok:
			return kerr.UnknownMemberID.Code
		case known != id:
			return kerr.FencedInstanceID.Code
		}
	}
	if g.members[id] == nil {
		return kerr.UnknownMemberID.Code
	}
	return 0
}

// topics are what the members of a generation of consumers subscribe to; false when that cannot be told.
func (g *classicGroup) topics() (map[string]bool, bool) {
	if g.protocolType != ConsumerProtocol || g.protocol == nil || len(g.members) == 0 {
		return nil, false
	}
	out := map[string]bool{}
	for _, m := range g.members {
		s, err := parseSubscription(m.metadata(*g.protocol))
		if err != nil {
			return nil, false
		}
		for _, t := range s.topics {
			out[t] = true
		}
	}
	return out, true
}

// store writes the group as it is.
func (d *decision) store(g *classicGroup) {
	v := &ClassicValue{ProtocolType: g.protocolType, Generation: g.generation, Protocol: g.protocol, StateSince: g.since}
	if g.leader != "" {
		v.Leader = new(g.leader)
	}
	for _, m := range g.sorted() {
		v.Members = append(v.Members, m.value(g.protocol))
	}
	d.write(Key{Kind: KindClassic, Group: g.id}, v)
}

func (m *classicMember) value(protocol *string) ClassicMemberValue {
	v := ClassicMemberValue{
		ID: m.id, InstanceID: m.instance, ClientID: m.client.ID, ClientHost: m.client.Host, RebalanceTimeout: m.rebalanceTimeout,
		SessionTimeout: m.sessionTimeout, Subscription: []byte{}, Assignment: m.assignment,
	}
	if protocol != nil {
		v.Subscription = m.metadata(*protocol)
	}
	if v.Assignment == nil {
		v.Assignment = []byte{}
	}
	return v
}

// applyClassic takes what the log says. Live the rest of the group is newer already; at a load it is made from this.
func (m *Machine) applyClassic(r Record) {
	if r.Value == nil {
		delete(m.classic, r.Group)
		return
	}
	v := r.Value.(*ClassicValue)
	g := m.classic[r.Group]
	if g == nil || !m.loaded {
		g = restoreClassic(r.Group, v)
		m.classic[r.Group] = g
		delete(m.consumer, r.Group)
	}
	g.stored = v
}

// restoreClassic makes a group from its record.
func restoreClassic(id string, v *ClassicValue) *classicGroup {
	g := newClassicGroup(id, v.StateSince)
	g.protocolType, g.protocol, g.generation = v.ProtocolType, v.Protocol, v.Generation
	if v.Leader != nil {
		g.leader = *v.Leader
	}
	protocol := ""
	if v.Protocol != nil {
		protocol = *v.Protocol
	}
	for _, mv := range v.Members {
		m := &classicMember{
			id: mv.ID, instance: mv.InstanceID, client: Client{mv.ClientID, mv.ClientHost}, rebalanceTimeout: mv.RebalanceTimeout,
			sessionTimeout: mv.SessionTimeout, protocols: []Protocol{{protocol, mv.Subscription}}, assignment: mv.Assignment,
		}
		if m.rebalanceTimeout < 0 {
			m.rebalanceTimeout = m.sessionTimeout
		}
		g.members[m.id] = m
		if m.instance != nil {
			g.static[*m.instance] = m.id
		}
		g.state = stateStable
	}
	return g
}

// loadedClassic begins the sessions of a group that was loaded, and the rebalance of one that was a KIP-848 group.
func (d *decision) loadedClassic(g *classicGroup) {
	for _, m := range g.sorted() {
		d.timer(sessionKey(g.id, m.id), millis(m.sessionTimeout))
	}
	if g.state == stateStable && g.leader == "" {
		d.prepareRebalance(g)
	}
}
