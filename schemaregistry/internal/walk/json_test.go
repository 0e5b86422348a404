package walk

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const jsonOrder = `{"type":"object","properties":{"id":{"type":"string","minLength":1},"total":{"type":"number","minimum":0},
	"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}},"required":["id"],"additionalProperties":false}`

func compiled(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:x.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:x.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJSONSaysWhereAndWhy(t *testing.T) {
	w := JSON(compiled(t, jsonOrder))
	for _, c := range []struct{ name, data, want string }{
		{"valid", `{"id":"a","total":1.5,"lines":[{"sku":"x"}]} `, ""},
		{"brackets in text", `{"id":"` + strings.Repeat("[", 100) + `\""}`, ""},
		{"nothing", ``, "no JSON: EOF"},
		{"cut short", `{"id":"a"`, "no JSON: unexpected EOF"},
		{"something behind", `{"id":"a"}{}`, "no JSON: invalid character after top-level value"},
		{"no UTF-8", "{\"id\":\"\xff\"}", "a string is not UTF-8"},
		{"a field is missing", `{}`, "not valid: missing property 'id'"},
		{"a field within", `{"id":"a","lines":[{"sku":"x"},{"sku":7}]}`, "field lines.1.sku: not valid: got number, want string"},
		{"a field too many", `{"id":"a","x":1}`, "not valid: additional properties 'x' not allowed"},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "nested deeper than 64 (byte 64)"},
	} {
		got := ""
		if err := w.Check([]byte(c.data)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	w := JSON(compiled(f, jsonOrder))
	f.Add([]byte(`{"id":"a","total":1.5,"lines":[{"sku":"x"}]}`))
	f.Add([]byte(`[[{"\"":[]}]]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if w.Check(data) == nil && !json.Valid(data) {
			t.Errorf("%q is accepted and no JSON", data)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	w, data := JSON(compiled(b, jsonOrder)), []byte(`{"id":"4f1c6bb2-1d","total":129.95,"lines":[{"sku":"7"},{"sku":"1200"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}
