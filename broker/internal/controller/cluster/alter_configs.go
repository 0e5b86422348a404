package cluster

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Keys that the core itself reads.
const (
	keyMinISR  = "min.insync.replicas"
	keyUnclean = "unclean.leader.election.enable"
	keyFlush   = "flush.policy"
)

func (m *Machine) alterConfigs(ev AlterConfigs) Effects {
	reply := make([]Result, len(ev.Resources))
	count := map[metadata.Resource]int{}
	for _, r := range ev.Resources {
		count[r.Resource]++
	}
	var records []metadata.Record
	for i, r := range ev.Resources {
		if count[r.Resource] > 1 {
			reply[i] = fail(kerr.InvalidRequest, "Each resource must appear at most once.")
			continue
		}
		changed, res := m.alterResource(r, ev.Replace)
		reply[i] = res
		records = append(records, changed...)
	}
	if ev.ValidateOnly {
		records = nil
	}
	return Effects{Records: records, Reply: reply}
}

// alterResource is the records of one resource: all of its changes or none.
func (m *Machine) alterResource(r AlterResource, replaceAll bool) ([]metadata.Record, Result) {
	if res := m.checkResource(r.Resource); !res.OK() {
		return nil, res
	}
	old := m.View().Config(r.Resource)
	set := map[string]string{}
	if !replaceAll {
		maps.Copy(set, old)
	}
	var keys []string // set by this change, sorted below
	seen := map[string]bool{}
	for _, op := range r.Ops {
		if seen[op.Key] {
			return nil, fail(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		seen[op.Key] = true
	}
	for _, op := range r.Ops {
		if res := m.alterKey(r.Resource.Type, set, op); !res.OK() {
			return nil, res
		}
		if _, ok := set[op.Key]; ok {
			keys = append(keys, op.Key)
		}
	}
	slices.Sort(keys)
	if res := m.checkMinISR(r.Resource, seen[keyMinISR]); !res.OK() {
		return nil, res
	}
	if res := m.validate(r.Resource, set, keys); !res.OK() {
		return nil, res
	}
	return m.configRecords(r.Resource, old, set), Result{}
}

// alterKey makes one change in set.
func (m *Machine) alterKey(t metadata.ResourceType, set map[string]string, op ConfigOp) Result {
	const set_, delete_, append_, subtract = 0, 1, 2, 3
	if op.Value == nil && op.Op != delete_ {
		return fail(kerr.InvalidRequest, "Null value not supported for : %s", op.Key)
	}
	switch op.Op {
	case set_:
		set[op.Key] = *op.Value
	case delete_:
		delete(set, op.Key)
	case append_, subtract:
		name := map[int8]string{append_: "APPEND", subtract: "SUBTRACT"}[op.Op]
		if !m.cfg.Configs.List(t, op.Key) {
			return fail(kerr.InvalidConfig, "Can't %s to key %s because its type is not LIST.", name, op.Key)
		}
		parts := m.parts(t, set, op.Key)
		for _, part := range strings.Split(*op.Value, ",") {
			at := slices.Index(parts, part)
			switch {
			case op.Op == append_ && at < 0:
				parts = append(parts, part)
			case op.Op == subtract && at >= 0:
				parts = slices.Delete(parts, at, at+1)
			}
		}
		set[op.Key] = strings.Join(parts, ",")
	default:
		return fail(kerr.UnknownServerError, "Unsupported operation %d on key %s", op.Op, op.Key)
	}
	return Result{}
}

// parts is the elements of a list as it is now, or as its default is.
func (m *Machine) parts(t metadata.ResourceType, set map[string]string, key string) []string {
	value, ok := set[key]
	if !ok {
		value = m.cfg.Configs.Default(t, key)
	}
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}

// checkResource tells whether there is something to configure by that name.
func (m *Machine) checkResource(r metadata.Resource) Result {
	switch r.Type {
	case metadata.TopicResource:
		if err := CheckTopicName(r.Name); err != nil {
			return fail(kerr.InvalidTopicException, "%v", err)
		}
		if m.View().Topic(r.Name) == nil {
			return fail(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", r.Name)
		}
	case metadata.BrokerResource:
		if r.Name == "" {
			return Result{} // the cluster-wide default
		}
		id, err := strconv.ParseInt(r.Name, 10, 32)
		if err != nil || id < 0 {
			return fail(kerr.InvalidRequest, "Unable to parse broker name as a base 10 number.")
		}
		if m.View().Broker(int32(id)) == nil {
			return fail(kerr.BrokerIDNotRegistered, "No broker with id %d found.", id)
		}
	case metadata.GroupResource:
		if r.Name == "" {
			return fail(kerr.InvalidRequest, "Default group resources are not allowed.")
		}
	case metadata.ClientMetricsResource:
		if r.Name == "" {
			return fail(kerr.InvalidRequest, "Subscription name can't be empty")
		}
	default:
		return fail(kerr.InvalidRequest, "Unexpected resource type %d.", r.Type)
	}
	return Result{}
}

// checkMinISR refuses a broker's own min.insync.replicas: with ELR the whole cluster must agree on it (KIP-966).
func (m *Machine) checkMinISR(r metadata.Resource, touched bool) Result {
	if touched && r.Type == metadata.BrokerResource && r.Name != "" && m.elr() {
		return fail(kerr.InvalidConfig, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
	}
	return Result{}
}

// validate checks the keys that are set anew, and the whole set.
func (m *Machine) validate(r metadata.Resource, set map[string]string, keys []string) Result {
	code := kerr.InvalidConfig
	if r.Type == metadata.ClientMetricsResource {
		code = kerr.InvalidRequest // as Kafka, for errors of these keys only
	}
	for _, key := range keys {
		if err := m.cfg.Configs.Validate(r.Type, r.Name, key, set[key]); err != nil {
			return fail(code, "%v", err)
		}
	}
	if err := m.cfg.Configs.ValidateSet(r.Type, r.Name, set); err != nil {
		return fail(code, "%v", err)
	}
	return Result{}
}

// configRecords is the way from old to set. A broker's keys are written even when they are the same: they may name files
// that are to be read again.
func (m *Machine) configRecords(r metadata.Resource, old, set map[string]string) []metadata.Record {
	var records []metadata.Record
	write := func(key string, value *string) {
		records = append(records, &metadata.ConfigRecord{ResourceType: r.Type, ResourceName: r.Name, Name: key, Value: value})
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, ok := set[key]; !ok {
			write(key, nil)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if was, ok := old[key]; !ok || was != set[key] || r.Type == metadata.BrokerResource {
			write(key, new(set[key]))
		}
	}
	was, wasSet := old[keyMinISR]
	is, isSet := set[keyMinISR]
	if (was != is || wasSet != isSet) && m.elr() {
		// Who was eligible was eligible under the old minimum.
		switch {
		case r.Type == metadata.TopicResource:
			records = append(records, m.clearELR(r.Name, []*metadata.Topic{m.View().Topic(r.Name)})...)
		case r.Type == metadata.BrokerResource && r.Name == "":
			records = append(records, m.clearELR("", m.View().Topics())...)
		}
	}
	return records
}

// topicConfig is a topic's value of a key: its own, or the cluster-wide default, or none.
func (m *Machine) topicConfig(topic, key string) (string, bool) {
	if v, ok := m.View().Config(metadata.Resource{Type: metadata.TopicResource, Name: topic})[key]; ok {
		return v, true
	}
	v, ok := m.View().Config(metadata.Resource{Type: metadata.BrokerResource})[key]
	return v, ok
}

// minISR is how many replicas of a partition must be in sync; never more than it has (as Kafka).
func (m *Machine) minISR(topic string, replicas int) int {
	n := m.cfg.MinISR
	if n == 0 {
		if n = 1; replicas >= 3 {
			n = 2
		}
	}
	if v, ok := m.topicConfig(topic, keyMinISR); ok {
		if set, err := strconv.Atoi(v); err == nil {
			n = set
		}
	}
	return min(n, replicas)
}

func (m *Machine) elr() bool { return m.View().Feature(FeatureELR) > 0 }

func (m *Machine) uncleanElection(topic string) bool {
	if v, ok := m.topicConfig(topic, keyUnclean); ok {
		return v == "true"
	}
	return m.cfg.UncleanElection
}

func (m *Machine) flushOS(topic string) bool {
	if v, ok := m.topicConfig(topic, keyFlush); ok {
		return v == "os"
	}
	return m.cfg.FlushOS
}
