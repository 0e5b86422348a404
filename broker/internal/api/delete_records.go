package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DeleteRecords (key 21), versions 0-2 (2 flexible). KIP-107.
//
// Moves the log start offset; -1 means the high watermark. Beyond the high watermark is OFFSET_OUT_OF_RANGE, below
// the log start changes nothing. The answer comes when the new start is durable. A topic that is not compacted and not
// deleted from (cleanup.policy=compact) refuses with POLICY_VIOLATION, as Kafka does.
func (s *Server) deleteRecords(x *network.Exchange, req *kmsg.DeleteRecordsRequest) {
	resp := req.ResponseKind().(*kmsg.DeleteRecordsResponse)
	for _, t := range req.Topics {
		out := kmsg.NewDeleteRecordsResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			answer := kmsg.NewDeleteRecordsResponseTopicPartition()
			answer.Partition, answer.LowWatermark = p.Partition, -1
			low, err := int64(-1), s.permit(x, deleteRecordsTopic, t.Topic)
			if err == nil {
				low, err = s.deleteBefore(t.Topic, p.Partition, p.Offset)
			}
			if answer.ErrorCode = s.code(err); err == nil {
				answer.LowWatermark = low
			}
			out.Partitions = append(out.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

func (s *Server) deleteBefore(topic string, index int32, offset int64) (low int64, err error) {
	part := s.Replicas.Partition(topic, index)
	if part == nil {
		return -1, s.absent(s.Cluster.Image().Topic(topic), index)
	}
	if err := part.CheckLeader(-1); err != nil {
		return -1, err
	}
	if cfg := part.Config(); !cfg.Delete && cfg.Compact {
		return -1, kerr.PolicyViolation
	}
	high := part.HighWatermark()
	if offset == -1 {
		offset = high
	}
	if offset < 0 || offset > high {
		return -1, kerr.OffsetOutOfRange
	}
	if err := part.Log().DeleteRecords(offset); err != nil {
		return -1, err
	}
	return part.Log().StartOffset(), nil
}
