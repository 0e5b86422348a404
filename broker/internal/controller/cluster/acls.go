package cluster

import (
	"fmt"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// clusterResource is the kind of the cluster itself, whose one name is clusterName.
const (
	clusterResource = 4
	clusterName     = "kafka-cluster"
)

func (m *Machine) createACLs(ev CreateACLs) (Effects, error) {
	reply := make([]Result, len(ev.Bindings))
	there := map[metadata.AccessControlEntryRecord]bool{} // without ids
	ids := map[metadata.UUID]bool{}
	for _, a := range m.View().ACLs() {
		ids[a.ID] = true
		there[anonymous(*a)] = true
	}
	var records []metadata.Record
	for i, a := range ev.Bindings {
		if reply[i] = checkACL(a); !reply[i].OK() || there[anonymous(a)] {
			continue
		}
		if ids[a.ID] {
			return Effects{}, fmt.Errorf("create an ACL: the id %x is taken", a.ID)
		}
		there[anonymous(a)], ids[a.ID] = true, true
		records = append(records, &a)
	}
	return Effects{Records: records, Reply: reply}, nil
}

func anonymous(a metadata.AccessControlEntryRecord) metadata.AccessControlEntryRecord {
	a.ID = metadata.UUID{}
	return a
}

// checkACL refuses what is no binding: Kafka has the same rules, partly in its API.
func checkACL(a metadata.AccessControlEntryRecord) Result {
	between := func(v, lo, hi int8) bool { return v >= lo && v <= hi }
	switch {
	case !between(a.ResourceType, 2, 7):
		return fail(kerr.InvalidRequest, "Invalid resourceType %d", a.ResourceType)
	case a.PatternType != metadata.PatternLiteral && a.PatternType != metadata.PatternPrefixed:
		return fail(kerr.InvalidRequest, "Invalid patternType %d", a.PatternType)
	case !between(a.Operation, 2, 15):
		return fail(kerr.InvalidRequest, "Invalid operation %d", a.Operation)
	case !between(a.PermissionType, 2, 3):
		return fail(kerr.InvalidRequest, "Invalid permissionType %d", a.PermissionType)
	case a.ResourceName == "":
		return fail(kerr.InvalidRequest, "Resource name should not be empty")
	case a.ResourceType == clusterResource && a.ResourceName != clusterName:
		return fail(kerr.InvalidRequest, "The only valid name for the CLUSTER resource is %s", clusterName)
	case !strings.Contains(a.Principal, ":"):
		return fail(kerr.InvalidRequest, "Could not parse principal from `%s` (no colon is present separating the principal type from the "+
			"principal name)", a.Principal)
	}
	return Result{}
}

func (m *Machine) deleteACLs(ev DeleteACLs) Effects {
	reply := make([]DeletedACLs, len(ev.Filters))
	gone := map[metadata.UUID]bool{}
	all := m.View().ACLs()
	var records []metadata.Record
	for i, f := range ev.Filters {
		for _, a := range all {
			if gone[a.ID] || !f.Match(a) {
				continue
			}
			gone[a.ID] = true
			reply[i].Bindings = append(reply[i].Bindings, a)
			records = append(records, &metadata.RemoveAccessControlEntryRecord{ID: a.ID})
		}
	}
	return Effects{Records: records, Reply: reply}
}
