package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ListPartitionReassignments (key 46), version 0. KIP-455.
//
// The partitions that are being moved: all of them for null topics, else those that are asked for and move. What does not
// exist is left out.
func (s *Server) listPartitionReassignments(x *network.Exchange, req *kmsg.ListPartitionReassignmentsRequest) {
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	if !s.mayCluster(x, listReassignmentsCluster) {
		resp.ErrorCode, resp.ErrorMessage = listReassignmentsCluster.refused()
		x.Respond(resp)
		return
	}
	image := s.Cluster.Image()
	if req.Topics == nil {
		for _, t := range image.Topics() {
			addMoves(resp, t, func(int32) bool { return true })
		}
	}
	for _, asked := range req.Topics {
		if t := image.Topic(asked.Topic); t != nil {
			addMoves(resp, t, func(index int32) bool { return slices.Contains(asked.Partitions, index) })
		}
	}
	x.Respond(resp)
}

func addMoves(resp *kmsg.ListPartitionReassignmentsResponse, t *metadata.Topic, wanted func(int32) bool) {
	out := kmsg.NewListPartitionReassignmentsResponseTopic()
	out.Topic = t.Name
	for i, p := range t.Partitions {
		if len(p.Adding)+len(p.Removing) == 0 || !wanted(int32(i)) {
			continue
		}
		m := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
		m.Partition, m.Replicas, m.AddingReplicas, m.RemovingReplicas = int32(i), p.Replicas, orEmpty(p.Adding), orEmpty(p.Removing)
		out.Partitions = append(out.Partitions, m)
	}
	if len(out.Partitions) > 0 {
		resp.Topics = append(resp.Topics, out)
	}
}
