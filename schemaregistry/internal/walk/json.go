package walk

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

type jsonWalker struct{ schema *jsonschema.Schema }

// JSON makes the walker of a compiled JSON Schema. It decodes what it checks, and so allocates.
func JSON(s *jsonschema.Schema) Walker { return jsonWalker{s} }

// Check is Walker.
func (w jsonWalker) Check(data []byte) error {
	if !utf8.Valid(data) {
		return &Fault{Reason: BadUTF8, At: -1}
	}
	if at := tooDeep(data); at >= 0 {
		return &Fault{Reason: TooDeep, At: at}
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return &Fault{Reason: NotJSON, At: -1, Detail: err.Error()}
	}
	err = w.schema.Validate(v)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return &Fault{Reason: NotValid, At: -1, Detail: err.Error()}
	}
	path, detail := first(invalid)
	return &Fault{Reason: NotValid, Path: path, At: -1, Detail: detail}
}

// first is the first thing that is wrong, without the frame around it.
func first(e *jsonschema.ValidationError) (path, detail string) {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	lines := strings.Split(strings.TrimSpace(e.Error()), "\n")
	detail = strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "- ")
	if _, said, ok := strings.Cut(detail, "': "); ok && strings.HasPrefix(detail, "at '") {
		detail = said
	}
	return strings.Join(e.InstanceLocation, "."), detail
}

// tooDeep answers where brackets nest deeper than maxDepth, or -1. What is between quotes does not count.
func tooDeep(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted:
			quoted = c != '"'
			if c == '\\' {
				i++
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}
