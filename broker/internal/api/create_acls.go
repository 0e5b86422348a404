package api

import (
	"net/netip"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// CreateAcls (key 30), versions 1-3. KIP-140; v1 pattern types (KIP-290); v2 flexible; v3 user resources (KIP-373).
//
// Bindings are in force on this broker when the answer comes. One that is there already is a success. A host is an
// address, a network in CIDR notation (KIP-1276), or *.
//
// Differs: fields of no meaning, ANY and UNKNOWN among them, are INVALID_REQUEST, where Kafka answers
// UNKNOWN_SERVER_ERROR; so is a host that could never match, which Kafka keeps.
func (s *Server) createACLs(x *network.Exchange, req *kmsg.CreateACLsRequest) {
	resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
	results := make([]cluster.Result, len(req.Creations))
	code, message := s.aclsClosed(x, createACLsCluster)
	var ev cluster.CreateACLs
	var sent []int
	for i, c := range req.Creations {
		if results[i] = (cluster.Result{Code: code, Message: message}); code != 0 {
			continue
		}
		if err := checkHost(c.Host); err != nil {
			results[i] = cluster.Result{Code: s.code(err), Message: kmsg.StringPtr(explain(err))}
			continue
		}
		sent = append(sent, i)
		ev.Bindings = append(ev.Bindings, metadata.AccessControlEntryRecord{
			ID: randomID(), ResourceType: int8(c.ResourceType), ResourceName: c.ResourceName, PatternType: int8(c.ResourcePatternType),
			Principal: c.Principal, Host: c.Host, Operation: int8(c.Operation), PermissionType: int8(c.PermissionType),
		})
	}
	if len(sent) > 0 {
		ctx, cancel := s.within(x, 0)
		defer cancel()
		reply, err := s.Cluster.Submit(ctx, ev)
		for n, i := range sent {
			if results[i].Code = s.code(err); err == nil {
				results[i] = reply.([]cluster.Result)[n]
			}
		}
	}
	for _, r := range results {
		out := kmsg.NewCreateACLsResponseResult()
		out.ErrorCode, out.ErrorMessage = r.Code, r.Message
		resp.Results = append(resp.Results, out)
	}
	x.Respond(resp)
}

func checkHost(host string) error {
	if host == "*" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if _, err := netip.ParsePrefix(host); err == nil {
		return nil
	}
	return say(kerr.InvalidRequest, "The host %q is neither an address nor a network nor *", host)
}

// aclsClosed answers why ACLs cannot be looked at or changed: there is no authorizer, or the client may not.
func (s *Server) aclsClosed(x *network.Exchange, n need) (code int16, message *string) {
	if s.authorizer == nil {
		return kerr.SecurityDisabled.Code, kmsg.StringPtr("No Authorizer is configured.")
	}
	if !s.mayCluster(x, n) {
		return n.refused()
	}
	return 0, nil
}

// checkFilter refuses numbers that no filter has.
func checkFilter(f metadata.ACLFilter) error {
	between := func(v, lo, hi int8) bool { return v >= lo && v <= hi }
	switch {
	case !between(f.ResourceType, 1, 7), !between(f.PatternType, 1, 4), !between(f.Operation, 1, 15), !between(f.PermissionType, 1, 3):
		return say(kerr.InvalidRequest, "The filter contains unknown elements")
	}
	return nil
}
