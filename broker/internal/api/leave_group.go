package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// LeaveGroup (key 13), versions 0-5.
//
//	v3  many members, also by instance id (KIP-345)    v4  flexible    v5  reason (KIP-800)
func (s *Server) leaveGroup(x *network.Exchange, req *kmsg.LeaveGroupRequest) {
	s.askGroupAs(x, leaveGroupGroup, req.Group, group.LeaveGroup{LeaveGroupRequest: req}, func(reply any, code int16) {
		if code != 0 {
			resp := req.ResponseKind().(*kmsg.LeaveGroupResponse)
			resp.ErrorCode = code
			reply = resp
		}
		x.Respond(reply.(kmsg.Response))
	})
}
