package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// Heartbeat (key 12), versions 0-4.
//
//	v3  instance id (KIP-345)    v4  flexible
//
// REBALANCE_IN_PROGRESS asks the member to join anew. While the coordinator loads a heartbeat is fine, as in Kafka: the
// client has nothing better to do than to send the next one.
func (s *Server) heartbeat(x *network.Exchange, req *kmsg.HeartbeatRequest) {
	s.askGroupAs(x, heartbeatGroup, req.Group, group.Heartbeat{HeartbeatRequest: req}, func(reply any, code int16) {
		if code != 0 {
			resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
			if resp.ErrorCode = code; code == kerr.CoordinatorLoadInProgress.Code {
				resp.ErrorCode = 0
			}
			reply = resp
		}
		x.Respond(reply.(kmsg.Response))
	})
}
