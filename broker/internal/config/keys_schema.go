package config

import (
	"strings"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// schemaKeys say what a topic demands of its records (registry.md 17.3). Confluent's and Redpanda's keys mean the same; ours wins
// where it is set.
var schemaKeys = []configkey.Key{
	{Name: "mainstem.key.schema.validation", Default: "none", OneOf: schemaLevels, Change: configkey.Topic, Ours: true, Doc: "What is demanded of a record's key: none; id, that it names a schema of its subject; decode, that it is data of that schema as well; rule, that the schema's conditions hold too: domain rules in CEL, Protovalidate's options."},
	{Name: "mainstem.value.schema.validation", Default: "none", OneOf: schemaLevels, Change: configkey.Topic, Ours: true, Doc: "What is demanded of a record's value: none; id, that it names a schema of its subject; decode, that it is data of that schema as well; rule, that the schema's conditions hold too: domain rules in CEL, Protovalidate's options."},
	{Name: "mainstem.key.schema.validation.action", Default: "reject", OneOf: schemaActions, Change: configkey.Topic, Ours: true, Doc: "What becomes of records whose key does not pass: reject refuses the batch, dlq writes them to another topic and appends the others, warn appends and counts them."},
	{Name: "mainstem.value.schema.validation.action", Default: "reject", OneOf: schemaActions, Change: configkey.Topic, Ours: true, Doc: "What becomes of records whose value does not pass: reject refuses the batch, dlq writes them to another topic and appends the others, warn appends and counts them."},
	{Name: "mainstem.key.subject.name.strategy", Default: "topic", OneOf: subjectStrategies, Change: configkey.Topic, Ours: true, Doc: "The subject of keys: topic is NAME-key, record is the name of the record, topic-record is both."},
	{Name: "mainstem.value.subject.name.strategy", Default: "topic", OneOf: subjectStrategies, Change: configkey.Topic, Ours: true, Doc: "The subject of values: topic is NAME-value, record is the name of the record, topic-record is both."},
	{Name: "mainstem.schema.validation.tombstones", Default: "allow", OneOf: []string{"allow", "deny"}, Change: configkey.Topic, Ours: true, Doc: "Whether a record without a value passes the validation of values."},
	{Name: "mainstem.schema.validation.dlq.topic", Change: configkey.Topic, Ours: true, Doc: "Where the action dlq writes records; NAME.dlq when empty. It is made when it is missing."},
	{Name: "confluent.key.schema.validation", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Ours: true, Doc: "true is mainstem.key.schema.validation=id."},
	{Name: "confluent.value.schema.validation", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Ours: true, Doc: "true is mainstem.value.schema.validation=id."},
	{Name: "confluent.key.subject.name.strategy", Default: confluentStrategies[0], OneOf: confluentStrategies, Change: configkey.Topic, Ours: true, Doc: "mainstem.key.subject.name.strategy by the name of Confluent's class."},
	{Name: "confluent.value.subject.name.strategy", Default: confluentStrategies[0], OneOf: confluentStrategies, Change: configkey.Topic, Ours: true, Doc: "mainstem.value.subject.name.strategy by the name of Confluent's class."},
	{Name: "redpanda.key.schema.id.validation", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Ours: true, Doc: "true is mainstem.key.schema.validation=id."},
	{Name: "redpanda.value.schema.id.validation", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Ours: true, Doc: "true is mainstem.value.schema.validation=id."},
	{Name: "redpanda.key.subject.name.strategy", Default: "TopicNameStrategy", OneOf: confluentStrategies, Change: configkey.Topic, Ours: true, Doc: "mainstem.key.subject.name.strategy by the name of Confluent's class."},
	{Name: "redpanda.value.subject.name.strategy", Default: "TopicNameStrategy", OneOf: confluentStrategies, Change: configkey.Topic, Ours: true, Doc: "mainstem.value.subject.name.strategy by the name of Confluent's class."},
}

var (
	schemaLevels        = []string{"none", "id", "decode", "rule"}
	schemaActions       = []string{"reject", "dlq", "warn"}
	subjectStrategies   = []string{"topic", "record", "topic-record"}
	confluentStrategies = []string{
		strategyPackage + "TopicNameStrategy", strategyPackage + "RecordNameStrategy", strategyPackage + "TopicRecordNameStrategy",
		"TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy",
	}
)

const strategyPackage = "io.confluent.kafka.serializers.subject."

// Validation is what a topic demands of its records.
type Validation struct {
	Key, Value     FieldValidation
	DenyTombstones bool
	DeadLetters    string // the topic for them; "" is the topic's own name with .dlq
}

// FieldValidation is what a topic demands of its keys or of its values.
type FieldValidation struct {
	Level    string // none, id, decode or rule
	Action   string // reject, dlq or warn
	Strategy string // topic, record or topic-record
}

// DemandsSchemas tells whether a value of a topic key turns validation on.
func DemandsSchemas(key, value string) bool {
	switch key {
	case "mainstem.key.schema.validation", "mainstem.value.schema.validation":
		return value != "none"
	case "confluent.key.schema.validation", "confluent.value.schema.validation", "redpanda.key.schema.id.validation", "redpanda.value.schema.id.validation":
		return strings.EqualFold(value, "true")
	}
	return false
}

// Active tells whether anything is demanded.
func (f FieldValidation) Active() bool { return f.Level != "none" }

// validation answers nil for a topic that demands nothing, which is most of them. get reads a topic key and says whether the
// topic has a value of its own.
func validation(get func(name string) (value string, set bool)) *Validation {
	v := &Validation{Key: fieldValidation("key", get), Value: fieldValidation("value", get)}
	if !v.Key.Active() && !v.Value.Active() {
		return nil
	}
	tombstones, _ := get("mainstem.schema.validation.tombstones")
	v.DenyTombstones = tombstones == "deny"
	v.DeadLetters, _ = get("mainstem.schema.validation.dlq.topic")
	return v
}

func fieldValidation(field string, get func(string) (string, bool)) FieldValidation {
	var f FieldValidation
	f.Action, _ = get("mainstem." + field + ".schema.validation.action")
	level, set := get("mainstem." + field + ".schema.validation")
	if f.Level = level; !set {
		for _, alias := range []string{"confluent." + field + ".schema.validation", "redpanda." + field + ".schema.id.validation"} {
			if on, _ := get(alias); strings.EqualFold(on, "true") {
				f.Level = "id"
			}
		}
	}
	var own bool
	if f.Strategy, own = get("mainstem." + field + ".subject.name.strategy"); own {
		return f
	}
	for _, alias := range []string{"confluent.", "redpanda."} {
		if class, set := get(alias + field + ".subject.name.strategy"); set {
			f.Strategy = strategyOf(class)
			break
		}
	}
	return f
}

func strategyOf(class string) string {
	switch strings.TrimPrefix(class, strategyPackage) {
	case "RecordNameStrategy":
		return "record"
	case "TopicRecordNameStrategy":
		return "topic-record"
	}
	return "topic"
}
