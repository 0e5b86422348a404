package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// AlterConfigs (key 33), versions 0-2 (2 flexible). Deprecated by KIP-339, still used by tools.
//
// Replaces everything that is set on a resource: what the request does not name goes back to its default.
func (s *Server) alterConfigs(x *network.Exchange, req *kmsg.AlterConfigsRequest) {
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	var all []cluster.AlterResource
	for _, r := range req.Resources {
		a := cluster.AlterResource{Resource: metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName}}
		for _, c := range r.Configs {
			a.Ops = append(a.Ops, cluster.ConfigOp{Key: c.Name, Value: c.Value})
		}
		all = append(all, a)
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	may := configNeeds{alterConfigsCluster, alterConfigsTopic, alterConfigsGroup}
	for i, result := range s.alter(ctx, x, may, cluster.AlterConfigs{Resources: all, Replace: true, ValidateOnly: req.ValidateOnly}) {
		out := kmsg.NewAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		out.ErrorCode, out.ErrorMessage = result.Code, result.Message
		resp.Resources = append(resp.Resources, out)
	}
	x.Respond(resp)
}

// IncrementalAlterConfigs (key 44), versions 0-1 (1 flexible). KIP-339.
//
// Sets, deletes, appends to and subtracts from single keys; all or nothing for each resource. A resource that comes
// twice is INVALID_REQUEST for both.
func (s *Server) incrementalAlterConfigs(x *network.Exchange, req *kmsg.IncrementalAlterConfigsRequest) {
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	var all []cluster.AlterResource
	for _, r := range req.Resources {
		a := cluster.AlterResource{Resource: metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName}}
		for _, c := range r.Configs {
			a.Ops = append(a.Ops, cluster.ConfigOp{Key: c.Name, Op: int8(c.Op), Value: c.Value})
		}
		all = append(all, a)
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	may := configNeeds{incrementalCluster, incrementalTopic, incrementalGroup}
	for i, result := range s.alter(ctx, x, may, cluster.AlterConfigs{Resources: all, ValidateOnly: req.ValidateOnly}) {
		out := kmsg.NewIncrementalAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = req.Resources[i].ResourceType, req.Resources[i].ResourceName
		out.ErrorCode, out.ErrorMessage = result.Code, result.Message
		resp.Resources = append(resp.Resources, out)
	}
	x.Respond(resp)
}

// configNeeds are the rows of an API by the kind of resource.
type configNeeds struct{ cluster, topic, group need }

func (n configNeeds) permit(s *Server, x *network.Exchange, r metadata.Resource) error {
	switch r.Type {
	case metadata.TopicResource:
		return s.permit(x, n.topic, r.Name)
	case metadata.GroupResource:
		return s.permit(x, n.group, r.Name)
	}
	return s.permitCluster(x, n.cluster)
}

// alter asks the controller and answers a result for each resource.
func (s *Server) alter(ctx context.Context, x *network.Exchange, may configNeeds, ev cluster.AlterConfigs) []cluster.Result {
	results := make([]cluster.Result, len(ev.Resources))
	count := map[metadata.Resource]int{}
	for _, r := range ev.Resources {
		count[r.Resource]++
	}
	var sent []int
	send := cluster.AlterConfigs{Replace: ev.Replace, ValidateOnly: ev.ValidateOnly}
	for i, r := range ev.Resources {
		if count[r.Resource] > 1 {
			results[i] = invalid("Each resource must appear at most once.")
			continue
		}
		if err := may.permit(s, x, r.Resource); err != nil {
			results[i] = cluster.Result{Code: s.code(err), Message: kmsg.StringPtr(explain(err))}
			continue
		}
		sent, send.Resources = append(sent, i), append(send.Resources, r)
	}
	if len(sent) == 0 {
		return results
	}
	reply, err := s.Cluster.Submit(ctx, send)
	for n, i := range sent {
		if err != nil {
			results[i] = cluster.Result{Code: s.code(err)}
			continue
		}
		if results[i] = reply.([]cluster.Result)[n]; results[i].Code != 0 && results[i].Message == nil {
			results[i].Message = kmsg.StringPtr(kerr.TypedErrorForCode(results[i].Code).Description)
		}
	}
	return results
}
