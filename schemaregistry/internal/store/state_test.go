package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func apply(t *testing.T, s *State, records ...Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
}

func rec(key, value string) Record {
	r := Record{Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}

// fits lets everything be registered.
func fits([]*Schema, Config) []string { return nil }

// TestGoldenBytes holds the bytes of each key and value that are written: other registries read them, and compaction goes by the
// bytes of keys.
func TestGoldenBytes(t *testing.T) {
	s := New("BACKWARD")
	var got []string
	take := func(records []Record, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, records...)
		for _, r := range records {
			got = append(got, string(r.Key), string(r.Value))
		}
	}
	_, records, err := s.Register(Registration{Subject: "a<b", Text: `"int"`, Type: Avro}, fits)
	take(records, err)
	_, records, err = s.Register(Registration{
		Subject: "b", Text: `"long"`, Type: Avro, References: []Reference{{"r", "a<b", 1}},
		Metadata: &Metadata{Properties: map[string]string{"owner": "x"}}, RuleSet: &RuleSet{DomainRules: []Rule{{Name: "n", Type: "CEL"}}},
	}, fits)
	take(records, err)
	take(s.SetConfig("", Config{Level: "FULL"}))
	take(s.SetConfig("b", Config{Level: "NONE"}))
	take(s.SetMode("b", ReadWrite, false))
	_, records, err = s.DeleteSubject("b", false)
	take(records, err)
	_, records, err = s.DeleteSubject("b", true)
	take(records, err)
	take([]Record{Noop()}, nil)
	want := []string{
		`{"keytype":"SCHEMA","subject":"a<b","version":1,"magic":1}`, `{"subject":"a<b","version":1,"id":1,"md5":"` + md5Of(s, "a<b") + `","schema":"\"int\"","deleted":false}`,
		`{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}`,
		`{"subject":"b","version":1,"id":2,"md5":"MD5","references":[{"name":"r","subject":"a<b","version":1}],"metadata":{"properties":{"owner":"x"}},"ruleSet":{"domainRules":[{"name":"n","type":"CEL"}]},"schema":"\"long\"","deleted":false}`,
		`{"keytype":"CONFIG","subject":null,"magic":0}`, `{"compatibilityLevel":"FULL"}`,
		`{"keytype":"CONFIG","subject":"b","magic":0}`, `{"compatibilityLevel":"NONE"}`,
		`{"keytype":"MODE","subject":"b","magic":0}`, `{"mode":"READWRITE"}`,
		`{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}`,
		`{"subject":"b","version":1,"id":2,"md5":"MD5","references":[{"name":"r","subject":"a<b","version":1}],"metadata":{"properties":{"owner":"x"}},"ruleSet":{"domainRules":[{"name":"n","type":"CEL"}]},"schema":"\"long\"","deleted":true}`,
		`{"keytype":"CONFIG","subject":"b","magic":0}`, ``, `{"keytype":"MODE","subject":"b","magic":0}`, ``,
		`{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}`, ``,
		`{"keytype":"CONTEXT","tenant":"default","context":".","magic":0}`, `{"tenant":"default","context":".","nextId":3}`,
		`{"keytype":"CLEAR_SUBJECT","subject":"b","magic":0}`, `{"subject":"b"}`,
		`{"keytype":"NOOP","magic":0}`, ``,
	}
	for i := range want {
		if i < len(got) && strings.Contains(want[i], "MD5") { // the hash has a test of its own
			at := strings.Index(got[i], `"md5":"`) + 7
			want[i] = strings.Replace(want[i], "MD5", got[i][at:at+24], 1)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func md5Of(s *State, subject string) string {
	v, err := s.Version(subject, Latest, All)
	if err != nil {
		panic(err)
	}
	raw := string(marshal(v.hash[:]))
	return strings.Trim(raw, `"`)
}

// TestForeignRecords reads what other registries wrote: old forms, other orders of members, members of their own.
func TestForeignRecords(t *testing.T) {
	s := New("BACKWARD")
	apply(t, s,
		rec(`{"keytype":"NOOP","magic":0}`, ``),
		rec(`{"keytype":"SCHEMA","subject":"old","version":1,"magic":0}`, `{"subject":"old","version":1,"id":4,"schema":"\"int\""}`),
		rec(`{"subject": "karapace", "version": 1, "magic": 1, "keytype": "SCHEMA"}`, `{"deleted": false, "id": 5, "schema": "\"long\"", "subject": "karapace", "version": 1}`),
		rec(`{"seq":3,"node":0,"keytype":"SCHEMA","subject":"redpanda","version":1,"magic":1}`, `{"subject":"redpanda","version":1,"id":6,"schema":"\"float\"","deleted":false}`),
		rec(`{"keytype":"SCHEMA","subject":"new","version":1,"magic":1}`, `{"subject":"new","version":1,"id":7,"md5":"AAAAAAAAAAAAAAAAAAAAAA==","schema":"\"bytes\"","deleted":false,"offset":9,"ts":1,"schemaTags":[{"x":1}]}`),
		rec(`{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}`, `{"subject":"gone","version":1,"id":8,"schema":"\"null\"","deleted":false}`),
		rec(`{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}`, `{"subject":"gone","version":1}`),
		rec(`{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}`, ``),
		rec(`{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}`, `{"tenant":"default","context":".c"}`),
	)
	if got := fmt.Sprint(s.Subjects("", Live), s.Subjects("", Deleted)); got != "[karapace new old redpanda] [gone]" {
		t.Errorf("subjects: %s", got)
	}
	for _, bad := range []Record{
		rec(`no json`, `{}`), rec(`{"keytype":"SCHEMA","subject":"x","version":1,"magic":2}`, `{}`), rec(`{"keytype":"ASSOCIATION","magic":0}`, `{}`),
		rec(`{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}`, `{"id":"seven"}`), rec(`{"keytype":"CONFIG","subject":null,"magic":0}`, `[]`),
	} {
		if err := s.Apply(bad); err == nil {
			t.Errorf("%s is no record, and nothing is said", bad.Key)
		}
	}
	_, records, err := s.DeleteSubject("new", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(records[0].Value); !strings.HasSuffix(got, `"deleted":true,"schemaTags":[{"x":1}]}`) {
		t.Errorf("what is not known is lost: %s", got)
	}
	v, _, err := s.Register(Registration{Subject: "next", Text: `"boolean"`, Type: Avro}, fits)
	if err != nil || v.ID != 9 {
		t.Errorf("the next id is %d, want 9: %v", v.ID, err)
	}
}

// TestConfigChain looks for a setting where the next wider scope has it.
func TestConfigChain(t *testing.T) {
	s := New("BACKWARD")
	level := func(subject string) string { c, _ := s.Config(subject, true); return c.Level }
	for _, step := range []struct{ scope, level, want string }{
		{"", "", "BACKWARD"}, {"", "FORWARD", "FORWARD"}, {":.__GLOBAL:", "FULL", "FULL"}, {":.c:", "NONE", "NONE"}, {":.c:s", "FULL_TRANSITIVE", "FULL_TRANSITIVE"},
	} {
		if step.level != "" {
			records, err := s.SetConfig(step.scope, Config{Level: step.level})
			if err != nil {
				t.Fatal(err)
			}
			apply(t, s, records...)
		}
		if got := level(":.c:s"); got != step.want {
			t.Errorf("with %q at %q the level is %s, want %s", step.level, step.scope, got, step.want)
		}
	}
	if got := level("other"); got != "FULL" {
		t.Errorf("a subject of the default context has %s", got)
	}
}

// TestContexts: each context has its own ids; an unqualified name is looked for in all of them.
func TestContexts(t *testing.T) {
	s := New("NONE")
	for i, c := range []struct {
		subject, text string
		id            int
	}{{"a", `"int"`, 1}, {":.c:a", `"long"`, 1}, {":.c:b", `"int"`, 2}, {":.d:only", `"null"`, 1}, {"b", `"int"`, 1}} {
		v, records, err := s.Register(Registration{Subject: c.subject, Text: c.text, Type: Avro}, fits)
		if err != nil || v.ID != c.id {
			t.Fatalf("%d: %s has id %d, want %d: %v", i, c.subject, v.ID, c.id, err)
		}
		apply(t, s, records...)
	}
	if v, err := s.Version("only", Latest, Live); err != nil || v.Subject != ":.d:only" {
		t.Errorf("only: %v, %v", v, err)
	}
	if got := fmt.Sprint(s.Contexts(), s.Subjects(AnyContext, Live), s.Subjects(":.c:", Live)); got != "[. .c .d] [:.c:a :.c:b :.d:only a b] [:.c:a :.c:b]" {
		t.Error(got)
	}
}

// TestReplayEqualsLive makes random changes; a state that replays the log, or the log as compaction leaves it, is the same, but for
// nothing: not even the next id.
func TestReplayEqualsLive(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := New("BACKWARD")
		var log []Record
		for range 60 {
			records := change(r, s)
			log = append(log, records...)
			apply(t, s, records...)
		}
		for name, records := range map[string][]Record{"replay": log, "compacted": compacted(log)} {
			again := New("BACKWARD")
			apply(t, again, records...)
			if live, got := dump(s), dump(again); live != got {
				t.Fatalf("seed %d, %s:\n%s\nlive:\n%s", seed, name, got, live)
			}
		}
	}
}

// change decides on something at random; a refusal is nothing to write.
func change(r *rand.Rand, s *State) (records []Record) {
	subject := []string{"a", "b", ":.c:a"}[r.IntN(3)]
	switch r.IntN(9) {
	case 0, 1, 2, 3:
		_, records, _ = s.Register(Registration{Subject: subject, Text: fmt.Sprintf(`"t%d"`, r.IntN(6)), Type: Avro}, fits)
	case 4:
		_, records, _ = s.DeleteVersion(subject, 1+r.IntN(4), r.IntN(2) == 0)
	case 5:
		_, records, _ = s.DeleteSubject(subject, r.IntN(2) == 0)
	case 6:
		records, _ = s.SetConfig(subject, Config{Level: levels[r.IntN(len(levels))]})
	case 7:
		_, records, _ = s.DeleteConfig(subject)
	case 8:
		records, _ = s.SetMode(subject, []string{ReadWrite, ReadOnly, Import}[r.IntN(3)], r.IntN(2) == 0)
	}
	return records
}

// compacted keeps the last record of each key, and no tombstones.
func compacted(log []Record) (out []Record) {
	last := map[string]int{}
	for i, r := range log {
		last[string(r.Key)] = i
	}
	for i, r := range log {
		if last[string(r.Key)] == i && r.Value != nil {
			out = append(out, r)
		}
	}
	return out
}

func dump(s *State) string {
	var b strings.Builder
	for _, subject := range s.Subjects(AnyContext, All) {
		for _, v := range s.versions(subject) {
			fmt.Fprintf(&b, "%s %d: %d %s deleted %v\n", subject, v.Version, v.ID, v.Text, v.Deleted)
		}
	}
	for _, ctx := range s.Contexts() {
		space := s.peek(ctx)
		fmt.Fprintf(&b, "context %s: next %d, %d ids, %v\n", ctx, space.next, len(space.byID), space.byHash)
	}
	fmt.Fprintf(&b, "modes %v\n", s.modes)
	for _, scope := range []string{"", "a", "b", ":.c:a"} {
		c, ok := s.Config(scope, false)
		fmt.Fprintf(&b, "config %s %v %v\n", scope, c, ok)
	}
	return b.String()
}

// FuzzApply: no record makes the state panic, and what was applied can be decided on.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}`), []byte(`{"subject":"s","version":1,"id":1,"schema":"\"int\""}`))
	f.Add([]byte(`{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}`), []byte(`{"subject":"s","version":1}`))
	f.Add([]byte(`{"keytype":"CONFIG","subject":null,"magic":0}`), []byte(`{"compatibilityLevel":"FULL","defaultRuleSet":{}}`))
	f.Add([]byte(`{"keytype":"CONTEXT","context":".c"}`), []byte(`{"nextId":2147483647}`))
	f.Fuzz(func(_ *testing.T, key, value []byte) {
		s := New("BACKWARD")
		for range 2 {
			_ = s.Apply(Record{key, value}) // refused or not
		}
		for _, subject := range s.Subjects(AnyContext, All) {
			_, _, _ = s.Register(Registration{Subject: subject, Text: `"int"`, Type: Avro}, fits)
			_, _, _ = s.DeleteSubject(subject, true)
		}
		_, _, _ = s.Register(Registration{Subject: "s", Text: `"int"`, Type: Avro}, fits)
	})
}
