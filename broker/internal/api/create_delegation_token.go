package api

import (
	"encoding/base64"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// CreateDelegationToken (key 38), versions 1-3. KIP-48; v2 flexible; v3 for another owner (KIP-373).
//
// A token logs in as its owner by SCRAM, with its id as the name, its HMAC in base64 as the password, and tokenauth=true.
// It is made over a connection that is authenticated, not by a token, and not in plain text: otherwise
// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED. Without delegation.token.secret.key it is DELEGATION_TOKEN_AUTH_DISABLED.
func (s *Server) createDelegationToken(x *network.Exchange, req *kmsg.CreateDelegationTokenRequest) {
	resp := req.ResponseKind().(*kmsg.CreateDelegationTokenResponse)
	requester := s.client(x).principal
	owner := requester
	if req.OwnerPrincipalType != nil && req.OwnerPrincipalName != nil && *req.OwnerPrincipalName != "" {
		owner = security.Principal{Type: *req.OwnerPrincipalType, Name: *req.OwnerPrincipalName}
	}
	resp.PrincipalType, resp.PrincipalName = owner.Type, owner.Name
	resp.TokenRequesterPrincipalType, resp.TokenRequesterPrincipalName = requester.Type, requester.Name
	resp.IssueTimestamp, resp.ExpiryTimestamp, resp.MaxTimestamp = -1, -1, -1
	made, err := s.makeToken(x, req, owner, requester)
	if resp.ErrorCode = s.code(err); err == nil {
		resp.ErrorCode = made.Code
	}
	if r := made.Record; err == nil && r != nil {
		resp.IssueTimestamp, resp.ExpiryTimestamp, resp.MaxTimestamp = r.IssueTimestamp, r.ExpirationTimestamp, r.MaxTimestamp
		resp.TokenID, resp.HMAC = r.TokenID, s.Gate.Tokens.HMAC(r.TokenID)
	}
	x.Respond(resp)
}

func (s *Server) makeToken(x *network.Exchange, req *kmsg.CreateDelegationTokenRequest, owner, requester security.Principal) (cluster.Token, error) {
	if err := s.tokensAllowed(x); err != nil {
		return cluster.Token{}, err
	}
	if owner != requester {
		if err := s.permit(x, createTokenUser, owner.String()); err != nil {
			return cluster.Token{}, err
		}
	}
	id := randomID()
	ev := cluster.CreateToken{
		ID: base64.RawURLEncoding.EncodeToString(id[:]), Owner: owner.String(), Requester: requester.String(), Renewers: []string{},
		MaxLifetime: req.MaxLifetimeMillis, LongestLifetime: s.Gate.TokenMaxLifetime.Milliseconds(), Expiry: s.Gate.TokenExpiry.Milliseconds(),
	}
	for _, r := range req.Renewers {
		ev.Renewers = append(ev.Renewers, security.Principal{Type: r.PrincipalType, Name: r.PrincipalName}.String())
	}
	return s.token(x, ev)
}

// token has the controller change a token.
func (s *Server) token(x *network.Exchange, ev cluster.Event) (cluster.Token, error) {
	ctx, cancel := s.within(x, 0)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	if err != nil {
		return cluster.Token{}, err
	}
	return reply.(cluster.Token), nil
}

// tokensAllowed refuses requests about tokens over connections that could be read by others, or that a token opened: it
// could live for ever by renewing itself.
func (s *Server) tokensAllowed(x *network.Exchange) error {
	c := s.client(x)
	switch p := x.Conn.Protocol(); {
	case p == network.Plaintext, p == network.SSL && c.principal == security.Anonymous, c.login != nil && c.login.Identity().Token:
		return kerr.DelegationTokenRequestNotAllowed
	case s.Gate == nil || s.Gate.Tokens == nil:
		return kerr.DelegationTokenAuthDisabled
	}
	return nil
}
