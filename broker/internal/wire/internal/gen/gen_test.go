package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// definition shows every part of the language.
const definition = `{
  "apiKey": 7, "type": "request", "name": "ThingRequest", // a comment
  // another "one"
  "validVersions": "1-3", "flexibleVersions": "2+",
  "fields": [
    { "name": "Url", "type": "string", "versions": "0+", "nullableVersions": "2+", "about": "as in http://x" },
    { "name": "A", "type": "int32", "versions": "0+" },
    { "name": "B", "type": "bool", "versions": "3+" },
    { "name": "List", "type": "[]Part", "versions": "0+", "fields": [
      { "name": "Id", "type": "uuid", "versions": "0+" },
      { "name": "Data", "type": "records", "versions": "0+", "nullableVersions": "0+" } ]},
    { "name": "Tagged", "type": "int64", "versions": "3+", "taggedVersions": "3+", "tag": 5 },
    { "name": "Maybe", "type": "Shared", "versions": "3+", "nullableVersions": "3+" }
  ],
  "commonStructs": [ { "name": "Shared", "versions": "0+", "fields": [ { "name": "X", "type": "int8", "versions": "0+" } ] } ]
}`

func TestADefinitionBecomesProgramsByVersion(t *testing.T) {
	var m message
	if err := json.Unmarshal(withoutComments([]byte(definition)), &m); err != nil {
		t.Fatal(err)
	}
	tables, err := compileAll([]message{m})
	if err != nil {
		t.Fatal(err)
	}
	s := tables.requests[0]
	if s.name != "Thing" || s.min != 1 || s.max != 3 || s.flexible != 2 || len(s.programs) != 3 {
		t.Fatalf("got %+v", s)
	}
	for i, want := range []string{
		"opString opFixed4 opArray",
		"opStringCompact? opFixed4 opArrayCompact opTags",
		"opStringCompact? opFixed5 opArrayCompact opMaybe opTags",
	} {
		if got := tables.describe(s.programs[i]); got != want {
			t.Errorf("version %d: %s, want %s", s.min+i, got, want)
		}
	}
	if last := tables.sections[len(tables.sections)-1]; len(last) != 1 || last[0].tag != 5 {
		t.Errorf("tags %v", tables.sections)
	}
	src, err := tables.source()
	if err != nil || !strings.Contains(string(src), `name: "Thing", min: 1, max: 3, flexible: 2`) {
		t.Errorf("%v\n%s", err, src)
	}
}

// describe writes a program in a line; a question mark means nullable.
func (t *tables) describe(program int) string {
	var words []string
	for _, s := range t.programs[program].steps {
		word := s.code
		if s.code == "opFixed" {
			word += string(rune('0' + s.n))
		}
		if s.null {
			word += "?"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestElementsOfNoBytesAreRefused(t *testing.T) {
	var m message
	hollow := strings.Replace(definition, `"type": "uuid", "versions": "0+"`, `"type": "uuid", "versions": "2+"`, 1)
	hollow = strings.Replace(hollow, `"type": "records", "versions": "0+"`, `"type": "records", "versions": "2+"`, 1)
	if err := json.Unmarshal(withoutComments([]byte(hollow)), &m); err != nil {
		t.Fatal(err)
	}
	if _, err := compileAll([]message{m}); err == nil {
		t.Error("an array without a bound on its count was compiled")
	}
}

func TestWithoutJarsTheTablesStay(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tables.go")
	if err := run("", out); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
	if err := run(t.TempDir(), out); err == nil {
		t.Error("a directory without jars was taken")
	}
}

// With KAFKA_JARS set the committed tables must be what the jars give.
func TestCommittedTablesAreUpToDate(t *testing.T) {
	jars := os.Getenv("KAFKA_JARS")
	if jars == "" {
		t.Skip("KAFKA_JARS names no directory")
	}
	out := filepath.Join(t.TempDir(), "tables.go")
	if err := run(jars, out); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../zz_generated_shapes.go")
	if err != nil || string(fresh) != string(committed) {
		t.Errorf("they differ; %v", err)
	}
}
