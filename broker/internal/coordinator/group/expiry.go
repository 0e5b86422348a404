package group

import "github.com/mainstem-io/mainstem/broker/internal/coordinator"

var expireKey = coordinator.TimerKey{Kind: timerExpire}

// expireOffsets forgets offsets that nobody needs any more, and groups that have neither members nor offsets (KIP-211).
func (d *decision) expireOffsets() {
	for _, id := range d.groupIDs() {
		d.expireGroup(id)
		if d.full() {
			d.timer(expireKey, 1) // the rest follows at once
			return
		}
	}
	d.timer(expireKey, d.cfg.RetentionCheck)
}

// full bounds the tombstones of one decision.
func (d *decision) full() bool { return d.size > d.cfg.MaxBatchBytes/2 }

// groupIDs are all groups, by name.
func (d *decision) groupIDs() []string {
	all := map[string]bool{}
	for id := range d.classic {
		all[id] = true
	}
	for id := range d.consumer {
		all[id] = true
	}
	return sortedKeys(all)
}

func (d *decision) expireGroup(id string) {
	left, rule := 0, d.ruleFor(id)
	for _, tp := range d.offsets.of(id) {
		v, _ := d.offsets.get(id, tp)
		if !d.full() && (d.topicGone(tp.topic, v) || d.expired(rule, tp.topic, v)) {
			d.write(offsetKey(id, tp), nil)
		} else {
			left++
		}
	}
	if left > 0 || d.offsets.hasPending(id) {
		return
	}
	classic, consumer := d.classic[id], d.consumer[id]
	if consumer != nil && consumer.members.len() == 0 || classic != nil && classic.state == stateEmpty && len(classic.pending) == 0 {
		d.forgetGroup(id)
	}
}

// topicGone catches what a change of the image did not: the topic went while nobody led this partition.
func (d *decision) topicGone(topic string, v *OffsetValue) bool {
	if d.image.Offset < 0 {
		return false // no image yet
	}
	t := d.image.Topic(topic)
	return t == nil || v.TopicID != UUID{} && t.ID != v.TopicID
}

// expiryRule says which of a group's offsets may expire, and when their clock started.
type expiryRule struct {
	never  bool            // all stay
	topics map[string]bool // these stay: members subscribe to them
	since  int64           // the clock starts here, or with a later commit
}

// ruleFor is the rule of a group. The clock starts when it became empty; for a simple consumer, and for topics that a
// living group does not subscribe to, with the commit.
func (d *decision) ruleFor(id string) expiryRule {
	if g := d.consumer[id]; g != nil {
		return expiryRule{topics: g.subscribed()}
	}
	g := d.classic[id]
	switch {
	case g == nil || g.protocolType == "":
		return expiryRule{}
	case g.state == stateEmpty:
		return expiryRule{since: g.since}
	}
	topics, known := g.topics()
	return expiryRule{never: !known || g.state != stateStable, topics: topics}
}

// expired tells whether an offset is older than the retention.
func (d *decision) expired(r expiryRule, topic string, v *OffsetValue) bool {
	switch {
	case r.never || r.topics[topic]:
		return false
	case v.ExpiresAt >= 0:
		return d.millis() >= v.ExpiresAt
	}
	return d.millis()-max(r.since, v.CommittedAt) >= d.cfg.Retention.Milliseconds()
}
