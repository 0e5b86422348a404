package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// AlterUserScramCredentials (key 51), version 0. KIP-554.
//
// Sets and removes credentials. The client sends the salted password; what is kept are the two keys that follow from it. A
// user that is named twice, and one with any fault, is not changed at all. 4,096 to 16,384 iterations.
func (s *Server) alterUserScramCredentials(x *network.Exchange, req *kmsg.AlterUserSCRAMCredentialsRequest) {
	resp := req.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	answer := func(user string, r cluster.Result) {
		out := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		out.User, out.ErrorCode, out.ErrorMessage = user, r.Code, r.Message
		resp.Results = append(resp.Results, out)
	}
	ev := scramChanges(req)
	failAll := func(r cluster.Result) {
		told := map[string]bool{}
		for _, name := range usersOf(ev) {
			if !told[name] {
				answer(name, r)
			}
			told[name] = true
		}
		x.Respond(resp)
	}
	if !s.mayCluster(x, alterScramCluster) {
		code, message := alterScramCluster.refused()
		failAll(cluster.Result{Code: code, Message: message})
		return
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, ev)
	if err != nil {
		failAll(cluster.Result{Code: s.code(err)})
		return
	}
	for _, r := range reply.([]cluster.ScramResult) {
		answer(r.User, r.Result)
	}
	x.Respond(resp)
}

func scramChanges(req *kmsg.AlterUserSCRAMCredentialsRequest) (ev cluster.AlterScramCredentials) {
	for _, d := range req.Deletions {
		ev.Deletions = append(ev.Deletions, metadata.ScramUser{Name: d.Name, Mechanism: d.Mechanism})
	}
	for _, u := range req.Upsertions {
		c := metadata.UserScramCredentialRecord{Name: u.Name, Mechanism: u.Mechanism, Iterations: u.Iterations, Salt: append([]byte{}, u.Salt...)}
		c.StoredKey, c.ServerKey = security.ScramHash(u.Mechanism).Keys(u.SaltedPassword)
		ev.Upsertions = append(ev.Upsertions, c)
	}
	return ev
}

func usersOf(ev cluster.AlterScramCredentials) (names []string) {
	for _, d := range ev.Deletions {
		names = append(names, d.Name)
	}
	for _, u := range ev.Upsertions {
		names = append(names, u.Name)
	}
	return names
}
