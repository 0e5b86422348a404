package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Value is a configured value and where it came from: "flag --set", "server.properties:12", "MAINSTEM_NODE_ID".
type Value struct {
	Text   string
	Origin string
}

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	Key, Value, Origin string
	Reason             string // what is wrong, in words
	Suggestion         string // what to do, or ""
	Unknown, Refused   bool
}

func (f *Fault) Error() string {
	s := fmt.Sprintf("%s (%s): %s", f.Key, f.Origin, f.Reason)
	if f.Suggestion != "" {
		s += "; " + f.Suggestion
	}
	return s
}

// Static is what a process was started with, checked. It never changes.
type Static struct {
	values  map[string]Value
	ignored []string
}

// Load checks values against the table. It answers every fault at once, joined, each a *Fault.
func Load(values map[string]Value) (*Static, error) {
	s := &Static{values: map[string]Value{}}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		key, ok := lookupServerKey(name)
		if !ok {
			faults = append(faults, unknownKey(name, v))
			continue
		}
		if err := check(key, name, v); err != nil {
			faults = append(faults, err)
			continue
		}
		if key.Status == configkey.Ignored {
			s.ignored = append(s.ignored, name)
		}
		s.values[name] = v
	}
	s.applyAliases()
	return s, errors.Join(append(faults, s.conflicts()...)...)
}

// lookupServerKey finds a key, also behind a listener prefix (listener.name.<name>.[<mechanism>.]key).
func lookupServerKey(name string) (configkey.Key, bool) {
	if k, ok := BrokerKeys.Lookup(name); ok {
		return k, true
	}
	if k, ok := TopicKeys.Lookup(name); ok && k.Ours {
		return k, true
	}
	rest, ok := strings.CutPrefix(name, "listener.name.")
	if !ok {
		return configkey.Key{}, false
	}
	for {
		_, after, found := strings.Cut(rest, ".")
		if !found {
			return configkey.Key{}, false
		}
		if k, ok := BrokerKeys.Lookup(after); ok {
			return k, true
		}
		rest = after
	}
}

func unknownKey(name string, v Value) *Fault {
	f := &Fault{Key: name, Value: v.Text, Origin: v.Origin, Reason: "unknown key", Unknown: true}
	switch {
	case strings.HasPrefix(name, "zookeeper."):
		f.Reason, f.Refused = "Apache Kafka 4 has no ZooKeeper and neither has Mainstem", true
		f.Suggestion = "remove it; a single node needs nothing in its place"
	case name == "inter.broker.protocol.version" || name == "log.message.format.version":
		f.Reason, f.Refused = "removed in Apache Kafka 4", true
		f.Suggestion = "remove it; the feature metadata.version takes its place"
	default:
		if near := BrokerKeys.Suggest(name); near != "" {
			f.Suggestion = "did you mean " + near + "?"
		}
	}
	return f
}

func check(key configkey.Key, name string, v Value) error {
	if key.Status == configkey.Refused && v.Text != key.Default {
		return &Fault{Key: name, Value: v.Text, Origin: v.Origin, Reason: "refused: " + key.Reason, Refused: true}
	}
	if err := key.Check(v.Text); err != nil {
		return &Fault{Key: name, Value: v.Text, Origin: v.Origin, Reason: err.Error(), Suggestion: "see mainstem config explain " + key.Name}
	}
	return nil
}

// applyAliases gives node.id the value of its old name.
func (s *Static) applyAliases() {
	if old, ok := s.values["broker.id"]; ok && old.Text != "-1" {
		if _, set := s.values["node.id"]; !set {
			s.values["node.id"] = old
		}
	}
}

// conflicts are keys that do not go together.
func (s *Static) conflicts() []error {
	var faults []error
	add := func(key, reason string) {
		v := s.values[key]
		faults = append(faults, &Fault{Key: key, Value: v.Text, Origin: v.Origin, Reason: reason})
	}
	if s.Int("queued.max.request.bytes") > 0 && s.Int("queued.max.request.bytes") < s.Int("socket.request.max.bytes") {
		add("queued.max.request.bytes", "must be at least socket.request.max.bytes, else the largest request could never be read")
	}
	if s.Int("broker.heartbeat.interval.ms") >= s.Int("broker.session.timeout.ms") {
		add("broker.heartbeat.interval.ms", "must be below broker.session.timeout.ms")
	}
	if a, b := s.Int("group.min.session.timeout.ms"), s.Int("group.max.session.timeout.ms"); a > b {
		add("group.min.session.timeout.ms", "must not be above group.max.session.timeout.ms")
	}
	return faults
}

// Ignored are the names that were set and have no effect, sorted.
func (s *Static) Ignored() []string { return s.ignored }

// Set are the values that somebody set, by name.
func (s *Static) Set() map[string]Value { return s.values }

// Lookup is the static text of a key and whether somebody set it; a default counts when nobody did.
func (s *Static) Lookup(name string) (text string, set bool) {
	if s != nil {
		if v, ok := s.values[name]; ok {
			return v.Text, true
		}
	}
	k, ok := lookupServerKey(name)
	if !ok {
		panic("config: no key " + name)
	}
	return k.Default, false
}

// String, Int, Bool, Float, Strings and Duration read a key that the table has; Load made sure that values fit.
func (s *Static) String(name string) string { v, _ := s.Lookup(name); return v }
