package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// AlterPartitionReassignments (key 45), versions 0-1. KIP-455; v1 leave to change the replication factor (KIP-860).
//
// Moves partitions to other replicas; null replicas cancel a move. The answer comes when the moves are decided, not when
// they are complete.
func (s *Server) alterPartitionReassignments(x *network.Exchange, req *kmsg.AlterPartitionAssignmentsRequest) {
	resp := req.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	resp.AllowReplicationFactorChange = req.AllowReplicationFactorChange
	if !s.mayCluster(x, alterReassignmentsCluster) {
		resp.ErrorCode, resp.ErrorMessage = alterReassignmentsCluster.refused()
		x.Respond(resp)
		return
	}
	ev := cluster.AlterReassignments{KeepReplicationFactor: req.Version >= 1 && !req.AllowReplicationFactorChange}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			ev.Partitions = append(ev.Partitions, cluster.Reassign{Topic: t.Topic, Index: p.Partition, Replicas: p.Replicas})
		}
	}
	ctx, cancel := s.within(x, req.TimeoutMillis)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	if err != nil {
		resp.ErrorCode = s.code(err)
		x.Respond(resp)
		return
	}
	next := 0
	for _, t := range req.Topics {
		out := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			r := reply.([]cluster.Result)[next]
			next++
			answer := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			answer.Partition, answer.ErrorCode, answer.ErrorMessage = p.Partition, r.Code, r.Message
			out.Partitions = append(out.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}
