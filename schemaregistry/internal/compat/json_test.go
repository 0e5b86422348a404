package compat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, format, text string, refs ...Reference) Schema {
	t.Helper()
	s, err := Parse(format, text, refs)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// TestJSONDiff holds the rules of registry.md 15: whether the second schema accepts all that the first one accepted, and the first
// thing that is wrong when it does not.
func TestJSONDiff(t *testing.T) {
	const open, closed = `{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`
	for _, c := range []struct{ name, old, fresh, want string }{
		{"annotations", `{"type":"string","title":"a","default":"x"}`, `{"type":"string","description":"b"}`, ""},
		{"to anything", `{"type":"string"}`, `{}`, ""},
		{"to true", `{"type":"string"}`, `true`, ""},
		{"from false", `false`, `{"type":"string"}`, ""},
		{"to false", `{"type":"string"}`, `false`, "TYPE_NARROWED"},
		{"from anything", `{}`, `{"type":"string"}`, "TYPE_NARROWED"},
		{"type extended", `{"type":"string"}`, `{"type":["string","null"]}`, ""},
		{"type narrowed", `{"type":["string","null"]}`, `{"type":"string"}`, "TYPE_CHANGED"},
		{"type changed", `{"type":"string"}`, `{"type":"number"}`, "TYPE_CHANGED"},
		{"integer to number", `{"type":"integer"}`, `{"type":"number"}`, ""},
		{"number to integer", `{"type":"number"}`, `{"type":"integer"}`, "TYPE_CHANGED"},

		{"enum extended", `{"enum":["a"]}`, `{"enum":["b","a"]}`, ""},
		{"enum narrowed", `{"enum":["a","b"]}`, `{"enum":["a"]}`, "ENUM_ARRAY_CHANGED"},
		{"enum added", `{"type":"string"}`, `{"type":"string","enum":["a"]}`, "ENUM_ARRAY_ADDED"},
		{"const into enum", `{"const":1}`, `{"enum":[1,2]}`, ""},

		{"maxLength up", `{"type":"string","maxLength":3}`, `{"type":"string","maxLength":4}`, ""},
		{"maxLength down", `{"type":"string","maxLength":3}`, `{"type":"string","maxLength":2}`, "BOUND_NARROWED"},
		{"maxLength added", `{"type":"string"}`, `{"type":"string","maxLength":2}`, "BOUND_ADDED"},
		{"maxLength removed", `{"type":"string","maxLength":3}`, `{"type":"string"}`, ""},
		{"minimum down", `{"type":"number","minimum":1.5}`, `{"type":"number","minimum":1.25}`, ""},
		{"minimum up", `{"type":"number","minimum":1.5}`, `{"type":"number","minimum":2}`, "BOUND_NARROWED"},
		{"multipleOf reduced", `{"type":"number","multipleOf":10}`, `{"type":"number","multipleOf":2.5}`, ""},
		{"multipleOf changed", `{"type":"number","multipleOf":10}`, `{"type":"number","multipleOf":3}`, "MULTIPLE_OF_CHANGED"},
		{"pattern removed", `{"type":"string","pattern":"a"}`, `{"type":"string"}`, ""},
		{"pattern changed", `{"type":"string","pattern":"a"}`, `{"type":"string","pattern":"b"}`, "PATTERN_CHANGED"},
		{"uniqueItems removed", `{"type":"array","uniqueItems":true}`, `{"type":"array"}`, ""},
		{"uniqueItems added", `{"type":"array"}`, `{"type":"array","uniqueItems":true}`, "UNIQUE_ITEMS_ADDED"},

		{"property removed, open", open, `{"type":"object"}`, ""},
		{"property removed, closed", closed, `{"type":"object","additionalProperties":false}`, "TYPE_NARROWED"},
		{"property added, open", `{"type":"object"}`, open, "TYPE_NARROWED"},
		{"empty property added, open", `{"type":"object"}`, `{"type":"object","properties":{"a":{}}}`, ""},
		{"property added, closed", `{"type":"object","additionalProperties":false}`, closed, ""},
		{"false property removed, closed", `{"type":"object","properties":{"a":false},"additionalProperties":false}`, `{"type":"object","additionalProperties":false}`, ""},
		{"property added, covered by a pattern", `{"type":"object","patternProperties":{"^a":{"type":"string"}},"additionalProperties":false}`, `{"type":"object","patternProperties":{"^a":{"type":"string"}},"properties":{"ab":{"type":["string","null"]}},"additionalProperties":false}`, ""},
		{"property added, covered by additionalProperties", `{"type":"object","additionalProperties":{"type":"string"}}`, `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}}`, ""},
		{"property added, not covered", `{"type":"object","additionalProperties":{"type":"string"}}`, `{"type":"object","properties":{"a":{"type":"number"}},"additionalProperties":{"type":"string"}}`, "TYPE_CHANGED"},
		{"additionalProperties narrowed", open, closed, "TYPE_NARROWED"},
		{"additionalProperties extended", closed, open, ""},
		{"required added", closed, strings.Replace(closed, `"type":"object"`, `"type":"object","required":["a"]`, 1), "REQUIRED_ATTRIBUTE_ADDED"},
		{"required added with default", `{"type":"object","properties":{"a":{"type":"string","default":""}}}`, `{"type":"object","properties":{"a":{"type":"string","default":""}},"required":["a"]}`, ""},
		{"required removed", strings.Replace(closed, `"type":"object"`, `"type":"object","required":["a"]`, 1), closed, ""},
		{"dependency removed", `{"type":"object","dependencies":{"a":["b"]}}`, `{"type":"object"}`, ""},
		{"dependency added", `{"type":"object"}`, `{"type":"object","dependencies":{"a":["b"]}}`, "DEPENDENCY_ADDED"},
		{"dependency narrowed", `{"type":"object","dependencies":{"a":["b","c"]}}`, `{"type":"object","dependencies":{"a":["b"]}}`, ""},
		{"dependency extended", `{"type":"object","dependencies":{"a":["b"]}}`, `{"type":"object","dependencies":{"a":["b","c"]}}`, "DEPENDENCY_ARRAY_EXTENDED"},

		{"items widened", `{"type":"array","items":{"type":"integer"}}`, `{"type":"array","items":{"type":"number"}}`, ""},
		{"items narrowed", `{"type":"array","items":{"type":"number"}}`, `{"type":"array","items":{"type":"integer"}}`, "TYPE_CHANGED"},
		{"tuple longer, closed", `{"type":"array","items":[{"type":"string"}],"additionalItems":false}`, `{"type":"array","items":[{"type":"string"},{"type":"number"}],"additionalItems":false}`, ""},
		{"tuple shorter, closed", `{"type":"array","items":[{"type":"string"},{"type":"number"}],"additionalItems":false}`, `{"type":"array","items":[{"type":"string"}],"additionalItems":false}`, "TYPE_NARROWED"},
		{"tuple longer, open", `{"type":"array","items":[{"type":"string"}]}`, `{"type":"array","items":[{"type":"string"},{"type":"number"}]}`, "TYPE_NARROWED"},

		{"into anyOf", `{"type":"string"}`, `{"anyOf":[{"type":"null"},{"type":"string"}]}`, ""},
		{"into another anyOf", `{"type":"string"}`, `{"anyOf":[{"type":"null"},{"type":"number"}]}`, "COMBINED_TYPE_CHANGED"},
		{"one alone", `{"type":"string"}`, `{"oneOf":[{"type":"string"}]}`, ""},
		{"out of oneOf", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"type":["string","null"]}`, ""},
		{"out of oneOf, narrowed", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"type":"string"}`, "SUM_TYPE_NARROWED"},
		{"sum extended", `{"oneOf":[{"type":"string"}]}`, `{"oneOf":[{"type":"null"},{"type":"string"}]}`, ""},
		{"sum narrowed", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `{"anyOf":[{"type":"string"}]}`, "SUM_TYPE_NARROWED"},
		{"product narrowed", `{"allOf":[{"minLength":1},{"maxLength":9}]}`, `{"allOf":[{"maxLength":9}]}`, ""},
		{"product extended", `{"allOf":[{"maxLength":9}]}`, `{"allOf":[{"minLength":1},{"maxLength":9}]}`, "PRODUCT_TYPE_EXTENDED"},
		{"branches in another order", `{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}`, `{"oneOf":[{"type":"null"},{"type":"number"},{"type":"string"}]}`, ""},
		{"branches changed", `{"oneOf":[{"type":"string"},{"type":"integer"}]}`, `{"oneOf":[{"type":"null"},{"type":"string"}]}`, "COMBINED_TYPE_SUBSCHEMAS_CHANGED"},
		{"oneOf becomes anyOf", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `{"anyOf":[{"type":"string"},{"type":"null"}]}`, ""},
		{"anyOf becomes oneOf", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `{"oneOf":[{"type":"string"},{"type":"null"}]}`, "COMBINED_TYPE_CHANGED"},
		{"not narrowed", `{"not":{"type":["string","null"]}}`, `{"not":{"type":"string"}}`, ""},
		{"not extended", `{"not":{"type":"string"}}`, `{"not":{"type":["string","null"]}}`, "NOT_TYPE_EXTENDED"},

		{"through references", `{"definitions":{"s":{"type":"string"}},"type":"object","properties":{"a":{"$ref":"#/definitions/s"}}}`, open, ""},
		{"through other references", `{"definitions":{"s":{"type":"string"}},"type":"object","properties":{"a":{"$ref":"#/definitions/s"}}}`, `{"definitions":{"s":{"type":"number"}},"type":"object","properties":{"a":{"$ref":"#/definitions/s"}}}`, "TYPE_CHANGED"},
		{"recursive", `{"$id":"http://x/t","type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}}`, `{"$id":"http://x/t","type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"number"}}}`, ""},
		{"2020-12", `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"array","prefixItems":[{"type":"string"}],"items":false}`, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"array","prefixItems":[{"type":"string"},{"type":"null"}],"items":false}`, ""},
	} {
		got := mustParse(t, "JSON", c.fresh).Reads(mustParse(t, "JSON", c.old), Names{"new", "old"})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) == 0 || !strings.Contains(got[0], "'"+c.want+"'")) {
			t.Errorf("%s: %v, want %q", c.name, got, c.want)
		}
	}
}

// TestJSONAdmission: what is refused, and the text that is kept.
func TestJSONAdmission(t *testing.T) {
	for _, bad := range []string{``, `{`, `5`, `[]`, `{"type":"strin"}`, `{"$ref":"http://example.com/other.json"}`, `{"$ref":"#/definitions/none"}`, `{"pattern":"("}`} {
		if s, err := Parse("JSON", bad, nil); err == nil {
			t.Errorf("%s is admitted as %s", bad, s.Text())
		}
	}
	if got := mustParse(t, "JSON", " { \"type\" : \"string\",\n\"a\":[1, 2.50] } ").Text(); got != `{"type":"string","a":[1,2.50]}` {
		t.Error(got)
	}
	ref := Reference{"money.json", `{"type":"object","properties":{"cents":{"type":"integer"}}}`}
	user := `{"type":"object","properties":{"total":{"$ref":"money.json"}}}`
	s := mustParse(t, "JSON", user, ref)
	narrower := mustParse(t, "JSON", user, Reference{"money.json", `{"type":"object","properties":{"cents":{"type":"string"}}}`})
	if got := narrower.Reads(s, Names{"new", "old"}); len(got) != 1 || !strings.Contains(got[0], "/properties/total/properties/cents") {
		t.Errorf("%v", got)
	}
}

// TestComplexSchemasEnd: branches that fit to none of a thousand others are not compared for ever.
func TestComplexSchemasEnd(t *testing.T) {
	union := func(format string) string {
		var branches []string
		for i := range 2000 {
			branches = append(branches, fmt.Sprintf(format, i))
		}
		return strings.Join(branches, ",")
	}
	began := time.Now()
	for _, pair := range [][3]string{
		{"JSON", `{"anyOf":[` + union(`{"const":%d}`) + `]}`, `{"anyOf":[` + union(`{"const":"%d"}`) + `]}`},
		{"AVRO", `[` + union(`{"type":"fixed","name":"A%d","size":1}`) + `]`, `[` + union(`{"type":"fixed","name":"B%d","size":1}`) + `]`},
	} {
		if got := mustParse(t, pair[0], pair[2]).Reads(mustParse(t, pair[0], pair[1]), Names{"new", "old"}); len(got) == 0 {
			t.Errorf("%s: they fit", pair[0])
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestCheckLevels: which direction is looked at, and how many versions.
func TestCheckLevels(t *testing.T) {
	wide, narrow := mustParse(t, "AVRO", `"long"`), mustParse(t, "AVRO", `"int"`)
	for _, c := range []struct {
		level string
		fresh Schema
		old   []Schema // newest first
		fits  bool
	}{
		{"NONE", narrow, []Schema{wide}, true},
		{"BACKWARD", wide, []Schema{narrow}, true}, {"BACKWARD", narrow, []Schema{wide}, false},
		{"FORWARD", narrow, []Schema{wide}, true}, {"FORWARD", wide, []Schema{narrow}, false},
		{"FULL", wide, []Schema{narrow}, false}, {"FULL", wide, []Schema{wide}, true},
		{"BACKWARD", narrow, []Schema{narrow, wide}, true}, {"BACKWARD_TRANSITIVE", narrow, []Schema{narrow, wide}, false},
		{"BACKWARD", narrow, nil, true},
	} {
		var old []Old
		for i, s := range c.old {
			old = append(old, Old{len(c.old) - i, s})
		}
		got := Check(c.fresh, old, c.level)
		if (len(got) == 0) != c.fits {
			t.Errorf("%s, %s after %d versions: %v", c.level, c.fresh.Text(), len(c.old), got)
		}
		if !c.fits && !slices.ContainsFunc(got, func(m string) bool { return strings.HasPrefix(m, "{oldSchemaVersion: ") }) {
			t.Errorf("%s: which version it is about is not said: %v", c.level, got)
		}
	}
	if got := Check(mustParse(t, "JSON", `{"type":"string"}`), []Old{{1, wide}}, "BACKWARD"); len(got) == 0 {
		t.Error("another format fits")
	}
}

// FuzzJSON: a schema that is admitted accepts what it accepts itself, and ends.
func FuzzJSON(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`)
	f.Add(`{"oneOf":[{"type":"string"},{"not":{"minLength":2}}],"dependencies":{"a":["b"]}}`)
	f.Add(`{"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[true,{"const":1}],"items":{"enum":[1,"x"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("JSON", text, nil)
		if err != nil {
			return
		}
		if got := s.Reads(s, Names{"new", "old"}); len(got) > 0 {
			t.Fatalf("%s does not accept what it accepts: %v", text, got)
		}
		if again, err := Parse("JSON", s.Text(), nil); err != nil || again.Text() != s.Text() {
			t.Fatalf("%s has a text that does not come back: %v", text, err)
		}
	})
}
