package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ConsumerGroupHeartbeat (key 68), versions 0-1. KIP-848.
//
//	v1  regular expression, and the client makes the member id (KIP-1082)
//
// Everything that a member of the consumer protocol does: it joins with epoch 0, tells what it has, gets what it is
// assigned, and leaves with epoch -1 (or -2 for a while). An expression is resolved after the answer to the heartbeat that
// brings it, and may match the broker's own topics. Unlike in Kafka a member that joins again under its id while it is
// still a member gets its place anew instead of being fenced until its session ends. Topics that an expression finds are
// assigned by id whether or not the client may read them; what it may not read it is refused when it fetches.
func (s *Server) consumerGroupHeartbeat(x *network.Exchange, req *kmsg.ConsumerGroupHeartbeatRequest) {
	for _, topic := range req.SubscribedTopicNames {
		if !s.sees(x, consumerHeartbeatGroup, req.Group) {
			break // refused below
		}
		if !s.may(x, consumerHeartbeatTopic, topic) {
			resp := req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
			resp.ErrorCode = kerr.TopicAuthorizationFailed.Code
			x.Respond(resp)
			return
		}
	}
	s.askGroupAs(x, consumerHeartbeatGroup, req.Group, group.ConsumerGroupHeartbeat{ConsumerGroupHeartbeatRequest: req, Client: groupClient(x)}, func(reply any, code int16) {
		if code != 0 {
			resp := req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
			resp.ErrorCode = code
			reply = resp
		}
		x.Respond(reply.(kmsg.Response))
	})
}
