package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// JoinGroup (key 11), versions 0-9.
//
//	v1  rebalance timeout           v4  the member id is handed out first (KIP-394)    v5  instance id (KIP-345)
//	v6  flexible                    v7  protocol type in the answer (KIP-559)
//	v8  reason (KIP-800)            v9  a leader may skip the assignment (KIP-814)
//
// The answer comes when the rebalance is complete, or at once for a group of KIP-848 that the member joins with the
// classic protocol. Unlike Kafka, metadata of type "consumer" that is no subscription never keeps a join waiting: it is
// not looked at, and protocols that are named twice are allowed.
func (s *Server) joinGroup(x *network.Exchange, req *kmsg.JoinGroupRequest) {
	s.askGroupAs(x, joinGroupGroup, req.Group, group.JoinGroup{JoinGroupRequest: req, Client: groupClient(x)}, func(reply any, code int16) {
		if code != 0 {
			resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
			resp.ErrorCode, resp.MemberID = code, req.MemberID
			reply = resp
		}
		x.Respond(reply.(kmsg.Response))
	})
}
