package metadata

import "strings"

// Numbers of ACL bindings and filters that carry a meaning here, by Kafka.
const (
	ACLAny = 1 // in filters: every resource type, operation, permission or pattern

	PatternMatch    = 2 // in filters: what would decide about a resource of that name
	PatternLiteral  = 3
	PatternPrefixed = 4

	wildcard = "*"
)

// ACLFilter selects bindings: a nil string or ACLAny is everything.
type ACLFilter struct {
	ResourceType   int8
	ResourceName   *string
	PatternType    int8
	Principal      *string
	Host           *string
	Operation      int8
	PermissionType int8
}

// Match tells whether the filter selects a binding.
func (f ACLFilter) Match(a *AccessControlEntryRecord) bool {
	number := func(want, got int8) bool { return want == ACLAny || want == got }
	text := func(want *string, got string) bool { return want == nil || *want == got }
	return number(f.ResourceType, a.ResourceType) && number(f.Operation, a.Operation) && number(f.PermissionType, a.PermissionType) &&
		text(f.Principal, a.Principal) && text(f.Host, a.Host) && f.pattern(a)
}

func (f ACLFilter) pattern(a *AccessControlEntryRecord) bool {
	switch {
	case f.PatternType != ACLAny && f.PatternType != PatternMatch && f.PatternType != a.PatternType:
		return false
	case f.ResourceName == nil:
		return true
	case f.PatternType != PatternMatch:
		return *f.ResourceName == a.ResourceName
	case a.PatternType == PatternPrefixed:
		return strings.HasPrefix(*f.ResourceName, a.ResourceName)
	}
	return *f.ResourceName == a.ResourceName || a.ResourceName == wildcard
}
