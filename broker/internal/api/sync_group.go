package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// SyncGroup (key 14), versions 0-5.
//
//	v3  instance id (KIP-345)    v4  flexible    v5  protocol type and name (KIP-559)
//
// Followers wait until the leader has brought the assignment and it is durable. Repeating a SyncGroup is fine.
func (s *Server) syncGroup(x *network.Exchange, req *kmsg.SyncGroupRequest) {
	s.askGroupAs(x, syncGroupGroup, req.Group, group.SyncGroup{SyncGroupRequest: req}, func(reply any, code int16) {
		if code != 0 {
			resp := req.ResponseKind().(*kmsg.SyncGroupResponse)
			resp.ErrorCode, resp.MemberAssignment = code, []byte{}
			reply = resp
		}
		x.Respond(reply.(kmsg.Response))
	})
}
