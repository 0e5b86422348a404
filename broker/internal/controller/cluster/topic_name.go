package cluster

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// maxTopicName is the longest legal name, as Kafka's Topic.MAX_NAME_LENGTH.
const maxTopicName = 249

// CheckTopicName answers what is wrong with a topic's name, in Kafka's words, or nil.
func CheckTopicName(name string) error {
	switch {
	case name == "":
		return say("Topic name is invalid: the empty string is not allowed")
	case name == "." || name == "..":
		return say("Topic name is invalid: '%s' is not allowed", name)
	case len(name) > maxTopicName:
		return say("Topic name is invalid: the length of '%s' is longer than the max allowed length %d", name, maxTopicName)
	case strings.ContainsFunc(name, func(r rune) bool { return !legal(r) }):
		return say("Topic name is invalid: '%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", name)
	}
	return nil
}

func legal(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

// collides tells whether a name has a character that metric names cannot tell from another.
func collides(name string) bool { return strings.ContainsAny(name, "._") }

func unify(name string) string { return strings.ReplaceAll(name, ".", "_") }

// checkNewName checks a name that is to be made. fresh holds the names of the same request, as m.collisions does.
func (m *Machine) checkNewName(name string, fresh map[string]string) Result {
	if err := CheckTopicName(name); err != nil {
		return fail(kerr.InvalidTopicException, "%v", err)
	}
	if m.View().Topic(name) != nil {
		return fail(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	if !collides(name) {
		return Result{}
	}
	other, ok := m.collisions[unify(name)]
	if !ok {
		other, ok = fresh[unify(name)]
	}
	if ok {
		return fail(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other)
	}
	fresh[unify(name)] = name
	return Result{}
}
