package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DeleteGroups (key 42), versions 0-2 (2 flexible). KIP-229.
//
// Groups of any protocol without members, and their offsets. A group with more offsets than fit into a batch goes in
// several steps; between them the answer is COORDINATOR_LOAD_IN_PROGRESS, which clients repeat.
func (s *Server) deleteGroups(x *network.Exchange, req *kmsg.DeleteGroupsRequest) {
	resp := req.ResponseKind().(*kmsg.DeleteGroupsResponse)
	resp.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(req.Groups))
	event := func(ids []string) group.Event { return group.DeleteGroups{Groups: ids, Version: req.Version} }
	take := func(indexes []int, reply any, code int16) {
		for n, at := range indexes {
			out := &resp.Groups[at]
			if *out = kmsg.NewDeleteGroupsResponseGroup(); code != 0 {
				out.Group, out.ErrorCode = req.Groups[at], code
				continue
			}
			*out = reply.([]kmsg.DeleteGroupsResponseGroup)[n]
		}
	}
	s.eachGroup(x, deleteGroupsGroup, req.Groups, event, take, func() { x.Respond(resp) })
}
