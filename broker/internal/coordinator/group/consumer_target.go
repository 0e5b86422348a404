package group

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// advance begins a new epoch when subscriptions or topics changed, and computes the target assignment that it wants, at
// most once an assignment interval: many members that come together are assigned once.
func (w *draft) advance(bump bool) {
	soft := w.g.soft
	if bump || soft.stale {
		soft.stale = false
		if hash := w.g.hashOf(w.image); bump || hash != w.g.hash {
			w.put(KindEpoch, "", &EpochValue{Epoch: w.g.epoch + 1, MetadataHash: hash})
		}
	}
	if w.g.epoch > w.g.targetEpoch && w.millis()-w.g.targetAt >= w.settings(w.g.id).AssignmentInterval.Milliseconds() {
		w.assign()
	}
}

// assign computes the target assignment and writes what is different.
func (w *draft) assign() {
	s := subscriptions{partitions: map[UUID]int32{}}
	for _, m := range w.g.sorted() {
		x := subscriber{id: m.id, instance: m.meta.InstanceID, has: w.g.target.get(m.id)}
		for _, name := range w.g.topicsOf(m.meta) {
			if t := w.image.Topic(name); t != nil {
				x.topics = append(x.topics, t.ID)
				s.partitions[t.ID] = int32(len(t.Partitions))
			}
		}
		s.members = append(s.members, x)
	}
	assignor := assignUniform
	if w.g.assignor(w.cfg.Assignors) == "range" {
		assignor = assignRange
	}
	result := assignor(s)
	for _, m := range w.g.sorted() {
		old, had := w.g.target.lookup(m.id)
		if next := result[m.id].list(false); !had || !samePartitions(old, next) {
			w.put(KindTarget, m.id, &TargetValue{Topics: next})
		}
	}
	w.put(KindTargetEpoch, "", &TargetEpochValue{Epoch: w.g.epoch, Computed: w.millis()})
}

// assignor is the one that most members ask for; by default the first that is configured.
func (g *consumerGroup) assignor(configured []string) string {
	votes := map[string]int{}
	for _, m := range g.members.all() {
		if m.meta.Assignor != nil {
			votes[*m.meta.Assignor]++
		}
	}
	best := ""
	for _, name := range sortedKeys(votes) {
		if best == "" || votes[name] > votes[best] {
			best = name
		}
	}
	if best == "" && len(configured) > 0 {
		best = configured[0]
	}
	return best
}

// groupConfig is what is set on the group's configuration resource.
func (m *Machine) groupConfig(group string) map[string]string {
	return m.image.Config(metadata.Resource{Type: metadata.GroupResource, Name: group})
}
