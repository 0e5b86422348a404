package group

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// failure is why a request is refused, with the text that Kafka's clients show.
type failure struct {
	code int16
	text string
}

func refuse(err *kerr.Error, format string, args ...any) *failure {
	return &failure{err.Code, fmt.Sprintf(format, args...)}
}

// draft is a group in the middle of a decision: what was written is in it already, and the group itself is untouched.
type draft struct {
	*decision
	g      *consumerGroup
	copied bool
}

func (d *decision) draft(g *consumerGroup) *draft { return &draft{decision: d, g: g} }

// put writes a record of the group; a nil value is a tombstone.
func (w *draft) put(kind Kind, name string, v Value) {
	if !w.copied {
		w.g, w.copied = w.g.clone(), true
	}
	r := Record{Key: Key{Kind: kind, Group: w.g.id, Name: name}, Value: v}
	w.write(r.Key, r.Value)
	w.g.apply(r)
}

func memberKey(kind, group, member string) coordinator.TimerKey {
	return coordinator.TimerKey{Kind: kind, Name: group, Member: member}
}

// settings of a group, from its configuration.
func (d *decision) settings(group string) Settings { return d.cfg.Settings(d.groupConfig(group)) }

// sessionOf is a member's session timeout: the group's, or its own when it speaks the classic protocol.
func (d *decision) sessionOf(g *consumerGroup, m *consumerMember) time.Duration {
	if m.meta.Classic != nil {
		return millis(m.meta.Classic.SessionTimeout)
	}
	return d.settings(g.id).SessionTimeout
}

// consumerHeartbeat is ConsumerGroupHeartbeat: everything that a KIP-848 member does.
func (d *decision) consumerHeartbeat(ev ConsumerGroupHeartbeat) *kmsg.ConsumerGroupHeartbeatResponse {
	resp := ev.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
	f := d.checkHeartbeat(ev)
	if f == nil {
		if ev.MemberEpoch < 0 {
			f = d.consumerLeave(ev, resp)
		} else {
			f = d.consumerBeat(ev, resp)
		}
	}
	if f != nil {
		d.drop() // nothing of it was
		resp.Default()
		resp.ErrorCode, resp.ErrorMessage = f.code, &f.text
	}
	return resp
}

// checkHeartbeat looks at the request alone.
func (d *decision) checkHeartbeat(ev ConsumerGroupHeartbeat) *failure {
	invalid := func(format string, args ...any) *failure { return refuse(kerr.InvalidRequest, format, args...) }
	switch {
	case ev.Group == "":
		return invalid("GroupId can't be empty.")
	case ev.MemberID == "" && (ev.Version >= 1 || ev.MemberEpoch != epochJoin):
		return invalid("MemberId can't be empty.")
	case ev.InstanceID != nil && *ev.InstanceID == "":
		return invalid("InstanceId can't be empty.")
	case ev.RackID != nil && *ev.RackID == "":
		return invalid("RackId can't be empty.")
	case ev.MemberEpoch < epochStaticLeave:
		return invalid("MemberEpoch is invalid.")
	case ev.MemberEpoch == epochStaticLeave && ev.InstanceID == nil:
		return invalid("InstanceId can't be null.")
	}
	if ev.MemberEpoch == epochJoin {
		switch {
		case ev.RebalanceTimeoutMillis == -1:
			return invalid("RebalanceTimeoutMs must be provided in first request.")
		case ev.Topics == nil || len(ev.Topics) > 0:
			return invalid("TopicPartitions must be empty when (re-)joining.")
		case ev.SubscribedTopicNames == nil && ev.SubscribedTopicRegex == nil:
			return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
		}
	}
	if a := ev.ServerAssignor; a != nil && !slices.Contains(d.cfg.Assignors, *a) {
		return refuse(kerr.UnsupportedAssignor, "ServerAssignor %s is not supported. Supported assignors: %s.", *a, strings.Join(d.cfg.Assignors, ", "))
	}
	if re := ev.SubscribedTopicRegex; re != nil && *re != "" {
		if _, err := compile(*re); err != nil {
			return refuse(kerr.InvalidRegularExpression, "SubscribedTopicRegex `%s` is not a valid regular expression: %v.", *re, err)
		}
	}
	return nil
}

// consumerBeat joins a member or takes its news, and brings it a step towards its target assignment.
func (d *decision) consumerBeat(ev ConsumerGroupHeartbeat, resp *kmsg.ConsumerGroupHeartbeatResponse) *failure {
	w, f := d.openConsumerGroup(ev)
	if f != nil {
		return f
	}
	id := ev.MemberID
	if id == "" {
		id = d.cfg.NewID()
	}
	if w.g.members.get(id) == nil && w.g.members.len() >= d.cfg.MaxConsumers && ev.MemberEpoch == epochJoin {
		return refuse(kerr.GroupMaxSizeReached, "The consumer group has reached its maximum capacity of %d members.", d.cfg.MaxConsumers)
	}
	before, f := w.admit(id, ev)
	if f != nil {
		return f
	}
	bump := w.update(id, before, w.newsOf(before, ev))
	w.advance(bump)
	owned := ownedOf(ev)
	w.reconcile(id, owned)
	m := w.g.members.get(id)
	d.timer(sessionKey(w.g.id, id), d.sessionOf(w.g, m))
	w.rebalanceTimer(m)

	resp.MemberID, resp.MemberEpoch = &m.id, m.current.Epoch
	resp.HeartbeatIntervalMillis = int32(d.settings(w.g.id).HeartbeatInterval.Milliseconds())
	full := ev.MemberEpoch == epochJoin || ev.RebalanceTimeoutMillis != -1 && (ev.SubscribedTopicNames != nil || ev.SubscribedTopicRegex != nil) && ev.Topics != nil
	if full || !samePartitions(before.current.Assigned, m.current.Assigned) {
		resp.Assignment = assignmentOf(m)
	}
	return nil
}

// rebalanceTimer bounds how long a member may hold on to what it has to give up.
func (w *draft) rebalanceTimer(m *consumerMember) {
	key := memberKey(timerRebalance, w.g.id, m.id)
	old := w.consumer[w.g.id].member(m.id)
	switch {
	case m.current.State != memberUnrevoked:
		w.cancel(key)
	case old == nil || old.current.State != memberUnrevoked || old.current.Epoch != m.current.Epoch:
		w.timer(key, millis(m.meta.RebalanceTimeout))
	}
}

// member answers a member, or nil; the group may be nil.
func (g *consumerGroup) member(id string) *consumerMember {
	if g == nil {
		return nil
	}
	return g.members.get(id)
}

func assignmentOf(m *consumerMember) *kmsg.ConsumerGroupHeartbeatResponseAssignment {
	a := kmsg.NewConsumerGroupHeartbeatResponseAssignment()
	for _, t := range m.current.Assigned {
		rt := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		rt.TopicID, rt.Partitions = t.TopicID, t.Partitions
		a.Topics = append(a.Topics, rt)
	}
	return &a
}

// openConsumerGroup finds the group, makes it for a first member, or converts a classic one.
func (d *decision) openConsumerGroup(ev ConsumerGroupHeartbeat) (*draft, *failure) {
	if g := d.consumer[ev.Group]; g != nil {
		return d.draft(g), nil
	}
	classic := d.classic[ev.Group]
	switch {
	case ev.MemberEpoch != epochJoin && classic == nil:
		return nil, refuse(kerr.GroupIDNotFound, "Consumer group %s not found.", ev.Group)
	case classic == nil:
		return d.draft(newConsumerGroup(ev.Group)), nil
	case classic.state == stateEmpty && ev.MemberEpoch == epochJoin:
		for _, id := range sortedKeys(classic.pending) { // they find the new group when they come
			d.cancel(sessionKey(ev.Group, id))
		}
		d.write(Key{Kind: KindClassic, Group: ev.Group}, nil)
		return d.draft(newConsumerGroup(ev.Group)), nil
	}
	return d.upgrade(classic, ev)
}

// ownedOf is what the member says it has; nil when it does not say.
func ownedOf(ev ConsumerGroupHeartbeat) partitions {
	if ev.Topics == nil {
		return nil
	}
	out := partitions{}
	for _, t := range ev.Topics {
		for _, p := range t.Partitions {
			out.add(t.TopicID, p, 0)
		}
	}
	return out
}
