package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeUserScramCredentials (key 50), version 0. KIP-554.
//
// Mechanisms and iterations of users, never a secret. No users ask for all.
func (s *Server) describeUserScramCredentials(x *network.Exchange, req *kmsg.DescribeUserSCRAMCredentialsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	if !s.mayCluster(x, describeScramCluster) {
		resp.ErrorCode, resp.ErrorMessage = describeScramCluster.refused()
		for range req.Users { // as Kafka: errors without names
			r := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
			r.ErrorCode, r.ErrorMessage = resp.ErrorCode, resp.ErrorMessage
			resp.Results = append(resp.Results, r)
		}
		x.Respond(resp)
		return
	}
	byUser := map[string][]*metadata.UserScramCredentialRecord{}
	var users []string
	for _, c := range s.Cluster.Image().ScramCredentials() { // by name
		if byUser[c.Name] == nil {
			users = append(users, c.Name)
		}
		byUser[c.Name] = append(byUser[c.Name], c)
	}
	asked := map[string]int{}
	if len(req.Users) > 0 {
		users = nil
		for _, u := range req.Users {
			if asked[u.Name]++; asked[u.Name] == 1 {
				users = append(users, u.Name)
			}
		}
	}
	for _, u := range users {
		resp.Results = append(resp.Results, scramOf(u, byUser[u], asked[u] > 1))
	}
	x.Respond(resp)
}

func scramOf(user string, credentials []*metadata.UserScramCredentialRecord, doubled bool) kmsg.DescribeUserSCRAMCredentialsResponseResult {
	out := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
	out.User = user
	switch {
	case doubled:
		out.ErrorCode = kerr.DuplicateResource.Code
		out.ErrorMessage = kmsg.StringPtr("Cannot describe SCRAM credentials for the same user twice in a single request: " + user)
	case len(credentials) == 0:
		out.ErrorCode = kerr.ResourceNotFound.Code
		out.ErrorMessage = kmsg.StringPtr("Attempt to describe a user credential that does not exist: " + user)
	default:
		for _, c := range credentials {
			i := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
			i.Mechanism, i.Iterations = c.Mechanism, c.Iterations
			out.CredentialInfos = append(out.CredentialInfos, i)
		}
	}
	return out
}
