package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// ConsumerGroupDescribe (key 69), versions 0-1 (1: member type, KIP-1099). KIP-848.
//
// A client that may not describe a topic that members have sees no member. Groups of the classic protocol are GROUP_ID_NOT_FOUND here, as these are in DescribeGroups.
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
			if !s.seesAssignments(x, out) {
				out.Members, out.ErrorCode = nil, kerr.TopicAuthorizationFailed.Code
				out.ErrorMessage = kmsg.StringPtr("The group has described topic(s) that the client is not authorized to describe.")
				continue
			}
			if req.IncludeAuthorizedOperations && out.ErrorCode == 0 {
				out.AuthorizedOperations = s.operations(x, security.GroupResource, out.Group)
			}
		}
	}
	s.eachGroup(x, consumerDescribeGroup, req.Groups, event, take, func() { x.Respond(resp) })
}

// seesAssignments tells whether the client may describe every topic that members have or are to have.
func (s *Server) seesAssignments(x *network.Exchange, g *kmsg.ConsumerGroupDescribeResponseGroup) bool {
	if s.authorizer == nil {
		return true
	}
	for _, m := range g.Members {
		for _, a := range [][]kmsg.AssignmentTopicPartition{m.Assignment.TopicPartitions, m.TargetAssignment.TopicPartitions} {
			for _, t := range a {
				if !s.may(x, consumerDescribeTopic, t.Topic) {
					return false
				}
			}
		}
	}
	return true
}
