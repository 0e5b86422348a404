package api

import (
	"cmp"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// AlterClientQuotas (key 49), versions 0-1 (1 flexible). KIP-546; addresses and connection rates since KIP-612.
//
// Sets and removes values of an entity, all or nothing for each. As in Kafka the last part of a type counts when a type
// comes twice. Quotas are in force on this broker when the answer comes.
func (s *Server) alterClientQuotas(x *network.Exchange, req *kmsg.AlterClientQuotasRequest) {
	resp := req.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	ev := cluster.AlterClientQuotas{ValidateOnly: req.ValidateOnly}
	for _, e := range req.Entries {
		var change cluster.QuotaChange
		for _, part := range lastParts(e.Entity) {
			change.Entity = append(change.Entity, metadata.QuotaEntity{Type: part.Type, Name: part.Name})
		}
		for _, op := range e.Ops {
			change.Ops = append(change.Ops, cluster.QuotaOp{Key: op.Key, Value: op.Value, Remove: op.Remove})
		}
		ev.Entries = append(ev.Entries, change)
	}
	results := make([]cluster.Result, len(ev.Entries))
	if s.mayCluster(x, alterQuotasCluster) {
		ctx, cancel := s.within(x, 0)
		defer cancel()
		reply, err := s.Cluster.Submit(ctx, ev)
		for i := range results {
			if results[i].Code = s.code(err); err == nil {
				results[i] = reply.([]cluster.Result)[i]
			}
		}
	} else {
		code, message := alterQuotasCluster.refused()
		for i := range results {
			results[i] = cluster.Result{Code: code, Message: message}
		}
	}
	for i, r := range results {
		out := kmsg.NewAlterClientQuotasResponseEntry()
		out.ErrorCode, out.ErrorMessage = r.Code, r.Message
		for _, e := range ev.Entries[i].Entity {
			part := kmsg.NewAlterClientQuotasResponseEntryEntity()
			part.Type, part.Name = e.Type, e.Name
			out.Entity = append(out.Entity, part)
		}
		resp.Entries = append(resp.Entries, out)
	}
	x.Respond(resp)
}

// lastParts keeps the last part of each type.
func lastParts(entity []kmsg.AlterClientQuotasRequestEntryEntity) (out []kmsg.AlterClientQuotasRequestEntryEntity) {
	for i, e := range entity {
		if !slices.ContainsFunc(entity[i+1:], func(later kmsg.AlterClientQuotasRequestEntryEntity) bool { return later.Type == e.Type }) {
			out = append(out, e)
		}
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
