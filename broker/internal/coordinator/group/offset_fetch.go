package group

import "github.com/twmb/franz-go/pkg/kerr"

// fetch is OffsetFetch of one group. A group that does not exist has committed nothing, which is no error unless a
// member asks.
func (d *decision) fetch(ev OffsetFetch) Fetched {
	if code := d.mayFetch(ev); code != 0 {
		return Fetched{Code: code}
	}
	topics := ev.Topics
	if ev.All {
		topics = d.offsets.topicsOf(ev.Group)
	}
	var out Fetched
	for _, t := range topics {
		ft := FetchedTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			ft.Partitions = append(ft.Partitions, d.fetchOne(ev, topicPartition{t.Topic, p}))
		}
		out.Topics = append(out.Topics, ft)
	}
	return out
}

func (d *decision) fetchOne(ev OffsetFetch, tp topicPartition) FetchedOffset {
	out := FetchedOffset{Partition: tp.partition, Offset: -1, LeaderEpoch: -1}
	if ev.RequireStable && d.offsets.unstable(ev.Group, tp) {
		out.Code = kerr.UnstableOffsetCommit.Code
		return out
	}
	if v, ok := d.offsets.get(ev.Group, tp); ok {
		out.Offset, out.LeaderEpoch, out.Metadata = v.Offset, v.LeaderEpoch, v.Metadata
	}
	return out
}

func (d *decision) mayFetch(ev OffsetFetch) int16 {
	if (ev.Member == nil || *ev.Member == "") && ev.Epoch < 0 {
		return 0
	}
	if g := d.consumer[ev.Group]; g != nil {
		return g.mayFetch(ev)
	}
	if d.classic[ev.Group] == nil {
		return kerr.GroupIDNotFound.Code
	}
	return 0
}

// topicsOf lists what a group has committed.
func (o *offsets) topicsOf(group string) []TopicList {
	var out []TopicList
	for _, tp := range o.of(group) {
		if n := len(out); n == 0 || out[n-1].Topic != tp.topic {
			out = append(out, TopicList{Topic: tp.topic})
		}
		last := &out[len(out)-1]
		last.Partitions = append(last.Partitions, tp.partition)
	}
	return out
}

// deleteOffsets is OffsetDelete: of a group that is empty, or of topics that a group of consumers does not subscribe to.
func (d *decision) deleteOffsets(ev OffsetDelete) Deleted {
	subscribed, code := d.mayDelete(ev.Group)
	if code != 0 {
		return Deleted{Code: code}
	}
	var out Deleted
	for _, t := range ev.Topics {
		codes := make([]int16, len(t.Partitions))
		for i, p := range t.Partitions {
			tp := topicPartition{t.Topic, p}
			if subscribed[t.Topic] {
				codes[i] = kerr.GroupSubscribedToTopic.Code
			} else if _, ok := d.offsets.get(ev.Group, tp); ok {
				d.write(offsetKey(ev.Group, tp), nil)
			}
		}
		out.Partitions = append(out.Partitions, codes)
	}
	return out
}

// mayDelete answers the topics whose offsets stay, or why none may be deleted.
func (d *decision) mayDelete(group string) (subscribed map[string]bool, code int16) {
	if g := d.consumer[group]; g != nil {
		return g.subscribed(), 0
	}
	g := d.classic[group]
	switch {
	case g == nil:
		return nil, kerr.GroupIDNotFound.Code
	case g.state == stateEmpty:
		return nil, 0
	case g.protocolType != ConsumerProtocol:
		return nil, kerr.NonEmptyGroup.Code
	}
	subscribed, _ = g.topics()
	return subscribed, 0
}
