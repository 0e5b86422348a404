package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// The tables, by what a key can be set on.
var (
	BrokerKeys = configkey.NewTable(processKeys, listenerKeys, quorumKeys, topicDefaultKeys, maintenanceKeys, replicationKeys,
		groupKeys, transactionKeys, shareGroupKeys, streamsGroupKeys, quotaKeys, saslKeys, tlsKeys, authorizerKeys, ownKeys,
		ignoredKeys, refusedKeys)
	TopicKeys   = configkey.NewTable(topicKeys, schemaKeys)
	GroupKeys   = configkey.NewTable(groupResourceKeys)
	MetricsKeys = configkey.NewTable(metricsKeys)
)

// fallback is a broker key that a topic key falls back to, and the factor that brings its unit to milliseconds.
type fallback struct {
	key    string
	factor int64
}

// chains are the topic keys with more than one synonym: the finest unit wins, as in Kafka.
var chains = map[string][]fallback{
	"retention.ms":      {{"log.retention.ms", 1}, {"log.retention.minutes", 60_000}, {"log.retention.hours", 3_600_000}},
	"segment.ms":        {{"log.roll.ms", 1}, {"log.roll.hours", 3_600_000}},
	"segment.jitter.ms": {{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", 3_600_000}},
}

// fallbacks are the broker keys behind a topic or group key, nearest first.
func fallbacks(k configkey.Key) []fallback {
	if c, ok := chains[k.Name]; ok {
		return c
	}
	if k.Synonym == "" {
		return nil
	}
	return []fallback{{k.Synonym, 1}}
}

// Scope is what a key can be set on.
type Scope uint8

const (
	BrokerScope Scope = iota
	TopicScope
	GroupScope
	MetricsScope
)

func (s Scope) table() *configkey.Table {
	return [...]*configkey.Table{BrokerKeys, TopicKeys, GroupKeys, MetricsKeys}[s]
}

// IsList tells whether a key holds a comma-separated list.
func IsList(s Scope, key string) bool {
	k, ok := s.table().Lookup(key)
	return ok && k.Type == configkey.List
}

// Default is the value of a key that is not set on its resource; "" for an unknown one.
func (b *Broker) Default(s Scope, key string) string {
	k, ok := s.table().Lookup(key)
	switch {
	case !ok:
		return ""
	case s == BrokerScope:
		v, _ := b.Value(key)
		return v
	}
	v, _ := b.resolve(k)
	return v
}
