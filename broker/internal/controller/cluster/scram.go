package cluster

import (
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Bounds of a credential's iterations, as Kafka's ScramMechanism and ScramControlManager.
const (
	minIterations = 4096
	maxIterations = 16384
)

// alterScram changes credentials. One fault of a user spoils all of that user's changes, and nobody else's.
func (m *Machine) alterScram(ev AlterScramCredentials) Effects {
	var order []string
	results := map[string]Result{}
	seen := map[metadata.ScramUser]bool{}
	note := func(u metadata.ScramUser, res Result) {
		was, known := results[u.Name]
		if !known {
			order = append(order, u.Name)
		}
		if seen[u] {
			res = fail(kerr.DuplicateResource, "A user credential cannot be altered twice in the same request")
		}
		seen[u] = true
		if !known || was.OK() {
			results[u.Name] = res
		}
	}
	for _, u := range ev.Deletions {
		note(u, m.checkScramDeletion(u))
	}
	for i := range ev.Upsertions {
		u := &ev.Upsertions[i]
		note(metadata.ScramUser{Name: u.Name, Mechanism: u.Mechanism}, checkScramUpsertion(u))
	}
	var records []metadata.Record
	for _, u := range ev.Deletions {
		if results[u.Name].OK() {
			records = append(records, &metadata.RemoveUserScramCredentialRecord{Name: u.Name, Mechanism: u.Mechanism})
		}
	}
	for i := range ev.Upsertions {
		if u := ev.Upsertions[i]; results[u.Name].OK() {
			records = append(records, &u)
		}
	}
	reply := make([]ScramResult, len(order))
	for i, name := range order {
		reply[i] = ScramResult{name, results[name]}
	}
	return Effects{Records: records, Reply: reply}
}

func checkScramUser(u metadata.ScramUser) Result {
	switch {
	case u.Name == "":
		return fail(kerr.UnacceptableCredential, "Username must not be empty")
	case u.Mechanism != 1 && u.Mechanism != 2:
		return fail(kerr.UnsupportedSaslMechanism, "Unknown SCRAM mechanism")
	}
	return Result{}
}

func (m *Machine) checkScramDeletion(u metadata.ScramUser) Result {
	if res := checkScramUser(u); !res.OK() {
		return res
	}
	if m.View().ScramCredential(u) == nil {
		return fail(kerr.ResourceNotFound, "Attempt to delete a user credential that does not exist")
	}
	return Result{}
}

func checkScramUpsertion(u *metadata.UserScramCredentialRecord) Result {
	if res := checkScramUser(metadata.ScramUser{Name: u.Name, Mechanism: u.Mechanism}); !res.OK() {
		return res
	}
	switch {
	case u.Iterations < minIterations:
		return fail(kerr.UnacceptableCredential, "Too few iterations")
	case u.Iterations > maxIterations:
		return fail(kerr.UnacceptableCredential, "Too many iterations")
	}
	return Result{}
}
