package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// ConsumerGroupDescribe (key 69), versions 0-1 (1: member type, KIP-1099). KIP-848.
//
// Groups of the classic protocol are GROUP_ID_NOT_FOUND here, as these are in DescribeGroups.
func (s *Server) consumerGroupDescribe(x *network.Exchange, req *kmsg.ConsumerGroupDescribeRequest) {
	resp := req.ResponseKind().(*kmsg.ConsumerGroupDescribeResponse)
	resp.Groups = make([]kmsg.ConsumerGroupDescribeResponseGroup, len(req.Groups))
	event := func(ids []string) group.Event { return group.DescribeConsumerGroups{Groups: ids} }
	take := func(indexes []int, reply any, code int16) {
		for n, at := range indexes {
			out := &resp.Groups[at]
			if *out = kmsg.NewConsumerGroupDescribeResponseGroup(); code != 0 {
				out.Group, out.ErrorCode = req.Groups[at], code
				continue
			}
			*out = reply.([]kmsg.ConsumerGroupDescribeResponseGroup)[n]
			if req.IncludeAuthorizedOperations && out.ErrorCode == 0 {
				out.AuthorizedOperations = s.operations(x, security.GroupResource, out.Group)
			}
		}
	}
	s.eachGroup(req.Groups, event, take, func() { x.Respond(resp) })
}
