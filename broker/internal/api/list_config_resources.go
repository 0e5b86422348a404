package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ListConfigResources (key 74), versions 0-1. KIP-714 (v0: client metrics only), KIP-1142 (v1: kinds).
//
// Topics and brokers are listed whether or not something is set on them, groups and client metrics when something is.
// No kinds ask for all; an unknown kind is UNSUPPORTED_VERSION.
func (s *Server) listConfigResources(x *network.Exchange, req *kmsg.ListConfigResourcesRequest) {
	resp := req.ResponseKind().(*kmsg.ListConfigResourcesResponse)
	if !s.mayCluster(x, listConfigResourcesCluster) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		x.Respond(resp)
		return
	}
	known := []int8{int8(metadata.TopicResource), int8(metadata.BrokerResource), int8(metadata.BrokerLoggerResource), int8(metadata.ClientMetricsResource), int8(metadata.GroupResource)}
	kinds := req.ResourceTypes
	switch {
	case req.Version == 0:
		kinds = []int8{int8(metadata.ClientMetricsResource)}
	case len(kinds) == 0:
		kinds = known
	}
	image := s.Cluster.Image()
	for _, kind := range kinds {
		if !slices.Contains(known, kind) {
			resp.ErrorCode, resp.ConfigResources = kerr.UnsupportedVersion.Code, nil
			break
		}
		for _, name := range s.resourceNames(image, metadata.ResourceType(kind)) {
			r := kmsg.NewListConfigResourcesResponseConfigResource()
			r.Name, r.Type = name, kind
			resp.ConfigResources = append(resp.ConfigResources, r)
		}
	}
	x.Respond(resp)
}

func (s *Server) resourceNames(image *metadata.Image, kind metadata.ResourceType) (names []string) {
	switch kind {
	case metadata.TopicResource:
		for _, t := range image.Topics() {
			names = append(names, t.Name)
		}
	case metadata.BrokerResource, metadata.BrokerLoggerResource:
		for _, b := range image.Brokers() {
			names = append(names, itoa(b.ID))
		}
	default:
		for _, r := range image.ConfigResources() {
			if r.Type == kind {
				names = append(names, r.Name)
			}
		}
	}
	return names
}
