package configkey

import "testing"

func TestCheckSaysWhatIsWrong(t *testing.T) {
	ratio := Key{Name: "r", Type: Double, Min: "0", Max: "1"}
	lag := Key{Name: "lag", Type: Long, Min: "1"}
	level := Key{Name: "level", Type: Int, Min: "1", Max: "9", OneOf: []string{"-1"}}
	policy := Key{Name: "policy", Type: List, OneOf: []string{"compact", "delete"}}
	kind := Key{Name: "kind", Type: String, OneOf: []string{"CreateTime", "LogAppendTime"}}
	for _, c := range []struct {
		key   Key
		value string
		ok    bool
	}{
		{ratio, "0.5", true}, {ratio, "1.5", false}, {ratio, "NaN", false}, {ratio, "x", false},
		{lag, "1", true}, {lag, "0", false}, {lag, "9223372036854775808", false},
		{level, "-1", true}, {level, "0", false}, {level, "9", true}, {level, "10", false},
		{policy, "", true}, {policy, "delete, compact", true}, {policy, "delete,x", false},
		{kind, "CreateTime", true}, {kind, "createtime", false},
		{Key{Name: "b", Type: Bool}, "TRUE", true}, {Key{Name: "b", Type: Bool}, "yes", false},
		{Key{Name: "s", Type: Short}, "40000", false},
	} {
		if err := c.key.Check(c.value); (err == nil) != c.ok {
			t.Errorf("%s=%q: got %v, want ok %v", c.key.Name, c.value, err, c.ok)
		}
	}
}

func TestSuggestFindsTheNearestName(t *testing.T) {
	table := NewTable([]Key{{Name: "log.retention.ms"}, {Name: "num.partitions"}})
	for typo, want := range map[string]string{"log.retention.msec": "log.retention.ms", "num.partition": "num.partitions", "zookeeper.connect": ""} {
		if got := table.Suggest(typo); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", typo, got, want)
		}
	}
}
