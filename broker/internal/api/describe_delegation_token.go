package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// DescribeDelegationToken (key 41), versions 1-3. KIP-48; v2 flexible; v3 requesters (KIP-373).
//
// The tokens of the asked owners, or of everybody for null owners, that the client may see: its own, those it may renew,
// those it has DESCRIBE on, and those of users whose tokens it may describe. An HMAC is a password; who sees a token sees
// it, as in Kafka.
func (s *Server) describeDelegationToken(x *network.Exchange, req *kmsg.DescribeDelegationTokenRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeDelegationTokenResponse)
	if err := s.tokensAllowed(x); err != nil {
		resp.ErrorCode = s.code(err)
		x.Respond(resp)
		return
	}
	for _, t := range s.Cluster.Image().DelegationTokens() {
		if (req.Owners == nil || ownedBy(req, t)) && t.ExpirationTimestamp > s.Now().UnixMilli() && s.seesToken(x, t) {
			resp.TokenDetails = append(resp.TokenDetails, s.tokenDetail(t))
		}
	}
	x.Respond(resp)
}

func ownedBy(req *kmsg.DescribeDelegationTokenRequest, t *metadata.DelegationTokenRecord) bool {
	return slices.ContainsFunc(req.Owners, func(o kmsg.DescribeDelegationTokenRequestOwner) bool {
		return security.Principal{Type: o.PrincipalType, Name: o.PrincipalName}.String() == t.Owner
	})
}

func (s *Server) seesToken(x *network.Exchange, t *metadata.DelegationTokenRecord) bool {
	who := s.client(x).principal.String()
	if who == t.Owner || who == t.Requester || slices.Contains(t.Renewers, who) {
		return true
	}
	return s.authorizer != nil && (s.sees(x, describeTokenToken, t.TokenID) || s.sees(x, describeTokenUser, t.Owner))
}

func (s *Server) tokenDetail(t *metadata.DelegationTokenRecord) kmsg.DescribeDelegationTokenResponseTokenDetail {
	out := kmsg.NewDescribeDelegationTokenResponseTokenDetail()
	owner, _ := security.ParsePrincipal(t.Owner) // what is in the log was checked before
	requester, _ := security.ParsePrincipal(t.Requester)
	out.PrincipalType, out.PrincipalName = owner.Type, owner.Name
	out.TokenRequesterPrincipalType, out.TokenRequesterPrincipalName = requester.Type, requester.Name
	out.IssueTimestamp, out.ExpiryTimestamp, out.MaxTimestamp = t.IssueTimestamp, t.ExpirationTimestamp, t.MaxTimestamp
	out.TokenID, out.HMAC = t.TokenID, s.Gate.Tokens.HMAC(t.TokenID)
	for _, r := range t.Renewers {
		p, _ := security.ParsePrincipal(r)
		renewer := kmsg.NewDescribeDelegationTokenResponseTokenDetailRenewer()
		renewer.PrincipalType, renewer.PrincipalName = p.Type, p.Name
		out.Renewers = append(out.Renewers, renewer)
	}
	return out
}
