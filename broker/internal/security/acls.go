package security

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Subject is who asks, and from where.
type Subject struct {
	Principal string // "User:alice", as ACLs spell it
	Host      netip.Addr
}

// acls is the ACLs of one image, arranged for questions about one resource. It never changes.
//
// A resource's ACLs are those with its literal name, those with the name "*", and those whose name is a prefix. Prefixes
// are looked up by length, so a question costs as many lookups as there are different lengths.
type acls struct {
	literal  map[resource][]acl
	prefixed map[resource][]acl
	lengths  map[ResourceType][]int // of the prefixes of a type, ascending
	byType   map[ResourceType][]*metadata.AccessControlEntryRecord
}

type resource struct {
	kind ResourceType
	name string
}

// acl is one binding's who, where and what.
type acl struct {
	principal string
	anyHost   bool
	network   netip.Prefix // of one host, or of many in CIDR notation (KIP-1276); invalid: none
	operation Operation
	deny      bool
}

func newACL(r *metadata.AccessControlEntryRecord) acl {
	a := acl{principal: r.Principal, anyHost: r.Host == wildcard, operation: Operation(r.Operation), deny: r.PermissionType != allowPermission}
	if strings.Contains(r.Host, "/") {
		a.network, _ = netip.ParsePrefix(r.Host)
	} else if host, err := netip.ParseAddr(r.Host); err == nil {
		host = host.Unmap()
		a.network = netip.PrefixFrom(host, host.BitLen())
	}
	return a
}

const (
	allowPermission = 3 // Kafka's number; 2 denies

	wildcard     = "*" // the name that stands for every one
	everyUser    = UserType + ":" + wildcard
	hardcodeName = "hardcode" // as Kafka's Authorizer.authorizeByResourceType, for super users
)

func arrange(all []*metadata.AccessControlEntryRecord) *acls {
	a := &acls{
		literal: map[resource][]acl{}, prefixed: map[resource][]acl{}, lengths: map[ResourceType][]int{},
		byType: map[ResourceType][]*metadata.AccessControlEntryRecord{},
	}
	for _, r := range all {
		key := resource{ResourceType(r.ResourceType), r.ResourceName}
		one := newACL(r)
		a.byType[key.kind] = append(a.byType[key.kind], r)
		if r.PatternType != metadata.PatternPrefixed {
			a.literal[key] = append(a.literal[key], one)
			continue
		}
		a.prefixed[key] = append(a.prefixed[key], one)
		if at, known := slices.BinarySearch(a.lengths[key.kind], len(key.name)); !known {
			a.lengths[key.kind] = slices.Insert(a.lengths[key.kind], at, len(key.name))
		}
	}
	return a
}

// verdict is what ACLs say.
type verdict uint8

const (
	silent    verdict = iota // no ACL is about the resource
	unmatched                // there are some, and none is about the question
	allowed
	denied
)

// ask is the verdict on one resource: one deny is enough, whatever stands before or behind it (CVE-2024-27309).
func (a *acls) ask(s Subject, op Operation, kind ResourceType, name string) verdict {
	v := merge(silent, a.literal[resource{kind, name}], s, op)
	if name != wildcard {
		v = merge(v, a.literal[resource{kind, wildcard}], s, op)
	}
	for _, n := range a.lengths[kind] {
		if n > len(name) || v == denied {
			break
		}
		v = merge(v, a.prefixed[resource{kind, name[:n]}], s, op)
	}
	return v
}

func merge(v verdict, list []acl, s Subject, op Operation) verdict {
	for i := range list {
		v = max(v, list[i].judge(s, op))
	}
	return v
}

func (a *acl) judge(s Subject, op Operation) verdict {
	switch {
	case a.principal != s.Principal && a.principal != everyUser || !a.covers(s.Host):
		return unmatched
	case a.deny && (a.operation == op || a.operation == All):
		return denied
	case !a.deny && a.operation.implies(op):
		return allowed
	}
	return unmatched
}

// covers tells whether the binding is about clients at an address.
func (a *acl) covers(host netip.Addr) bool {
	return a.anyHost || a.network.Contains(host) // an invalid network contains nobody
}

// anywhere tells whether there is some name of a kind for which the operation is allowed: an allow that no deny covers.
func (a *acls) anywhere(s Subject, op Operation, kind ResourceType) bool {
	var allows []*metadata.AccessControlEntryRecord
	denyNames, denyPrefixes := map[string]bool{}, []string{}
	for _, r := range a.byType[kind] {
		one := newACL(r)
		switch {
		case one.principal != s.Principal && one.principal != everyUser || !one.covers(s.Host) || one.operation != op && one.operation != All:
		case r.PermissionType == allowPermission:
			allows = append(allows, r)
		case r.PatternType == metadata.PatternPrefixed:
			denyPrefixes = append(denyPrefixes, r.ResourceName)
		case r.ResourceName == wildcard:
			return false
		default:
			denyNames[r.ResourceName] = true
		}
	}
	slices.SortFunc(denyPrefixes, func(x, y string) int { return cmp.Compare(len(x), len(y)) })
	return slices.ContainsFunc(allows, func(r *metadata.AccessControlEntryRecord) bool {
		if r.PatternType != metadata.PatternPrefixed {
			if r.ResourceName == wildcard {
				return true // denies of single names leave others
			}
			if denyNames[r.ResourceName] {
				return false
			}
		}
		return !slices.ContainsFunc(denyPrefixes, func(p string) bool { return strings.HasPrefix(r.ResourceName, p) })
	})
}
