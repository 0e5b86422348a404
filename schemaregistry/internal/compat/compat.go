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
	// Normal is the text that all schemas have that mean the same.
	Normal() string
	// Format is the text in another form: resolved for Avro, serialized and ignore_extensions for Protobuf. What a format does not
	// have is Text.
	Format(form string) (string, error)
	// Reads lists why data of a writer cannot be read with this schema; names say which of them is the new one.
	Reads(writer Schema, names Names) []string
	// Model is what it was read to: an *avrox.Schema, a protoreflect.FileDescriptor or a *jsonschema.Schema.
	Model() any
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
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[', '(', '<':
			depth++
		case '}', ']', ')', '>':
			depth = max(0, depth-1)
		default:
			i = skipProse(text, i)
		}
		if depth > maxSourceNesting {
			return fmt.Errorf("nested deeper than %d", maxSourceNesting)
		}
	}
	return nil
}

// skipProse answers the last byte of the text in quotes or the comment that begins at i, or i: brackets in them nest nothing.
// A text ends with its line at the latest, as it does for those who read it, so that nothing can hide behind a quote.
func skipProse(text string, i int) int {
	rest := text[i:]
	switch {
	case rest[0] == '"', rest[0] == '\'':
		for j := 1; j < len(rest); j++ {
			switch rest[j] {
			case '\\':
				j++
			case rest[0], '\n':
				return i + j
			}
		}
		return len(text)
	case strings.HasPrefix(rest, "//"):
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			return i + end
		}
		return len(text)
	case strings.HasPrefix(rest, "/*"):
		if end := strings.Index(rest[2:], "*/"); end >= 0 {
			return i + 2 + end + 1
		}
		return len(text)
	}
	return i
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
