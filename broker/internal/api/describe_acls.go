package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeAcls (key 29), versions 1-3. KIP-140; v1 pattern types (KIP-290); v2 flexible; v3 user resources (KIP-373).
//
// A filter finds bindings; null and ANY are everything, MATCH is what would decide about a resource of that name. Without
// an authorizer the answer is SECURITY_DISABLED.
func (s *Server) describeACLs(x *network.Exchange, req *kmsg.DescribeACLsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
	if code, message := s.aclsClosed(x, describeACLsCluster); code != 0 {
		resp.ErrorCode, resp.ErrorMessage = code, message
		x.Respond(resp)
		return
	}
	filter := metadata.ACLFilter{
		ResourceType: int8(req.ResourceType), ResourceName: req.ResourceName, PatternType: int8(req.ResourcePatternType),
		Principal: req.Principal, Host: req.Host, Operation: int8(req.Operation), PermissionType: int8(req.PermissionType),
	}
	if err := checkFilter(filter); err != nil {
		resp.ErrorCode, resp.ErrorMessage = s.code(err), kmsg.StringPtr(explain(err))
		x.Respond(resp)
		return
	}
	at := map[aclResource]int{}
	for _, a := range s.Cluster.Image().ACLs() {
		if !filter.Match(a) {
			continue
		}
		key := aclResource{a.ResourceType, a.PatternType, a.ResourceName}
		i, seen := at[key]
		if !seen {
			i = len(resp.Resources)
			at[key] = i
			r := kmsg.NewDescribeACLsResponseResource()
			r.ResourceType, r.ResourceName = kmsg.ACLResourceType(a.ResourceType), a.ResourceName
			r.ResourcePatternType = kmsg.ACLResourcePatternType(a.PatternType)
			resp.Resources = append(resp.Resources, r)
		}
		b := kmsg.NewDescribeACLsResponseResourceACL()
		b.Principal, b.Host, b.Operation = a.Principal, a.Host, kmsg.ACLOperation(a.Operation)
		b.PermissionType = kmsg.ACLPermissionType(a.PermissionType)
		resp.Resources[i].ACLs = append(resp.Resources[i].ACLs, b)
	}
	x.Respond(resp)
}

// aclResource is what bindings are grouped by.
type aclResource struct {
	kind, pattern int8
	name          string
}
