package broker

import (
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Key is what people may know of a configuration key.
type Key struct {
	Name         string `json:"name"`
	Scope        string `json:"scope"` // broker, topic, group or client-metrics
	Type         string `json:"type"`  // as Kafka names it
	Default      string `json:"default,omitempty"`
	KafkaDefault string `json:"kafka_default,omitempty"` // where it differs
	Range        string `json:"range,omitempty"`
	Change       string `json:"change"` // restart, broker, cluster, topic, group, client-metrics
	Synonym      string `json:"synonym,omitempty"`
	Doc          string `json:"doc,omitempty"`
	Ignored      string `json:"ignored,omitempty"` // why it has no effect
	Refused      string `json:"refused,omitempty"` // why it stops the start
	Ours         bool   `json:"ours,omitempty"`    // no key of Apache Kafka
}

// scopes are the tables with their names.
var scopes = []struct {
	name  string
	table *configkey.Table
}{{"broker", config.BrokerKeys}, {"topic", config.TopicKeys}, {"group", config.GroupKeys}, {"client-metrics", config.MetricsKeys}}

// Keys lists every configuration key, by scope, in the tables' order.
func Keys() []Key {
	var out []Key
	for _, s := range scopes {
		for _, k := range s.table.Keys() {
			out = append(out, describe(s.name, k))
		}
	}
	return out
}

// Explain answers the keys of that name: a broker key, a topic key, or both.
func Explain(name string) []Key {
	var out []Key
	for _, s := range scopes {
		if k, ok := s.table.Lookup(name); ok {
			out = append(out, describe(s.name, k))
		}
	}
	return out
}

// Suggest answers the key that is nearest to a mistyped one, or "".
func Suggest(name string) string {
	for _, s := range scopes {
		if near := s.table.Suggest(name); near != "" {
			return near
		}
	}
	return ""
}

func describe(scope string, k configkey.Key) Key {
	out := Key{
		Name: k.Name, Scope: scope, Type: k.Type.String(), Default: k.Default, KafkaDefault: k.Kafka, Range: k.Range(),
		Change: k.Change.String(), Synonym: k.Synonym, Doc: k.Doc, Ours: k.Ours,
	}
	switch {
	case k.Null:
		out.Default = "unset"
	case k.Default == "":
		out.Default = "empty"
	case k.Type == configkey.Long && k.Default == "9223372036854775807", k.Type == configkey.Int && k.Default == "2147483647":
		out.Default += " (no limit)"
	}
	switch k.Status {
	case configkey.Ignored:
		out.Ignored = k.Reason
	case configkey.Refused:
		out.Refused = k.Reason
	}
	out.Doc = strings.TrimSpace(out.Doc)
	return out
}
