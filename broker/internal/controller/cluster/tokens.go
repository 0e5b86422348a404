package cluster

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A delegation token (KIP-48):
//
//	none  -> valid   CreateToken: until Expiry, at most until the end of its life
//	valid -> valid   ExtendToken: by its owner, its requester or a renewer, at most until the end of its life
//	valid -> none    ExtendToken with Expire and no period
//	ended -> none    ExpireTokens; between its end and that it is there and of no use

func (m *Machine) createToken(now Now, ev CreateToken) (Effects, error) {
	if m.View().DelegationToken(ev.ID) != nil {
		return Effects{}, fmt.Errorf("create a delegation token: the id %s is taken", ev.ID)
	}
	for _, p := range append([]string{ev.Owner}, ev.Renewers...) {
		if !strings.HasPrefix(p, "User:") {
			return Effects{Reply: Token{Result: fail(kerr.InvalidPrincipalType, "%s is no user", p)}}, nil
		}
	}
	at, life := now.Time.UnixMilli(), ev.LongestLifetime
	if ev.MaxLifetime >= 0 {
		life = min(life, ev.MaxLifetime)
	}
	end := later(at, life)
	r := &metadata.DelegationTokenRecord{
		Owner: ev.Owner, Requester: ev.Requester, Renewers: ev.Renewers, TokenID: ev.ID,
		IssueTimestamp: at, MaxTimestamp: end, ExpirationTimestamp: min(end, later(at, ev.Expiry)),
	}
	return Effects{Records: []metadata.Record{r}, Reply: Token{Record: r, Expires: r.ExpirationTimestamp}}, nil
}

func (m *Machine) extendToken(now Now, ev ExtendToken) Effects {
	old, at := m.View().DelegationToken(ev.ID), now.Time.UnixMilli()
	switch {
	case old == nil:
		return Effects{Reply: Token{Result: fail(kerr.DelegationTokenNotFound, "")}}
	case old.MaxTimestamp < at || old.ExpirationTimestamp < at:
		return Effects{Reply: Token{Result: fail(kerr.DelegationTokenExpired, "")}}
	case ev.Caller != old.Owner && ev.Caller != old.Requester && !slices.Contains(old.Renewers, ev.Caller):
		return Effects{Reply: Token{Result: fail(kerr.DelegationTokenOwnerMismatch, "")}}
	case ev.Expire && ev.Period < 0:
		return Effects{Records: []metadata.Record{&metadata.RemoveDelegationTokenRecord{TokenID: ev.ID}}, Reply: Token{Expires: at}}
	}
	period := ev.Period
	if !ev.Expire && (period < 0 || period > ev.Expiry) {
		period = ev.Expiry
	}
	next := *old
	next.ExpirationTimestamp = min(next.MaxTimestamp, later(at, period))
	return Effects{Records: []metadata.Record{&next}, Reply: Token{Record: &next, Expires: next.ExpirationTimestamp}}
}

func (m *Machine) expireTokens(now Now) Effects {
	var records []metadata.Record
	for _, t := range m.View().DelegationTokens() {
		if t.ExpirationTimestamp < now.Time.UnixMilli() {
			records = append(records, &metadata.RemoveDelegationTokenRecord{TokenID: t.TokenID})
		}
	}
	return Effects{Records: records, Reply: len(records)}
}

// later is a time that never overflows.
func later(at, period int64) int64 {
	if period > math.MaxInt64-at {
		return math.MaxInt64
	}
	return at + period
}
