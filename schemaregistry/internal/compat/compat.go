// Package compat owns the formats of schemas: their admission, the text that is their identity, and why a new schema does not
// fit to an old one, in the words of Confluent's registry (registry.md 7.5, 13). One file a format. Pure.
package compat

import (
	"fmt"
	"slices"
	"strings"
)

// Schema is an admitted schema.
type Schema interface {
	// Text is what is stored and handed out.
	Text() string
	// Reads lists why data of a writer cannot be read with this schema; names say which of them is the new one.
	Reads(writer Schema, names Names) []string
}

// Names are what a message calls the reader and the writer: "new" and "old".
type Names struct{ Reader, Writer string }

// Reference is a schema that another uses, by name.
type Reference struct{ Name, Text string }

// Types lists the formats, as GET /schemas/types does.
func Types() []string { return []string{"JSON", "PROTOBUF", "AVRO"} }

// Parse admits a schema. Refs come before their users.
func Parse(format, text string, refs []Reference) (Schema, error) {
	switch format {
	case "", "AVRO":
		return parseAvro(text, refs)
	case "JSON":
		return parseJSON(text, refs)
	case "PROTOBUF":
		return parseProto(text, refs)
	}
	return nil, fmt.Errorf("no schema of type %s can be read here: one of %s", format, strings.Join(Types(), ", "))
}

// Bounds of a JSON Schema or a .proto file: those who compile them have none, and go as deep as their input.
const (
	maxSourceBytes   = 1 << 20
	maxSourceNesting = 100
)

func checkSource(text string) error {
	if len(text) > maxSourceBytes {
		return fmt.Errorf("%d bytes, and a schema may have %d", len(text), maxSourceBytes)
	}
	depth := 0
	for _, c := range []byte(text) {
		switch c {
		case '{', '[', '(', '<':
			depth++
		case '}', ']', ')', '>':
			depth = max(0, depth-1)
		}
		if depth > maxSourceNesting {
			return fmt.Errorf("nested deeper than %d", maxSourceNesting)
		}
	}
	return nil
}

// Old is a version to compare with.
type Old struct {
	Version int
	Schema  Schema
}

// Check lists why a new schema does not fit to the old ones under a level, in the words of a verbose answer. The first old one
// that does not fit ends it.
func Check(fresh Schema, old []Old, level string) []string {
	level, transitive := strings.CutSuffix(level, "_TRANSITIVE")
	if !transitive && len(old) > 1 {
		old = old[:1]
	}
	for _, o := range old {
		var found []string
		if level == "BACKWARD" || level == "FULL" {
			found = fresh.Reads(o.Schema, Names{"new", "old"})
		}
		if level == "FORWARD" || level == "FULL" {
			for _, m := range o.Schema.Reads(fresh, Names{"old", "new"}) {
				if !slices.Contains(found, m) {
					found = append(found, m)
				}
			}
		}
		if len(found) > 0 {
			if transitive {
				level += "_TRANSITIVE"
			}
			return append(found, fmt.Sprintf("{oldSchemaVersion: %d}", o.Version), fmt.Sprintf("{oldSchema: '%s'}", o.Schema.Text()),
				fmt.Sprintf("{validateFields: 'false', compatibility: '%s'}", level))
		}
	}
	return nil
}
