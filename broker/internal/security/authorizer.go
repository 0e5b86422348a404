package security

import (
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Authorizer answers whether a client may do something, by the rules of Kafka's StandardAuthorizer:
//
//  1. A super user may do everything.
//  2. A deny that matches the resource, the principal, the host and the operation wins.
//  3. An allow that does is enough; some operations imply others.
//  4. Without any ACL about the resource, allow.everyone.if.no.acl.found decides; with some, the answer is no.
type Authorizer struct {
	supers   map[string]bool
	everyone bool
	acls     atomic.Pointer[acls]
	audit    *Audit
}

// NewAuthorizer begins without ACLs. audit may be nil.
func NewAuthorizer(superUsers []Principal, everyoneIfNoACL bool, audit *Audit) *Authorizer {
	a := &Authorizer{supers: map[string]bool{}, everyone: everyoneIfNoACL, audit: audit}
	for _, p := range superUsers {
		a.supers[p.String()] = true
	}
	a.acls.Store(arrange(nil))
	return a
}

// Update takes the ACLs of an image.
func (a *Authorizer) Update(image *metadata.Image) { a.acls.Store(arrange(image.ACLs())) }

// Allowed answers the question and keeps no record of it: for lists that leave out what one may not see.
func (a *Authorizer) Allowed(s Subject, op Operation, kind ResourceType, name string) bool {
	if a.supers[s.Principal] {
		return true
	}
	switch a.acls.Load().ask(s, op, kind, name) {
	case allowed:
		return true
	case silent:
		return a.everyone
	}
	return false
}

// Authorize answers the question and writes a refusal into the audit log.
func (a *Authorizer) Authorize(s Subject, op Operation, kind ResourceType, name, request string) bool {
	ok := a.Allowed(s, op, kind, name)
	if !ok {
		a.audit.denied(s, op, kind, name, request)
	}
	return ok
}

// Anywhere tells whether a client may do something to any resource of a kind, as Kafka's authorizeByResourceType.
func (a *Authorizer) Anywhere(s Subject, op Operation, kind ResourceType) bool {
	return a.Allowed(s, op, kind, hardcodeName) || a.acls.Load().anywhere(s, op, kind)
}

// Bits is everything that a client may do to a resource, as KIP-430 writes it: bit n is the operation with number n.
func (a *Authorizer) Bits(s Subject, kind ResourceType, name string) (bits int32) {
	for _, op := range kind.Operations() {
		if a.Allowed(s, op, kind, name) {
			bits |= 1 << op
		}
	}
	return bits
}
