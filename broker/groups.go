package broker

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// offsetsTopic is where groups and committed offsets are.
const offsetsTopic = "__consumer_offsets"

// groupRuntime hosts the group coordinators of this broker.
type groupRuntime = runtime.Runtime[group.Event, group.Record]

func (b *Broker) newGroups(replicas *replica.Replicas, layers func() *config.Broker) *groupRuntime {
	cfg := b.groupConfig(layers)
	return runtime.New(runtime.Config[group.Event, group.Record]{
		Topic: offsetsTopic, Codec: record.Codec(b.static.Int("offsets.topic.compression.codec")), Now: b.cfg.Now, Logger: b.logger,
		Machine: func(int32) coordinator.Machine[group.Event, group.Record] { return group.New(cfg) },
		Partition: func(index int32) runtime.Partition {
			if p := replicas.Partition(offsetsTopic, index); p != nil {
				return p
			}
			return nil
		},
	})
}

// groupConfig is the configuration as the core of groups wants it.
func (b *Broker) groupConfig(layers func() *config.Broker) group.Config {
	s := b.static
	return group.Config{
		InitialRebalanceDelay: s.Milliseconds("group.initial.rebalance.delay.ms"),
		MinSessionTimeout:     s.Milliseconds("group.min.session.timeout.ms"), MaxSessionTimeout: s.Milliseconds("group.max.session.timeout.ms"),
		MaxSize: int(s.Int("group.max.size")), MaxConsumers: int(s.Int("group.consumer.max.size")), Assignors: s.Strings("group.consumer.assignors"),
		Migration: group.ParseMigration(s.String("group.consumer.migration.policy")),
		Settings: func(set map[string]string) group.Settings {
			g := layers().Group(set)
			return group.Settings{SessionTimeout: g.SessionTimeout, HeartbeatInterval: g.HeartbeatInterval, AssignmentInterval: g.AssignmentInterval}
		},
		Retention: time.Duration(s.Int("offsets.retention.minutes")) * time.Minute, RetentionCheck: s.Milliseconds("offsets.retention.check.interval.ms"),
		MaxMetadataBytes: int(s.Int("offset.metadata.max.bytes")), MaxBatchBytes: layers().Topic(nil, 1).MaxMessageBytes,
		NewID: func() string { return memberID() },
	}
}

// coordinators is what hosts the coordinators of an internal topic.
type coordinators interface {
	Lead(partition, epoch int32)
	Resign(partition int32)
	Shards() []int32
}

// leadPartitions tells coordinators which partitions of their topic this broker leads. The topic may be nil.
func leadPartitions(self int32, t *metadata.Topic, to coordinators) {
	for _, p := range to.Shards() {
		if m := t.Partition(p); m == nil || m.Leader != self {
			to.Resign(p)
		}
	}
	if t == nil {
		return
	}
	for i, p := range t.Partitions {
		if p.Leader == self {
			to.Lead(int32(i), p.LeaderEpoch)
		}
	}
}

// memberID is a uuid as Java writes one.
func memberID() string {
	id := randomUUID()
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
