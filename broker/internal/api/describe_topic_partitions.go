package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// DescribeTopicPartitions (key 75), version 0. KIP-966.
//
// Topics come by name, partitions by number, at most ResponsePartitionLimit and max.request.partition.size.limit of
// them; the cursor of an answer is where the next request goes on. No topics ask for all.
func (s *Server) describeTopicPartitions(x *network.Exchange, req *kmsg.DescribeTopicPartitionsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	image := s.Cluster.Image()
	left := int(min(max(int64(req.ResponsePartitionLimit), 1), s.Static.Int("max.request.partition.size.limit")))
	names, first := pageOf(image, req)
	for _, name := range names {
		if all := len(req.Topics) == 0; all && !s.sees(x, describePartitionsTopic, name) {
			continue
		} else if !all && !s.may(x, describePartitionsTopic, name) {
			resp.Topics = append(resp.Topics, forbiddenTopicPartitions(name))
			continue
		}
		t := image.Topic(name)
		if t == nil {
			resp.Topics = append(resp.Topics, s.unknownTopicPartitions(x, name))
			continue
		}
		from := 0
		if c := req.Cursor; c != nil && name == first {
			from = min(max(int(c.Partition), 0), len(t.Partitions))
		}
		to := min(len(t.Partitions), from+left)
		if from == to && from < len(t.Partitions) || left == 0 {
			resp.NextCursor = cursor(name, from)
			break
		}
		resp.Topics = append(resp.Topics, s.topicPartitions(x, image, t, from, to))
		left -= to - from
		if to < len(t.Partitions) {
			resp.NextCursor = cursor(name, to)
			break
		}
	}
	x.Respond(resp)
}

// pageOf lists the topics of a request from its cursor on, by name, and the name that the cursor stands at.
func pageOf(image *metadata.Image, req *kmsg.DescribeTopicPartitionsRequest) (names []string, first string) {
	if len(req.Topics) == 0 {
		for _, t := range image.Topics() {
			names = append(names, t.Name)
		}
	}
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if req.Cursor != nil {
		first = req.Cursor.Topic
		names = slices.DeleteFunc(names, func(n string) bool { return n < first })
	}
	return names, first
}

func cursor(topic string, partition int) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	c := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	c.Topic, c.Partition = topic, int32(partition)
	return &c
}

func forbiddenTopicPartitions(name string) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.ErrorCode = kmsg.StringPtr(name), kerr.TopicAuthorizationFailed.Code
	return out
}

func (s *Server) unknownTopicPartitions(x *network.Exchange, name string) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.ErrorCode = kmsg.StringPtr(name), kerr.UnknownTopicOrPartition.Code
	if cluster.CheckTopicName(name) != nil {
		out.ErrorCode = kerr.InvalidTopicException.Code
	}
	out.IsInternal, out.AuthorizedOperations = isInternal(name), s.operations(x, security.TopicResource, name)
	return out
}

func (s *Server) topicPartitions(x *network.Exchange, image *metadata.Image, t *metadata.Topic, from, to int) kmsg.DescribeTopicPartitionsResponseTopic {
	out := kmsg.NewDescribeTopicPartitionsResponseTopic()
	out.Topic, out.TopicID, out.IsInternal, out.AuthorizedOperations = kmsg.StringPtr(t.Name), t.ID, isInternal(t.Name), s.operations(x, security.TopicResource, t.Name)
	for i := from; i < to; i++ {
		p := t.Partitions[i]
		d := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		d.Partition, d.LeaderID, d.LeaderEpoch = int32(i), p.Leader, p.LeaderEpoch
		d.Replicas, d.ISR, d.OfflineReplicas = p.Replicas, p.ISR, offline(image, p.Replicas)
		d.EligibleLeaderReplicas, d.LastKnownELR = orEmpty(p.ELR), orEmpty(p.LastKnownELR)
		if p.Leader < 0 {
			d.ErrorCode = kerr.LeaderNotAvailable.Code
		}
		out.Partitions = append(out.Partitions, d)
	}
	return out
}

func orEmpty(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
