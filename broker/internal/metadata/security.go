package metadata

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
)

// ScramUser names a credential.
type ScramUser struct {
	Name      string
	Mechanism int8
}

// ClientQuota is what is set for one quota entity.
type ClientQuota struct {
	Entity []QuotaEntity // sorted by type
	Values map[string]float64
}

// ACLs lists the bindings by id. They are shared: do not write to them.
func (i *Image) ACLs() []*AccessControlEntryRecord {
	out := make([]*AccessControlEntryRecord, 0, i.acls.count)
	i.acls.each(func(_ UUID, a *AccessControlEntryRecord) { out = append(out, a) })
	slices.SortFunc(out, func(a, b *AccessControlEntryRecord) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return out
}

// ScramCredential answers a user's credential, or nil.
func (i *Image) ScramCredential(u ScramUser) *UserScramCredentialRecord { return i.scram[u] }

// ScramCredentials lists all of them by user and mechanism.
func (i *Image) ScramCredentials() []*UserScramCredentialRecord {
	return slices.SortedFunc(maps.Values(i.scram), func(a, b *UserScramCredentialRecord) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Mechanism, b.Mechanism))
	})
}

// ClientQuota answers what is set for exactly this entity, or nil.
func (i *Image) ClientQuota(entity []QuotaEntity) *ClientQuota { return i.quotas[quotaKey(entity)] }

// ClientQuotas lists all of them by entity.
func (i *Image) ClientQuotas() []*ClientQuota {
	out := make([]*ClientQuota, 0, len(i.quotas))
	for _, key := range slices.Sorted(maps.Keys(i.quotas)) {
		out = append(out, i.quotas[key])
	}
	return out
}

// DelegationTokens lists all tokens by id.
func (i *Image) DelegationTokens() []*DelegationTokenRecord {
	return slices.SortedFunc(maps.Values(i.tokens), func(a, b *DelegationTokenRecord) int { return cmp.Compare(a.TokenID, b.TokenID) })
}

// DelegationToken answers a token, or nil.
func (i *Image) DelegationToken(id string) *DelegationTokenRecord { return i.tokens[id] }

// Controllers lists the registered controller nodes by id.
func (i *Image) Controllers() []*RegisterControllerRecord {
	return slices.SortedFunc(maps.Values(i.controllers), func(a, b *RegisterControllerRecord) int { return cmp.Compare(a.ControllerID, b.ControllerID) })
}

// quotaKey is an entity as one string: its parts in order of type, each with a mark for the default (no name).
func quotaKey(entity []QuotaEntity) string {
	var b strings.Builder
	for _, e := range sortedEntity(entity) {
		b.WriteString(e.Type)
		if e.Name != nil {
			b.WriteString("\x00=" + *e.Name)
		}
		b.WriteString("\x00;")
	}
	return b.String()
}

func sortedEntity(entity []QuotaEntity) []QuotaEntity {
	return slices.SortedFunc(slices.Values(entity), func(a, b QuotaEntity) int { return cmp.Compare(a.Type, b.Type) })
}
