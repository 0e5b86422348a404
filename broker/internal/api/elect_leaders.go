package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ElectLeaders (key 43), versions 0-2. KIP-183; v1 unclean elections and a top-level error (KIP-460); v2 flexible.
//
// Elects the preferred leader (0), or one that is not in sync where there is no other (1). Null topics ask for every
// partition; those that need no election are left out then.
func (s *Server) electLeaders(x *network.Exchange, req *kmsg.ElectLeadersRequest) {
	resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
	ev := cluster.ElectLeaders{Type: req.ElectionType}
	if req.Version == 0 {
		ev.Type = 0
	}
	if req.Topics != nil {
		ev.Partitions = []cluster.ElectPartition{}
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			ev.Partitions = append(ev.Partitions, cluster.ElectPartition{Topic: t.Topic, Index: p})
		}
	}
	err := s.permitCluster(x, electLeadersCluster)
	if err == nil && ev.Type != 0 && ev.Type != 1 {
		err = say(kerr.InvalidRequest, "Unknown election type %d", ev.Type)
	}
	var elected []cluster.ElectedLeader
	if err == nil {
		ctx, cancel := s.within(x, req.TimeoutMillis)
		defer cancel()
		var reply cluster.Reply
		if reply, err = s.Cluster.Submit(ctx, ev); err == nil {
			elected = reply.([]cluster.ElectedLeader)
		}
	}
	if err != nil {
		resp.ErrorCode = s.code(err)
		for _, p := range ev.Partitions {
			elected = append(elected, cluster.ElectedLeader{ElectPartition: p, Result: cluster.Result{Code: resp.ErrorCode, Message: kmsg.StringPtr(explain(err))}})
		}
	}
	at := map[string]int{}
	for _, e := range elected {
		i, seen := at[e.Topic]
		if !seen {
			i = len(resp.Topics)
			at[e.Topic] = i
			t := kmsg.NewElectLeadersResponseTopic()
			t.Topic = e.Topic
			resp.Topics = append(resp.Topics, t)
		}
		p := kmsg.NewElectLeadersResponseTopicPartition()
		p.Partition, p.ErrorCode, p.ErrorMessage = e.Index, e.Code, e.Message
		resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, p)
	}
	x.Respond(resp)
}
