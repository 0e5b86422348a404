package cluster

import (
	"math"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// quotaKeys is the largest value of each key, by whether it belongs to an IP; 0 means any number, fractions too.
var quotaKeys = map[bool]map[string]float64{
	false: {"producer_byte_rate": math.MaxInt64, "consumer_byte_rate": math.MaxInt64, "request_percentage": 0, "controller_mutation_rate": 0},
	true:  {"connection_creation_rate": math.MaxInt32},
}

func (m *Machine) alterClientQuotas(ev AlterClientQuotas) Effects {
	reply := make([]Result, len(ev.Entries))
	var records []metadata.Record
	for i, e := range ev.Entries {
		entity := lastOfEachType(e.Entity)
		if reply[i] = checkQuota(entity, e.Ops); !reply[i].OK() {
			continue
		}
		old := m.View().ClientQuota(entity)
		for _, op := range e.Ops {
			was, set := 0.0, false
			if old != nil {
				was, set = old.Values[op.Key], hasKey(old.Values, op.Key)
			}
			if op.Remove && set || !op.Remove && (!set || was != op.Value) {
				records = append(records, &metadata.ClientQuotaRecord{Entity: entity, Key: op.Key, Value: op.Value, Remove: op.Remove})
			}
		}
	}
	if ev.ValidateOnly {
		records = nil
	}
	return Effects{Records: records, Reply: reply}
}

func hasKey(values map[string]float64, key string) bool {
	_, ok := values[key]
	return ok
}

// lastOfEachType drops an entity part whose type comes again, and sorts by type.
func lastOfEachType(entity []metadata.QuotaEntity) []metadata.QuotaEntity {
	var out []metadata.QuotaEntity
	for i, e := range entity {
		if !slices.ContainsFunc(entity[i+1:], func(later metadata.QuotaEntity) bool { return later.Type == e.Type }) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b metadata.QuotaEntity) int { return strings.Compare(a.Type, b.Type) })
	return out
}

func checkQuota(entity []metadata.QuotaEntity, ops []QuotaOp) Result {
	if len(entity) == 0 {
		return fail(kerr.InvalidRequest, "Invalid empty client quota entity")
	}
	ip, others := false, false
	for _, e := range entity {
		switch e.Type {
		case "ip":
			ip = true
		case "user", "client-id":
			others = true
		default:
			return fail(kerr.InvalidRequest, "Unhandled client quota entity type: %s", e.Type)
		}
		if e.Name != nil && *e.Name == "" {
			return fail(kerr.InvalidRequest, "Empty %s not supported", e.Type)
		}
	}
	if ip && others {
		return fail(kerr.InvalidRequest, "Invalid quota entity combination, IP entity should not be combined with User or ClientId")
	}
	seen := map[string]bool{}
	for _, op := range ops {
		limit, ok := quotaKeys[ip][op.Key]
		switch {
		case !ok:
			return fail(kerr.InvalidRequest, "Invalid configuration key %s", op.Key)
		case seen[op.Key]:
			return fail(kerr.InvalidRequest, "Duplicate quota key %s", op.Key)
		case op.Remove:
		case !(op.Value > 0): // NaN is not either
			return fail(kerr.InvalidRequest, "Quota %s must be greater than 0", op.Key)
		case limit > 0 && op.Value > limit:
			return fail(kerr.InvalidRequest, "Proposed value for %s is too large.", op.Key)
		case limit > 0 && op.Value != math.Trunc(op.Value):
			return fail(kerr.InvalidRequest, "%s cannot be a fractional value.", op.Key)
		}
		seen[op.Key] = true
	}
	return Result{}
}
