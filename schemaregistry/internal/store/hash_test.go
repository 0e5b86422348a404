package store

import "testing"

// TestHashAsConfluent holds the two vectors of Confluent's own test.
func TestHashAsConfluent(t *testing.T) {
	const text = `{"type":"record","name":"myrecord","fields":[{"type":"string","default":null,"name":"f"}]}`
	for _, c := range []struct {
		name  string
		meta  *Metadata
		rules *RuleSet
		want  string
	}{
		{name: "text alone", want: "1d20cbb9-e5e3-5e97-54e7-da170b6e5ddb"},
		{name: "a rule", meta: &Metadata{}, rules: &RuleSet{DomainRules: []Rule{{Kind: "TRANSFORM", Mode: "WRITEREAD"}}}, want: "16f1eca5-ebf9-22b3-da80-212f8fa7342e"},
	} {
		if got := HashOf(text, nil, c.meta, c.rules).GUID(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
