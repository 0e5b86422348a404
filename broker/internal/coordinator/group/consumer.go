package group

import (
	"hash/fnv"
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// consumerState is what others see of a KIP-848 group. Nothing is stored: it follows from the epochs.
//
//	Empty        no members
//	Assigning    the group's epoch is ahead of the target assignment's
//	Reconciling  a member has not got to the target assignment yet
//	Stable       all have
type consumerState uint8

const (
	consumerEmpty consumerState = iota
	consumerAssigning
	consumerReconciling
	consumerStable
)

func (s consumerState) String() string {
	return [...]string{"Empty", "Assigning", "Reconciling", "Stable"}[s]
}

// States of a member (Kafka's MemberState).
//
//	stable      -> unrevoked    the target takes partitions away that the member still has
//	stable      -> unreleased   the target gives it partitions that others still have
//	unrevoked   -> stable, unreleased, unrevoked   it has let go
//	unreleased  -> stable, unrevoked               what it waited for is free, or the target changed
const (
	memberStable     int8 = 0
	memberUnrevoked  int8 = 1
	memberUnreleased int8 = 2
)

// firstEpoch is that of a group before anybody subscribes to anything.
const firstEpoch = 1

// Member epochs of requests and of members that are away.
const (
	epochJoin        int32 = 0
	epochLeave       int32 = -1
	epochStaticLeave int32 = -2
)

// consumerGroup is a group of KIP-848. All of it is what records say; what follows from them is kept beside it.
type consumerGroup struct {
	id          string
	epoch       int32
	hash        int64 // of the topics subscribed to
	members     layered[string, *consumerMember]
	target      layered[string, []TopicPartitions]
	targetEpoch int32
	targetAt    int64 // when it was computed; 0: never
	expressions map[string]*RegexValue
	static      map[string]string        // instance id to member id
	owners      layered[topicNo, string] // who has a partition, or has to give it up
	early       map[string]*CurrentValue // of members whose record comes later: compaction may have it so
	soft        *consumerSoft
}

// topicNo is a partition by topic id.
type topicNo struct {
	id        UUID
	partition int32
}

// consumerSoft is what a reload forgets. Drafts of a group share it.
type consumerSoft struct {
	stale      bool            // the image changed: the hash may not hold any more
	unresolved bool            // the same for expressions
	resolvedAt int64           // Unix milliseconds
	rejoining  map[string]bool // classic members that were told to rejoin
	pending    map[string]bool // ids that were handed out to classic members and have not joined yet
}

// consumerMember is a member: what it says of itself and what it has.
type consumerMember struct {
	id      string
	meta    *MemberValue
	current *CurrentValue
}

func newConsumerGroup(id string) *consumerGroup {
	return &consumerGroup{
		id: id, epoch: firstEpoch, targetEpoch: firstEpoch, members: newLayered[string, *consumerMember](), target: newLayered[string, []TopicPartitions](),
		expressions: map[string]*RegexValue{}, static: map[string]string{}, owners: newLayered[topicNo, string](),
		early: map[string]*CurrentValue{},
		soft:  &consumerSoft{stale: true, unresolved: true, rejoining: map[string]bool{}, pending: map[string]bool{}},
	}
}

// clone is a copy that may be written to; what the maps hold is shared and never changes.
func (g *consumerGroup) clone() *consumerGroup {
	c := *g
	c.members, c.target, c.owners = g.members.fork(), g.target.fork(), g.owners.fork()
	c.expressions, c.static, c.early = maps.Clone(g.expressions), maps.Clone(g.static), maps.Clone(g.early)
	return &c
}

// apply takes a record of the group.
func (g *consumerGroup) apply(r Record) {
	switch r.Kind {
	case KindEpoch:
		if v, ok := r.Value.(*EpochValue); ok {
			g.epoch, g.hash = v.Epoch, v.MetadataHash
		}
	case KindMember:
		g.applyMember(r)
	case KindTargetEpoch:
		g.targetEpoch, g.targetAt = firstEpoch, 0
		if v, ok := r.Value.(*TargetEpochValue); ok {
			g.targetEpoch, g.targetAt = v.Epoch, v.Computed
		}
	case KindTarget:
		if v, ok := r.Value.(*TargetValue); ok {
			g.target.set(r.Name, v.Topics)
		} else {
			g.target.delete(r.Name)
		}
	case KindCurrent:
		g.applyCurrent(r)
	case KindRegex:
		if v, ok := r.Value.(*RegexValue); ok {
			g.expressions[r.Name] = v
		} else {
			delete(g.expressions, r.Name)
		}
	}
}

func (g *consumerGroup) applyMember(r Record) {
	old := g.members.get(r.Name)
	if old != nil && old.meta.InstanceID != nil && g.static[*old.meta.InstanceID] == r.Name {
		delete(g.static, *old.meta.InstanceID)
	}
	v, ok := r.Value.(*MemberValue)
	if !ok {
		if old != nil {
			g.release(old)
		}
		g.members.delete(r.Name)
		return
	}
	m := &consumerMember{id: r.Name, meta: v, current: &CurrentValue{}}
	if old != nil {
		m.current = old.current
	} else if c := g.early[r.Name]; c != nil {
		m.current = c
		delete(g.early, r.Name)
		g.own(m)
	}
	g.members.set(r.Name, m)
	if v.InstanceID != nil {
		g.static[*v.InstanceID] = r.Name
	}
}

func (g *consumerGroup) applyCurrent(r Record) {
	v, _ := r.Value.(*CurrentValue)
	old := g.members.get(r.Name)
	if old == nil {
		if delete(g.early, r.Name); v != nil {
			g.early[r.Name] = v
		}
		return
	}
	g.release(old)
	m := &consumerMember{id: old.id, meta: old.meta, current: &CurrentValue{}}
	if v != nil {
		m.current = v
	}
	g.members.set(r.Name, m)
	g.own(m)
}

// own remembers what a member has.
func (g *consumerGroup) own(m *consumerMember) {
	for _, list := range [][]TopicPartitions{m.current.Assigned, m.current.Revoking} {
		for _, t := range list {
			for _, p := range t.Partitions {
				g.owners.set(topicNo{t.TopicID, p}, m.id)
			}
		}
	}
}

// release forgets what a member has.
func (g *consumerGroup) release(m *consumerMember) {
	for _, list := range [][]TopicPartitions{m.current.Assigned, m.current.Revoking} {
		for _, t := range list {
			for _, p := range t.Partitions {
				if g.owners.get(topicNo{t.TopicID, p}) == m.id {
					g.owners.delete(topicNo{t.TopicID, p})
				}
			}
		}
	}
}

// applyConsumer takes a record of a KIP-848 group, which its first record makes and the tombstone of its epoch ends.
func (m *Machine) applyConsumer(r Record) {
	g := m.consumer[r.Group]
	if r.Value == nil && (g == nil || r.Kind == KindEpoch) {
		delete(m.consumer, r.Group)
		if m.offsets.groups[r.Group] != nil {
			m.ensureGroup(r.Group)
		}
		return
	}
	if g == nil {
		g = newConsumerGroup(r.Group)
		m.consumer[r.Group] = g
		delete(m.classic, r.Group)
	}
	g.apply(r)
}

func (g *consumerGroup) state() consumerState {
	switch {
	case g.members.len() == 0:
		return consumerEmpty
	case g.epoch > g.targetEpoch:
		return consumerAssigning
	}
	for _, m := range g.members.all() {
		if !m.reconciled(g.targetEpoch) {
			return consumerReconciling
		}
	}
	return consumerStable
}

func (m *consumerMember) reconciled(epoch int32) bool {
	return m.current.State == memberStable && m.current.Epoch == epoch
}

// sorted are the members by id.
func (g *consumerGroup) sorted() []*consumerMember {
	out := make([]*consumerMember, 0, g.members.len())
	for _, id := range keysOf(&g.members) {
		out = append(out, g.members.get(id))
	}
	return out
}

// topicsOf are the names that a member subscribes to, also by its expression, sorted.
func (g *consumerGroup) topicsOf(m *MemberValue) []string {
	out := slices.Clone(m.Topics)
	if m.Regex != nil {
		if v := g.expressions[*m.Regex]; v != nil {
			out = append(out, v.Topics...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// subscribed are all names that members subscribe to.
func (g *consumerGroup) subscribed() map[string]bool {
	out := map[string]bool{}
	for _, m := range g.members.all() {
		for _, t := range g.topicsOf(m.meta) {
			out[t] = true
		}
	}
	return out
}

// hashOf is a digest of the topics that are subscribed to, as they are: with it a change shows. 0 when there are none.
func (g *consumerGroup) hashOf(image *metadata.Image) int64 {
	h, any := fnv.New64a(), false
	for _, name := range sortedKeys(g.subscribed()) {
		if t := image.Topic(name); t != nil {
			any = true
			n := len(t.Partitions)
			_, _ = h.Write([]byte(name))
			_, _ = h.Write(t.ID[:])
			_, _ = h.Write([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		}
	}
	if !any {
		return 0
	}
	return int64(h.Sum64())
}

// loadedConsumer begins the sessions of a group that was loaded.
func (d *decision) loadedConsumer(g *consumerGroup) {
	for _, m := range g.sorted() {
		d.timer(sessionKey(g.id, m.id), d.sessionOf(g, m))
		if m.current.State == memberUnrevoked && m.meta.Classic == nil {
			d.timer(memberKey(timerRebalance, g.id, m.id), millis(m.meta.RebalanceTimeout))
		}
	}
}

// imageForConsumers remembers that groups have to look at their topics again. They do with their next heartbeat.
func (d *decision) imageForConsumers(_, _ *metadata.Image) {
	for _, g := range d.consumer {
		g.soft.stale, g.soft.unresolved = true, true
	}
}
