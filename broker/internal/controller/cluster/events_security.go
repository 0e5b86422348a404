package cluster

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// AlterClientQuotas changes quotas. Reply: []Result, in order.
type AlterClientQuotas struct {
	Entries      []QuotaChange
	ValidateOnly bool
}

// QuotaChange is the change of one entity. Of a type that is named twice the last one counts (as Kafka's API).
type QuotaChange struct {
	Entity []metadata.QuotaEntity
	Ops    []QuotaOp
}

// QuotaOp sets or removes one value.
type QuotaOp struct {
	Key    string
	Value  float64
	Remove bool
}

// AlterScramCredentials changes credentials; the keys were derived by the caller. Reply: []ScramResult, one a user, in the
// order in which users appear.
type AlterScramCredentials struct {
	Deletions  []metadata.ScramUser
	Upsertions []metadata.UserScramCredentialRecord
}

// ScramResult answers one user.
type ScramResult struct {
	User string
	Result
}

// CreateACLs adds bindings, whose ids the caller made; one that is there already is a success. Reply: []Result, in order.
type CreateACLs struct {
	Bindings []metadata.AccessControlEntryRecord
}

// DeleteACLs removes what the filters match. Reply: []DeletedACLs, in order.
type DeleteACLs struct {
	Filters []metadata.ACLFilter
}

// DeletedACLs answers one filter. A binding that an earlier filter removed is listed there only.
type DeletedACLs struct {
	Result
	Bindings []*metadata.AccessControlEntryRecord // by id
}

func (AlterClientQuotas) event()     {}
func (AlterScramCredentials) event() {}
func (CreateACLs) event()            {}
func (DeleteACLs) event()            {}
