package config

import (
	"slices"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Entry is one row of DescribeConfigs.
type Entry struct {
	Key      configkey.Key
	Value    *string // nil: unset, or sensitive
	Source   Source
	ReadOnly bool
	Synonyms []Synonym // where a value could come from, nearest first
}

// Synonym is one layer of an Entry.
type Synonym struct {
	Name   string
	Value  *string
	Source Source
}

// selected are the keys of a table that names asks for, in the table's order; no names ask for all but
// keys of our own at their default, so that the answer is Kafka's (broker.md section 2).
func selected(t *configkey.Table, names []string, isSet func(name string) bool) []configkey.Key {
	var out []configkey.Key
	for _, k := range t.Keys() {
		switch {
		case len(names) > 0 && !slices.Contains(names, k.Name):
		case len(names) == 0 && k.Ours && !isSet(k.Name):
		default:
			out = append(out, k)
		}
	}
	return out
}

// DescribeTopic lists the configuration of a topic.
func (b *Broker) DescribeTopic(overrides map[string]string, replicas int, names []string) []Entry {
	isSet := func(name string) bool {
		_, source := b.topicValue(name, overrides, replicas)
		return source != FromDefault
	}
	var out []Entry
	for _, k := range selected(TopicKeys, names, isSet) {
		value, source := b.topicValue(k.Name, overrides, replicas)
		e := Entry{Key: k, Value: &value, Source: source}
		if own, ok := overrides[k.Name]; ok {
			e.Synonyms = append(e.Synonyms, Synonym{k.Name, &own, FromTopic})
		}
		if k.Name == "min.insync.replicas" && (source == FromClusterDefault || source == FromTopic) && b.Cluster[k.Name] == "" {
			v := defaultMinISR(replicas)
			e.Synonyms = append(e.Synonyms, Synonym{k.Name, &v, FromClusterDefault})
		}
		e.Synonyms = append(e.Synonyms, b.fallbackSynonyms(k)...)
		out = append(out, e)
	}
	return out
}

// fallbackSynonyms are the layers behind a topic or group key. Of coarser units (log.retention.hours) only values that
// somebody set are listed, as Kafka does.
func (b *Broker) fallbackSynonyms(k configkey.Key) []Synonym {
	var out []Synonym
	for i, f := range fallbacks(k) {
		for _, s := range b.synonyms(f.key) {
			if i == 0 || s.Source != FromDefault {
				out = append(out, s)
			}
		}
	}
	return out
}

// synonyms are the layers of a broker key as DescribeConfigs lists them.
func (b *Broker) synonyms(name string) []Synonym {
	var out []Synonym
	for _, l := range b.layers(name) {
		out = append(out, Synonym{name, &l.value, l.source})
	}
	return out
}

// DescribeBroker lists the configuration of this broker.
func (b *Broker) DescribeBroker(names []string) []Entry {
	isSet := func(name string) bool { l := b.layers(name); return len(l) > 0 && l[0].source != FromDefault }
	var out []Entry
	for _, k := range selected(BrokerKeys, names, isSet) {
		e := Entry{Key: k, Source: FromDefault, ReadOnly: k.Change == configkey.Restart, Synonyms: b.synonyms(k.Name)}
		if k.Name == "min.insync.replicas" && len(e.Synonyms) > 0 && e.Synonyms[0].Source == FromDefault {
			one := defaultMinISR(1)
			e.Synonyms = slices.Insert(e.Synonyms, 0, Synonym{k.Name, &one, FromClusterDefault})
		}
		if len(e.Synonyms) > 0 {
			e.Value, e.Source = e.Synonyms[0].Value, e.Synonyms[0].Source
		}
		if k.Sensitive() {
			e.Value = nil
			for i := range e.Synonyms {
				e.Synonyms[i].Value = nil
			}
		}
		out = append(out, e)
	}
	return out
}

// DescribeClusterDefault lists the dynamic defaults of all brokers.
func (b *Broker) DescribeClusterDefault(names []string) []Entry {
	var out []Entry
	for _, k := range BrokerKeys.Keys() {
		v, ok := b.Cluster[k.Name]
		if !ok || len(names) > 0 && !slices.Contains(names, k.Name) {
			continue
		}
		e := Entry{Key: k, Value: &v, Source: FromClusterDefault, Synonyms: []Synonym{{k.Name, &v, FromClusterDefault}}}
		if k.Sensitive() {
			e.Value, e.Synonyms[0].Value = nil, nil
		}
		out = append(out, e)
	}
	return out
}

// DescribeGroup lists the configuration of a group.
func (b *Broker) DescribeGroup(overrides map[string]string, names []string) []Entry {
	return b.describe(GroupKeys, FromGroup, overrides, names)
}

// DescribeMetrics lists a client-metrics subscription.
func (b *Broker) DescribeMetrics(overrides map[string]string, names []string) []Entry {
	return b.describe(MetricsKeys, FromClientMetrics, overrides, names)
}

func (b *Broker) describe(t *configkey.Table, from Source, overrides map[string]string, names []string) []Entry {
	var out []Entry
	for _, k := range selected(t, names, func(string) bool { return true }) {
		value, source := b.resolve(k)
		e := Entry{Key: k, Value: &value, Source: source}
		if own, ok := overrides[k.Name]; ok {
			e.Value, e.Source = &own, from
			e.Synonyms = append(e.Synonyms, Synonym{k.Name, &own, from})
		}
		e.Synonyms = append(e.Synonyms, b.fallbackSynonyms(k)...)
		if from == FromGroup && k.Synonym == "" {
			e.Synonyms = append(e.Synonyms, Synonym{k.Name, &k.Default, FromDefault})
		}
		out = append(out, e)
	}
	return out
}
