package api

import (
	"strconv"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
)

// Names of the topics that belong to the broker.
const (
	offsetsTopic     = "__consumer_offsets"
	transactionTopic = "__transaction_state"
)

func isInternal(name string) bool { return name == offsetsTopic || name == transactionTopic }

// internalTopic is what an internal topic looks like when it is made.
func (s *Server) internalTopic(name string) (cluster.NewTopic, bool) {
	number := func(key string) int64 { return s.Static.Int(key) }
	set := func(key string, value string) cluster.ConfigOp { return cluster.ConfigOp{Key: key, Value: &value} }
	brokers := int64(0)
	for _, b := range s.Cluster.Image().Brokers() {
		if !b.Fenced {
			brokers++
		}
	}
	switch name {
	case offsetsTopic:
		return cluster.NewTopic{
			Name: name, Partitions: int32(number("offsets.topic.num.partitions")),
			ReplicationFactor: int16(min(number("offsets.topic.replication.factor"), brokers)),
			Configs: []cluster.ConfigOp{
				set("cleanup.policy", "compact"), set("compression.type", "producer"),
				set("segment.bytes", strconv.FormatInt(number("offsets.topic.segment.bytes"), 10)),
			},
		}, true
	case transactionTopic:
		return cluster.NewTopic{
			Name: name, Partitions: int32(number("transaction.state.log.num.partitions")),
			ReplicationFactor: int16(min(number("transaction.state.log.replication.factor"), brokers)),
			Configs: []cluster.ConfigOp{
				set("cleanup.policy", "compact"), set("compression.type", "uncompressed"),
				set("segment.bytes", strconv.FormatInt(number("transaction.state.log.segment.bytes"), 10)),
				set("min.insync.replicas", strconv.FormatInt(min(number("transaction.state.log.min.isr"), brokers), 10)),
				set("unclean.leader.election.enable", "false"),
			},
		}, true
	}
	return cluster.NewTopic{}, false
}
