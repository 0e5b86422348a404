package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// CreatePartitions (key 37), versions 0-3 (2 flexible, 3 THROTTLING_QUOTA_EXCEEDED, KIP-599). KIP-195.
//
// Grows topics; partitions never become fewer. A name that comes twice is answered once, INVALID_REQUEST.
func (s *Server) createPartitions(x *network.Exchange, req *kmsg.CreatePartitionsRequest) {
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	ev := cluster.CreatePartitions{ValidateOnly: req.ValidateOnly}
	refused := map[string]error{}
	for _, t := range req.Topics {
		if refused[t.Topic] = s.mayGrow(x, req, t); refused[t.Topic] != nil {
			continue
		}
		g := cluster.GrowTopic{Name: t.Topic, Count: t.Count}
		for _, a := range t.Assignment {
			g.Assignment = append(g.Assignment, a.Replicas)
		}
		ev.Topics = append(ev.Topics, g)
	}
	ctx, cancel := s.within(x, req.TimeoutMillis)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	told := map[string]bool{}
	sent := 0 // topics of the event so far
	for _, t := range req.Topics {
		i := sent
		if refused[t.Topic] == nil {
			sent++
		}
		if told[t.Topic] {
			continue
		}
		told[t.Topic] = true
		out := kmsg.NewCreatePartitionsResponseTopic()
		out.Topic, out.ErrorCode = t.Topic, s.code(err)
		if denied := refused[t.Topic]; denied != nil {
			out.ErrorCode, out.ErrorMessage = s.code(denied), kmsg.StringPtr(explain(denied))
		} else if err == nil {
			r := reply.([]cluster.Result)[i]
			out.ErrorCode, out.ErrorMessage = r.Code, r.Message
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

// mayGrow checks rights and the quota of controller mutations.
func (s *Server) mayGrow(x *network.Exchange, req *kmsg.CreatePartitionsRequest, t kmsg.CreatePartitionsRequestTopic) error {
	if err := s.permit(x, createPartitionsTopic, t.Topic); err != nil {
		return err
	}
	topic := s.Cluster.Image().Topic(t.Topic)
	if topic == nil || req.ValidateOnly || int(t.Count) <= len(topic.Partitions) {
		return nil
	}
	return s.mutate(x, int(t.Count)-len(topic.Partitions), req.Version >= 3)
}
