package config

import "strings"

// Validation is what a topic asks of the schemas of its records (registry.md 17.3).
type Validation struct {
	Key, Value     FieldValidation
	DenyTombstones bool
	DeadLetters    string // topic; empty: <topic>.dlq
}

// FieldValidation is the part for keys or for values. The zero value asks for nothing.
type FieldValidation struct {
	Level    string // "", id or decode
	Action   string // reject, dlq or warn
	Strategy string // topic, record or topic-record
}

// Active tells whether there is anything to check.
func (v Validation) Active() bool { return v.Key.Level != "" || v.Value.Level != "" }

// validation reads the keys of our own, then those of others that mean the same.
func validation(get func(string) string) Validation {
	return Validation{
		Key: fieldValidation("key", get), Value: fieldValidation("value", get),
		DenyTombstones: get("mainstem.schema.validation.tombstones") == "deny", DeadLetters: get("mainstem.schema.validation.dlq.topic"),
	}
}

func fieldValidation(field string, get func(string) string) FieldValidation {
	own := "mainstem." + field + "."
	f := FieldValidation{Level: get(own + "schema.validation"), Action: get(own + "schema.validation.action"), Strategy: get(own + "subject.name.strategy")}
	if f.Level == "none" {
		f.Level = ""
		if get("confluent."+field+".schema.validation") == "true" || get("redpanda."+field+".schema.id.validation") == "true" {
			f.Level = "id"
		}
	}
	for _, foreign := range []string{"confluent.", "redpanda."} {
		if s := strategy(get(foreign + field + ".subject.name.strategy")); s != "" && f.Strategy == "topic" {
			f.Strategy = s
		}
	}
	return f
}

// strategy understands the class names of Confluent's strategies and the short names of Redpanda's.
func strategy(name string) string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	switch name {
	case "RecordNameStrategy":
		return "record"
	case "TopicRecordNameStrategy":
		return "topic-record"
	case "TopicNameStrategy":
		return "topic"
	}
	return ""
}
