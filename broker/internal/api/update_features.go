package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// UpdateFeatures (key 57), versions 0-2. KIP-584; v1 upgrade types and validate only (KIP-778); v2 no results of single
// features (KIP-1022). All or nothing: one bad update spoils the request.
func (s *Server) updateFeatures(x *network.Exchange, req *kmsg.UpdateFeaturesRequest) {
	resp := req.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	if !s.mayCluster(x, updateFeaturesCluster) {
		resp.ErrorCode, resp.ErrorMessage = updateFeaturesCluster.refused()
		x.Respond(resp)
		return
	}
	ev := cluster.UpdateFeatures{ValidateOnly: req.ValidateOnly}
	for _, u := range req.FeatureUpdates {
		kind := u.UpgradeType
		if req.Version == 0 {
			kind = 1
			if u.AllowDowngrade {
				kind = 2
			}
		}
		ev.Updates = append(ev.Updates, cluster.FeatureUpdate{Feature: u.Feature, Level: u.MaxVersionLevel, UpgradeType: kind})
	}
	ctx, cancel := s.within(x, req.TimeoutMillis)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	if err != nil {
		resp.ErrorCode = s.code(err)
		x.Respond(resp)
		return
	}
	updated := reply.(cluster.UpdatedFeatures)
	resp.ErrorCode, resp.ErrorMessage = updated.Code, updated.Message
	if req.Version < 2 && updated.Code == 0 {
		for _, u := range req.FeatureUpdates {
			r := kmsg.NewUpdateFeaturesResponseResult()
			r.Feature, r.ErrorMessage = u.Feature, kmsg.StringPtr("NONE")
			resp.Results = append(resp.Results, r)
		}
	}
	x.Respond(resp)
}
