package config

import "testing"

func TestValidationByAnyName(t *testing.T) {
	b := &Broker{Static: load(t)}
	if v := b.Topic(map[string]string{"cleanup.policy": "compact", "mainstem.value.schema.validation.action": "dlq"}, 1).Validation; v != nil {
		t.Errorf("a topic that demands nothing has %+v", v)
	}
	off := FieldValidation{Level: "none", Action: "reject", Strategy: "topic"}
	for _, c := range []struct {
		name string
		set  map[string]string
		want Validation
	}{
		{
			"ours", map[string]string{"mainstem.value.schema.validation": "decode", "mainstem.value.schema.validation.action": "dlq", "mainstem.value.subject.name.strategy": "record", "mainstem.schema.validation.tombstones": "deny", "mainstem.schema.validation.dlq.topic": "dead"},
			Validation{Key: off, Value: FieldValidation{"decode", "dlq", "record"}, DenyTombstones: true, DeadLetters: "dead"},
		},
		{
			"Confluent's", map[string]string{"confluent.key.schema.validation": "true", "confluent.key.subject.name.strategy": strategyPackage + "TopicRecordNameStrategy"},
			Validation{Key: FieldValidation{"id", "reject", "topic-record"}, Value: off},
		},
		{
			"Redpanda's", map[string]string{"redpanda.value.schema.id.validation": "TRUE", "redpanda.value.subject.name.strategy": "RecordNameStrategy"},
			Validation{Key: off, Value: FieldValidation{"id", "reject", "record"}},
		},
		{
			"ours wins", map[string]string{"redpanda.value.schema.id.validation": "true", "mainstem.value.schema.validation": "none", "mainstem.key.schema.validation": "id"},
			Validation{Key: FieldValidation{"id", "reject", "topic"}, Value: off},
		},
	} {
		if got := b.Topic(c.set, 1).Validation; got == nil || *got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		for key, value := range c.set {
			if err := CheckTopic(key, value); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	for key, value := range map[string]string{"mainstem.value.schema.validation": "full", "confluent.value.schema.validation": "id", "redpanda.key.subject.name.strategy": "topic"} {
		if CheckTopic(key, value) == nil {
			t.Errorf("%s=%s is accepted", key, value)
		}
	}
}
