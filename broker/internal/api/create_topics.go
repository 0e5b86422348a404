package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// CreateTopics (key 19), versions 2-7.
//
//	v4  -1 partitions and replicas mean the defaults (KIP-464)    v5  flexible; the answer has the configs (KIP-525)
//	v6  THROTTLING_QUOTA_EXCEEDED (KIP-599)                       v7  topic ids (KIP-516)
//
// The answer comes when the topics are usable: durable in the metadata log and with their logs open.
func (s *Server) createTopics(x *network.Exchange, req *kmsg.CreateTopicsRequest) {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	ev := cluster.CreateTopics{ValidateOnly: req.ValidateOnly}
	any := s.sees(x, createTopicsCluster, security.ClusterName)
	for _, t := range req.Topics {
		if !any && !s.may(x, createTopicsTopic, t.Topic) {
			failed := failedTopic(t.Topic, kerr.TopicAuthorizationFailed.Code)
			failed.ErrorMessage = kmsg.StringPtr("Authorization failed.")
			resp.Topics = append(resp.Topics, failed)
			continue
		}
		topic, err := newTopicOf(t)
		if err == nil && !req.ValidateOnly && s.Cluster.Image().Topic(t.Topic) == nil {
			err = s.mutate(x, s.partitionsOf(topic), req.Version >= 6)
		}
		if err != nil {
			failed := failedTopic(t.Topic, s.code(err))
			failed.ErrorMessage = kmsg.StringPtr(explain(err))
			resp.Topics = append(resp.Topics, failed)
			continue
		}
		ev.Topics = append(ev.Topics, topic)
	}
	ctx, cancel := s.within(x, req.TimeoutMillis)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	told := map[string]bool{} // a doubled name is answered once
	for i, t := range ev.Topics {
		switch {
		case told[t.Name]:
		case err != nil:
			resp.Topics = append(resp.Topics, failedTopic(t.Name, s.code(err)))
		default:
			resp.Topics = append(resp.Topics, s.createdTopic(x, reply.([]cluster.CreatedTopic)[i], t))
		}
		told[t.Name] = true
	}
	x.Respond(resp)
}

// partitionsOf is how many partitions a new topic will have.
func (s *Server) partitionsOf(t cluster.NewTopic) int {
	switch {
	case len(t.Assignment) > 0:
		return len(t.Assignment)
	case t.Partitions > 0:
		return int(t.Partitions)
	}
	return int(s.Static.Int("num.partitions"))
}

// newTopicOf is a topic as asked; an assignment must name partitions 0, 1, 2 ... once each.
func newTopicOf(t kmsg.CreateTopicsRequestTopic) (cluster.NewTopic, error) {
	out := cluster.NewTopic{Name: t.Topic, Partitions: t.NumPartitions, ReplicationFactor: t.ReplicationFactor, ID: randomID()}
	for _, c := range t.Configs {
		out.Configs = append(out.Configs, cluster.ConfigOp{Key: c.Name, Value: c.Value})
	}
	if len(t.ReplicaAssignment) == 0 {
		return out, nil
	}
	out.Assignment = make([][]int32, len(t.ReplicaAssignment))
	for _, a := range t.ReplicaAssignment {
		if a.Partition < 0 || int(a.Partition) >= len(out.Assignment) {
			return out, say(kerr.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
		if out.Assignment[a.Partition] != nil {
			return out, say(kerr.InvalidReplicaAssignment, "Found multiple manual partition assignments for partition %d", a.Partition)
		}
		out.Assignment[a.Partition] = append([]int32{}, a.Replicas...)
	}
	return out, nil
}

func failedTopic(name string, code int16) kmsg.CreateTopicsResponseTopic {
	t := kmsg.NewCreateTopicsResponseTopic()
	t.Topic, t.ErrorCode = name, code
	return t
}

func (s *Server) createdTopic(x *network.Exchange, c cluster.CreatedTopic, asked cluster.NewTopic) kmsg.CreateTopicsResponseTopic {
	out := failedTopic(c.Name, c.Code)
	out.ErrorMessage = c.Message
	if c.Code != 0 {
		return out
	}
	out.TopicID = c.ID
	if !s.may(x, createTopicsConfigs, c.Name) {
		out.ConfigErrorCode = kerr.TopicAuthorizationFailed.Code
		return out
	}
	out.NumPartitions, out.ReplicationFactor = c.Partitions, c.ReplicationFactor
	set := map[string]string{}
	for _, op := range asked.Configs {
		if op.Value != nil {
			set[op.Key] = *op.Value
		}
	}
	for _, e := range s.Broker().DescribeTopic(set, int(c.ReplicationFactor), nil) {
		k := kmsg.NewCreateTopicsResponseTopicConfig()
		k.Name, k.Value, k.Source, k.ReadOnly, k.IsSensitive = e.Key.Name, e.Value, int8(e.Source), e.ReadOnly, e.Key.Sensitive()
		out.Configs = append(out.Configs, k)
	}
	return out
}
