package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// OffsetForLeaderEpoch (key 23), versions 2-4.
//
//	v2  current leader epoch (KIP-320)    v3  replica id    v4  flexible
//
// Answers where the asked epoch ends, or the largest epoch below it; -1 and -1 when nothing is known (KIP-101, 279).
// A consumer sees ends up to the high watermark only.
func (s *Server) offsetForLeaderEpoch(x *network.Exchange, req *kmsg.OffsetForLeaderEpochRequest) {
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	replica := s.sees(x, epochReplica, security.ClusterName) // a replica may ask about every topic
	for _, t := range req.Topics {
		out := kmsg.NewOffsetForLeaderEpochResponseTopic()
		out.Topic = t.Topic
		denied := error(nil)
		if !replica {
			denied = s.permit(x, epochTopic, t.Topic)
		}
		for _, p := range t.Partitions {
			answer := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			answer.Partition, answer.LeaderEpoch, answer.EndOffset = p.Partition, -1, -1
			err := denied
			if err == nil {
				err = s.epochEnd(t.Topic, p, req.ReplicaID, &answer)
			}
			answer.ErrorCode = s.code(err)
			out.Partitions = append(out.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

func (s *Server) epochEnd(topic string, p kmsg.OffsetForLeaderEpochRequestTopicPartition, replicaID int32, out *kmsg.OffsetForLeaderEpochResponseTopicPartition) error {
	part := s.Replicas.Partition(topic, p.Partition)
	if part == nil {
		return s.absent(s.Cluster.Image().Topic(topic), p.Partition)
	}
	if err := part.CheckLeader(p.CurrentLeaderEpoch); err != nil {
		return err
	}
	out.LeaderEpoch, out.EndOffset = part.Log().EndOffsetForEpoch(p.LeaderEpoch)
	if replicaID < 0 {
		out.EndOffset = min(out.EndOffset, part.HighWatermark())
	}
	return nil
}

// epochAt is the leader epoch of the record at an offset, as far as the log knows; -1 when it does not.
func epochAt(log *commitlog.Log, offset int64) int32 {
	best := int32(-1)
	for e := log.LatestEpoch(); e >= 0; {
		at, end := log.EndOffsetForEpoch(e)
		if at < 0 || end <= offset && best >= 0 {
			break
		}
		best = at
		if end <= offset {
			break
		}
		e = at - 1
	}
	return best
}
