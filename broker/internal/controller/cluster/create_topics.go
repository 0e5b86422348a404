package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// maxPartitionsPerRequest is Kafka's ReplicationControlManager.MAX_PARTITIONS_PER_BATCH: more are refused as a whole.
const maxPartitionsPerRequest = 10_000

func (m *Machine) createTopics(ev CreateTopics) (Effects, error) {
	reply := make([]CreatedTopic, len(ev.Topics))
	var records []metadata.Record
	total := int64(0)
	count, fresh := map[string]int{}, map[string]string{}
	for _, t := range ev.Topics {
		count[t.Name]++
	}
	for i, t := range ev.Topics {
		reply[i] = CreatedTopic{Name: t.Name}
		if count[t.Name] > 1 {
			reply[i].Result = fail(kerr.InvalidRequest, "Duplicate topic name.")
			continue
		}
		if reply[i].Result = m.checkNewName(t.Name, fresh); !reply[i].OK() {
			continue
		}
		if total += max(int64(t.Partitions), int64(len(t.Assignment)), 1); total > maxPartitionsPerRequest {
			return Effects{Reply: refuseAll(ev)}, nil
		}
		if t.ID == (metadata.UUID{}) || m.View().TopicByID(t.ID) != nil {
			return Effects{}, fmt.Errorf("create topic %s: the id %x cannot be used", t.Name, t.ID)
		}
		made, replicas, res := m.newTopic(t)
		if reply[i].Result = res; !res.OK() {
			delete(fresh, unify(t.Name))
			continue
		}
		reply[i].ID, reply[i].Partitions, reply[i].ReplicationFactor = t.ID, int32(len(replicas)), int16(len(replicas[0]))
		records = append(records, made...)
	}
	if ev.ValidateOnly {
		records = nil
	}
	return Effects{Records: records, Reply: reply}, nil
}

func refuseAll(ev CreateTopics) []CreatedTopic {
	out := make([]CreatedTopic, len(ev.Topics))
	for i, t := range ev.Topics {
		out[i] = CreatedTopic{Name: t.Name, Result: fail(kerr.PolicyViolation, "Excessively large number of partitions per request.")}
	}
	return out
}

// newTopic is the records of a topic whose name is good.
func (m *Machine) newTopic(t NewTopic) ([]metadata.Record, [][]int32, Result) {
	configs, res := m.newTopicConfigs(t)
	if !res.OK() {
		return nil, nil, res
	}
	replicas, res := m.newTopicReplicas(t)
	if !res.OK() {
		return nil, nil, res
	}
	records := append([]metadata.Record{&metadata.TopicRecord{Name: t.Name, TopicID: t.ID}}, configs...)
	for n, r := range replicas {
		records = append(records, m.newPartition(t.ID, int32(n), r))
	}
	return records, replicas, Result{}
}

func (m *Machine) newTopicConfigs(t NewTopic) ([]metadata.Record, Result) {
	set := map[string]string{}
	for _, op := range t.Configs {
		if op.Value == nil {
			return nil, fail(kerr.InvalidConfig, "Null value not supported for topic configs: %s", op.Key)
		}
		set[op.Key] = *op.Value
	}
	keys := slices.Sorted(maps.Keys(set))
	res := metadata.Resource{Type: metadata.TopicResource, Name: t.Name}
	if r := m.validate(res, set, keys); !r.OK() {
		return nil, r
	}
	records := make([]metadata.Record, 0, len(keys))
	for _, key := range keys {
		records = append(records, &metadata.ConfigRecord{ResourceType: res.Type, ResourceName: res.Name, Name: key, Value: new(set[key])})
	}
	return records, Result{}
}

// newTopicReplicas is the replica lists of a new topic: as assigned, or placed. There is at least one.
func (m *Machine) newTopicReplicas(t NewTopic) ([][]int32, Result) {
	if len(t.Assignment) > 0 {
		switch {
		case t.ReplicationFactor != -1:
			return nil, fail(kerr.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
		case t.Partitions != -1:
			return nil, fail(kerr.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
		}
		return m.checkAssignment(t.Assignment, 0, len(t.Assignment[0]))
	}
	partitions, rf := t.Partitions, t.ReplicationFactor
	switch {
	case rf < -1 || rf == 0:
		return nil, fail(kerr.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.")
	case partitions < -1 || partitions == 0:
		return nil, fail(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	if partitions == -1 {
		partitions = m.cfg.DefaultPartitions
	}
	if rf == -1 {
		rf = m.cfg.DefaultReplicationFactor
	}
	replicas, err := m.place(t.ID, 0, partitions, int(rf))
	if err != nil {
		return nil, fail(kerr.InvalidReplicationFactor, "%v", err)
	}
	return replicas, Result{}
}

// checkAssignment checks replica lists that a client chose for partitions from first on; rf is how many each must have.
func (m *Machine) checkAssignment(assignment [][]int32, first int32, rf int) ([][]int32, Result) {
	out := make([][]int32, 0, len(assignment))
	for i, replicas := range assignment {
		if res := m.checkReplicas(replicas, rf); !res.OK() {
			return nil, res
		}
		if !slices.ContainsFunc(replicas, func(id int32) bool { return live(m.View().Broker(id)) }) {
			return nil, fail(kerr.InvalidReplicaAssignment,
				"All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.", first+int32(i))
		}
		out = append(out, slices.Clone(replicas))
	}
	return out, Result{}
}

func (m *Machine) checkReplicas(replicas []int32, rf int) Result {
	if len(replicas) == 0 {
		return fail(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	sorted := slices.Sorted(slices.Values(replicas))
	for i, id := range sorted {
		if m.View().Broker(id) == nil {
			return fail(kerr.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
		if i > 0 && sorted[i-1] == id {
			return fail(kerr.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	if len(replicas) != rf {
		return fail(kerr.InvalidReplicaAssignment, "The manual partition assignment includes a partition with %d replica(s), but this is not "+
			"consistent with previous partitions, which have %d replica(s).", len(replicas), rf)
	}
	return Result{}
}
