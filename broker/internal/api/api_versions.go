package api

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// ApiVersions (key 18), versions 0-4.
//
//	v3  client software name and version (KIP-511), features (KIP-584); flexible body, header stays version 0
//	v4  supported features may start at 0 (KAFKA-17011)
//
// An unknown version is answered with a version 0 body, UNSUPPORTED_VERSION and the range of this API alone (KIP-511).
// Produce is listed from 0 though 0-2 are refused: librdkafka before 2.11.1 would not compress otherwise (KAFKA-18659).
//
// Differs: share.version and streams.version, and their APIs, are absent until share and streams groups are served.
func (s *Server) apiVersions(x *network.Exchange, req *kmsg.ApiVersionsRequest) {
	resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	if req.Version >= 3 && (!validSoftware(req.ClientSoftwareName) || !validSoftware(req.ClientSoftwareVersion)) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		x.Respond(resp)
		return
	}
	x.Conn.SetSoftware(req.ClientSoftwareName, req.ClientSoftwareVersion)
	for _, a := range s.table.APIs() {
		resp.ApiKeys = append(resp.ApiKeys, versionRange(a))
	}
	s.fillFeatures(req.Version, resp)
	x.Respond(resp)
}

func versionRange(a wire.API) kmsg.ApiVersionsResponseApiKey {
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = a.Key, a.AdvertisedMin, a.Max
	return k
}

// unknownApiVersions answers a version that does not exist.
func (s *Server) unknownApiVersions(x *network.Exchange) {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	if a, ok := s.table.API(wire.KeyApiVersions); ok {
		resp.ApiKeys = append(resp.ApiKeys, versionRange(a))
	}
	x.Respond(resp)
}

func (s *Server) fillFeatures(version int16, resp *kmsg.ApiVersionsResponse) {
	if version < 3 {
		return
	}
	supported := cluster.SupportedFeatures()
	for _, name := range slices.Sorted(maps.Keys(supported)) {
		levels := supported[name]
		if levels[0] == 0 && version < 4 {
			continue // older clients take a minimum of 0 for an error (FET-2)
		}
		f := kmsg.NewApiVersionsResponseSupportedFeature()
		f.Name, f.MinVersion, f.MaxVersion = name, levels[0], levels[1]
		resp.SupportedFeatures = append(resp.SupportedFeatures, f)
	}
	image := s.Cluster.Image()
	resp.FinalizedFeaturesEpoch = image.Offset
	for _, name := range slices.Sorted(maps.Keys(image.Features())) {
		level := image.Feature(name)
		if level == 0 {
			continue
		}
		f := kmsg.NewApiVersionsResponseFinalizedFeature()
		f.Name, f.MinVersionLevel, f.MaxVersionLevel = name, level, level
		resp.FinalizedFeatures = append(resp.FinalizedFeatures, f)
	}
}

// validSoftware is Kafka's [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
func validSoftware(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (c != '-' && c != '.' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return s != ""
}
