package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ListGroups (key 16), versions 0-5.
//
//	v3  flexible    v4  states, and a filter by them (KIP-518)    v5  types, and a filter by them (KIP-848)
//
// The groups whose coordinator this broker is. While one of its coordinators loads the list is not whole, and the answer
// COORDINATOR_LOAD_IN_PROGRESS.
func (s *Server) listGroups(x *network.Exchange, req *kmsg.ListGroupsRequest) {
	resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
	ev := group.ListGroups{States: req.StatesFilter, Types: req.TypesFilter}
	g := newGather(func() { x.Respond(resp) })
	for _, p := range s.Groups.Shards() {
		g.add()
		s.Groups.Submit(p, ev, func(reply any, err error) {
			g.mu.Lock()
			switch code := s.code(err); code {
			case 0:
				resp.Groups = append(resp.Groups, reply.([]kmsg.ListGroupsResponseGroup)...)
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
