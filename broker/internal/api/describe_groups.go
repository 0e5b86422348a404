package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// DescribeGroups (key 15), versions 0-6.
//
//	v3  authorized operations (KIP-430)    v4  instance ids (KIP-345)    v5  flexible
//	v6  GROUP_ID_NOT_FOUND with a message instead of state Dead alone (KIP-1043)
//
// Groups of the classic protocol. Metadata and assignments show once the group is Stable.
func (s *Server) describeGroups(x *network.Exchange, req *kmsg.DescribeGroupsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
	resp.Groups = make([]kmsg.DescribeGroupsResponseGroup, len(req.Groups))
	event := func(ids []string) group.Event { return group.DescribeGroups{Groups: ids, Version: req.Version} }
	take := func(indexes []int, reply any, code int16) {
		for n, at := range indexes {
			out := &resp.Groups[at]
			if *out = kmsg.NewDescribeGroupsResponseGroup(); code != 0 {
				out.Group, out.ErrorCode = req.Groups[at], code
				continue
			}
			*out = reply.([]kmsg.DescribeGroupsResponseGroup)[n]
			if req.IncludeAuthorizedOperations && out.ErrorCode == 0 && out.State != "Dead" {
				out.AuthorizedOperations = s.operations(x, security.GroupResource, out.Group)
			}
		}
	}
	s.eachGroup(x, describeGroupsGroup, req.Groups, event, take, func() { x.Respond(resp) })
}
