package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DeleteAcls (key 31), versions 1-3. KIP-140; v1 pattern types (KIP-290); v2 flexible; v3 user resources (KIP-373).
//
// Removes what the filters find, and names it. A binding that two filters find is named by the first.
func (s *Server) deleteACLs(x *network.Exchange, req *kmsg.DeleteACLsRequest) {
	resp := req.ResponseKind().(*kmsg.DeleteACLsResponse)
	code, message := s.aclsClosed(x, deleteACLsCluster)
	resp.Results = make([]kmsg.DeleteACLsResponseResult, len(req.Filters))
	var ev cluster.DeleteACLs
	var sent []int
	for i, f := range req.Filters {
		resp.Results[i] = kmsg.NewDeleteACLsResponseResult()
		filter := metadata.ACLFilter{
			ResourceType: int8(f.ResourceType), ResourceName: f.ResourceName, PatternType: int8(f.ResourcePatternType),
			Principal: f.Principal, Host: f.Host, Operation: int8(f.Operation), PermissionType: int8(f.PermissionType),
		}
		if code != 0 {
			resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = code, message
		} else if err := checkFilter(filter); err != nil {
			resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = s.code(err), kmsg.StringPtr(explain(err))
		} else {
			sent, ev.Filters = append(sent, i), append(ev.Filters, filter)
		}
	}
	if len(sent) > 0 {
		ctx, cancel := s.within(x, 0)
		defer cancel()
		reply, err := s.Cluster.Submit(ctx, ev)
		for n, i := range sent {
			if resp.Results[i].ErrorCode = s.code(err); err == nil {
				fillDeleted(&resp.Results[i], reply.([]cluster.DeletedACLs)[n])
			}
		}
	}
	x.Respond(resp)
}

func fillDeleted(out *kmsg.DeleteACLsResponseResult, d cluster.DeletedACLs) {
	out.ErrorCode, out.ErrorMessage = d.Code, d.Message
	for _, a := range d.Bindings {
		m := kmsg.NewDeleteACLsResponseResultMatchingACL()
		m.ResourceType, m.ResourceName = kmsg.ACLResourceType(a.ResourceType), a.ResourceName
		m.ResourcePatternType, m.Principal, m.Host = kmsg.ACLResourcePatternType(a.PatternType), a.Principal, a.Host
		m.Operation, m.PermissionType = kmsg.ACLOperation(a.Operation), kmsg.ACLPermissionType(a.PermissionType)
		out.MatchingACLs = append(out.MatchingACLs, m)
	}
}
