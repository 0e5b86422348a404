package cluster

import (
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

func (m *Machine) deleteTopics(ev DeleteTopics) Effects {
	reply := make([]DeletedTopic, len(ev.Topics))
	names, ids := map[string]int{}, map[metadata.UUID]int{}
	for _, ref := range ev.Topics {
		names[ref.Name]++
		ids[ref.ID]++
	}
	var records []metadata.Record
	gone := map[metadata.UUID]bool{}
	for i, ref := range ev.Topics {
		t, res := m.topicToDelete(ref, names, ids)
		reply[i] = DeletedTopic{TopicRef: ref, Result: res}
		if !res.OK() {
			continue
		}
		if gone[t.ID] {
			reply[i].Result = fail(kerr.InvalidRequest, "The provided topic name maps to an ID that was already supplied.")
			continue
		}
		gone[t.ID] = true
		reply[i].TopicRef = TopicRef{t.Name, t.ID}
		records = append(records, &metadata.RemoveTopicRecord{TopicID: t.ID})
	}
	return Effects{Records: records, Reply: reply}
}

func (m *Machine) topicToDelete(ref TopicRef, names map[string]int, ids map[metadata.UUID]int) (*metadata.Topic, Result) {
	byName, byID := ref.Name != "", ref.ID != metadata.UUID{}
	switch {
	case byName && byID:
		return nil, fail(kerr.InvalidRequest, "You may not specify both topic name and topic id.")
	case !byName && !byID:
		return nil, fail(kerr.InvalidRequest, "Neither topic name nor id were specified.")
	case byName && names[ref.Name] > 1:
		return nil, fail(kerr.InvalidRequest, "Duplicate topic name.")
	case byID && ids[ref.ID] > 1:
		return nil, fail(kerr.InvalidRequest, "Duplicate topic id.")
	case byName:
		if t := m.View().Topic(ref.Name); t != nil {
			return t, Result{}
		}
		return nil, fail(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	}
	if t := m.View().TopicByID(ref.ID); t != nil {
		return t, Result{}
	}
	return nil, fail(kerr.UnknownTopicID, "This server does not host this topic ID.")
}

func (m *Machine) createPartitions(ev CreatePartitions) Effects {
	reply := make([]Result, len(ev.Topics))
	count := map[string]int{}
	for _, t := range ev.Topics {
		count[t.Name]++
	}
	var records []metadata.Record
	for i, g := range ev.Topics {
		if count[g.Name] > 1 {
			reply[i] = fail(kerr.InvalidRequest, "Duplicate topic name.")
			continue
		}
		added, res := m.grow(g, maxPartitionsPerRequest-len(records))
		reply[i] = res
		records = append(records, added...)
	}
	if ev.ValidateOnly {
		records = nil
	}
	return Effects{Records: records, Reply: reply}
}

// grow is the records of a topic's new partitions, at most limit.
func (m *Machine) grow(g GrowTopic, limit int) ([]metadata.Record, Result) {
	t := m.View().Topic(g.Name)
	if t == nil {
		return nil, fail(kerr.UnknownTopicOrPartition, "")
	}
	have := int32(len(t.Partitions))
	more := int64(g.Count) - int64(have)
	switch {
	case more == 0:
		return nil, fail(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	case more < 0:
		return nil, fail(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.", g.Name, have, g.Count)
	case g.Assignment != nil && int64(len(g.Assignment)) != more:
		return nil, fail(kerr.InvalidReplicaAssignment,
			"Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", more, len(g.Assignment))
	case more > int64(limit):
		return nil, fail(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	rf := len(t.Partitions[0].Replicas)
	var replicas [][]int32
	if g.Assignment != nil {
		var res Result
		if replicas, res = m.checkAssignment(g.Assignment, have, rf); !res.OK() {
			return nil, res
		}
	} else {
		var err error
		if replicas, err = m.place(t.ID, have, int32(more), rf); err != nil {
			return nil, fail(kerr.InvalidReplicationFactor, "%v", err)
		}
	}
	records := make([]metadata.Record, 0, more)
	for n, r := range replicas {
		records = append(records, m.newPartition(t.ID, have+int32(n), r))
	}
	return records, Result{}
}
