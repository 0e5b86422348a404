package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// ListGroups (key 16), versions 0-5.
//
//	v3  flexible    v4  states, and a filter by them (KIP-518)    v5  types, and a filter by them (KIP-848)
//
// The groups whose coordinator this broker is. While one of its coordinators loads the list is not whole, and the answer
// COORDINATOR_LOAD_IN_PROGRESS. A client sees the groups that it may describe.
func (s *Server) listGroups(x *network.Exchange, req *kmsg.ListGroupsRequest) {
	resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
	ev := group.ListGroups{States: req.StatesFilter, Types: req.TypesFilter}
	every := s.sees(x, listGroupsCluster, security.ClusterName)
	g := newGather(func() { x.Respond(resp) })
	for _, p := range s.Groups.Shards() {
		g.add()
		s.Groups.Submit(p, ev, func(reply any, err error) {
			g.mu.Lock()
			switch code := s.code(err); code {
			case 0:
				for _, found := range reply.([]kmsg.ListGroupsResponseGroup) {
					if every || s.sees(x, listGroupsGroup, found.Group) {
						resp.Groups = append(resp.Groups, found)
					}
				}
			case kerr.NotCoordinator.Code: // it has just moved away
			default:
				resp.ErrorCode = code
			}
			g.mu.Unlock()
			g.done()
		})
	}
	g.done()
}
