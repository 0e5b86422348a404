package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// OffsetDelete (key 47), version 0. KIP-496.
//
// Offsets of a group without members, or of topics that its consumers do not subscribe to.
func (s *Server) offsetDelete(x *network.Exchange, req *kmsg.OffsetDeleteRequest) {
	resp := req.ResponseKind().(*kmsg.OffsetDeleteResponse)
	image := s.Cluster.Image()
	ev := group.OffsetDelete{Group: req.Group}
	var forbidden []kmsg.OffsetDeleteResponseTopic
	for _, t := range req.Topics {
		if !s.may(x, offsetDeleteTopic, t.Topic) {
			forbidden = append(forbidden, forbiddenDelete(t))
			continue
		}
		list := group.TopicList{Topic: t.Topic}
		for _, p := range t.Partitions {
			list.Partitions = append(list.Partitions, p.Partition)
		}
		ev.Topics = append(ev.Topics, list)
	}
	if len(ev.Topics) == 0 && len(forbidden) > 0 && s.may(x, offsetDeleteGroup, req.Group) {
		resp.Topics = forbidden
		x.Respond(resp)
		return
	}
	s.askGroupAs(x, offsetDeleteGroup, req.Group, ev, func(reply any, code int16) {
		if code == 0 {
			code = reply.(group.Deleted).Code
		}
		if resp.ErrorCode = code; code != 0 {
			x.Respond(resp)
			return
		}
		resp.Topics = forbidden
		for i, t := range ev.Topics {
			out := kmsg.NewOffsetDeleteResponseTopic()
			out.Topic = t.Topic
			for j, p := range t.Partitions {
				rp := kmsg.NewOffsetDeleteResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p, reply.(group.Deleted).Partitions[i][j]
				if image.Topic(t.Topic).Partition(p) == nil {
					rp.ErrorCode = kerr.UnknownTopicOrPartition.Code
				}
				out.Partitions = append(out.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, out)
		}
		x.Respond(resp)
	})
}

func forbiddenDelete(t kmsg.OffsetDeleteRequestTopic) kmsg.OffsetDeleteResponseTopic {
	out := kmsg.NewOffsetDeleteResponseTopic()
	out.Topic = t.Topic
	for _, p := range t.Partitions {
		rp := kmsg.NewOffsetDeleteResponseTopicPartition()
		rp.Partition, rp.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
		out.Partitions = append(out.Partitions, rp)
	}
	return out
}
