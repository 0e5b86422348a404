package api

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// metadataTopic is the name of the metadata log.
const metadataTopic = "__cluster_metadata"

// DescribeQuorum (key 55), versions 0-2. KIP-595; v1 times of the last fetch (KIP-836); v2 directory ids, nodes and
// messages (KIP-853). Only partition 0 of __cluster_metadata has a quorum.
func (s *Server) describeQuorum(x *network.Exchange, req *kmsg.DescribeQuorumRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
	if !s.mayCluster(x, describeQuorumCluster) {
		resp.ErrorCode, resp.ErrorMessage = describeQuorumCluster.refused()
		x.Respond(resp)
		return
	}
	status := s.Cluster.Status()
	for _, t := range req.Topics {
		out := kmsg.NewDescribeQuorumResponseTopic()
		out.Topic = t.Topic
		for _, p := range t.Partitions {
			d := kmsg.NewDescribeQuorumResponseTopicPartition()
			d.Partition = p.Partition
			if t.Topic != metadataTopic || p.Partition != 0 {
				d.ErrorCode = kerr.UnknownTopicOrPartition.Code
				d.ErrorMessage = kmsg.StringPtr("This server does not host this topic-partition.")
				d.LeaderID, d.LeaderEpoch, d.HighWatermark = 0, 0, 0
			} else {
				fillQuorum(&d, status)
				resp.Nodes = quorumNodes(status)
			}
			out.Partitions = append(out.Partitions, d)
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

func quorumNodes(status controller.Status) (nodes []kmsg.DescribeQuorumResponseNode) {
	for _, v := range status.Voters {
		n := kmsg.NewDescribeQuorumResponseNode()
		n.NodeID = v.ID
		nodes = append(nodes, n)
	}
	return nodes
}

func fillQuorum(d *kmsg.DescribeQuorumResponseTopicPartition, status controller.Status) {
	d.LeaderID, d.LeaderEpoch, d.HighWatermark = status.LeaderID, status.LeaderEpoch, status.HighWatermark
	for _, v := range status.Voters {
		r := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		r.ReplicaID, r.LogEndOffset = v.ID, v.LogEndOffset
		r.LastFetchTimestamp, r.LastCaughtUpTimestamp = millis(v.LastFetch), millis(v.LastCaughtUp)
		d.CurrentVoters = append(d.CurrentVoters, r)
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}
