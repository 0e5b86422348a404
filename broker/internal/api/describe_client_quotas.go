package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeClientQuotas (key 48), versions 0-1 (1 flexible). KIP-546; addresses since KIP-612.
//
// An entity matches when each component finds a part of its type: by name (0), as the default (1), or in any way (2).
// Strict wants no parts besides. No components ask for everything.
func (s *Server) describeClientQuotas(x *network.Exchange, req *kmsg.DescribeClientQuotasRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	err := s.permitCluster(x, describeQuotasCluster)
	if err == nil {
		err = checkQuotaFilter(req.Components)
	}
	if err != nil {
		resp.ErrorCode, resp.ErrorMessage = s.code(err), kmsg.StringPtr(explain(err))
		x.Respond(resp)
		return
	}
	resp.Entries = []kmsg.DescribeClientQuotasResponseEntry{}
	for _, q := range s.Cluster.Image().ClientQuotas() {
		if quotaMatches(req, q) {
			resp.Entries = append(resp.Entries, quotaEntry(q))
		}
	}
	x.Respond(resp)
}

func checkQuotaFilter(components []kmsg.DescribeClientQuotasRequestComponent) error {
	seen := map[string]bool{}
	for _, c := range components {
		switch {
		case c.EntityType == "":
			return say(kerr.InvalidRequest, "Unexpected empty filter component entity type")
		case c.EntityType != "user" && c.EntityType != "client-id" && c.EntityType != "ip":
			return say(kerr.UnsupportedVersion, "Unsupported entity type %s", c.EntityType)
		case seen[c.EntityType]:
			return say(kerr.InvalidRequest, "Duplicate %s filter component entity type", c.EntityType)
		case c.MatchType < 0 || c.MatchType > 2:
			return say(kerr.InvalidRequest, "Unexpected match type: %d", c.MatchType)
		case c.MatchType == 0 && c.Match == nil:
			return say(kerr.InvalidRequest, "Request specified MATCH_TYPE_EXACT, but no match string was given")
		case c.MatchType != 0 && c.Match != nil:
			return say(kerr.InvalidRequest, "Request specified a match string without MATCH_TYPE_EXACT")
		}
		seen[c.EntityType] = true
	}
	if seen["ip"] && len(seen) > 1 {
		return say(kerr.InvalidRequest, "Invalid entity filter component combination, IP filter component should not be used with User or ClientId filter component.")
	}
	return nil
}

func quotaMatches(req *kmsg.DescribeClientQuotasRequest, q *metadata.ClientQuota) bool {
	if req.Strict && len(q.Entity) != len(req.Components) {
		return false
	}
	for _, c := range req.Components {
		found := false
		for _, e := range q.Entity {
			if e.Type != c.EntityType {
				continue
			}
			switch c.MatchType {
			case 0:
				found = e.Name != nil && *e.Name == *c.Match
			case 1:
				found = e.Name == nil
			default:
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func quotaEntry(q *metadata.ClientQuota) kmsg.DescribeClientQuotasResponseEntry {
	out := kmsg.NewDescribeClientQuotasResponseEntry()
	for _, e := range q.Entity {
		part := kmsg.NewDescribeClientQuotasResponseEntryEntity()
		part.Type, part.Name = e.Type, e.Name
		out.Entity = append(out.Entity, part)
	}
	for _, key := range sortedKeys(q.Values) {
		v := kmsg.NewDescribeClientQuotasResponseEntryValue()
		v.Key, v.Value = key, q.Values[key]
		out.Values = append(out.Values, v)
	}
	return out
}
