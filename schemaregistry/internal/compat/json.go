package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// jsonSchema is a JSON Schema of any draft from 4 to 2020-12; 7 when it does not say.
type jsonSchema struct {
	text string
	root any
	rule *jsonschema.Schema
	refs map[string]any // documents of references, by name
}

const jsonRoot = "mainstem:schema.json"

// errOffline refuses to fetch: what a schema refers to is registered, or inside of it.
var errOffline = errors.New("a $ref is never fetched: register what it names and list it in references")

type offline struct{}

func (offline) Load(string) (any, error) { return nil, errOffline }

func parseJSON(text string, refs []Reference) (Schema, error) {
	for _, source := range append([]Reference{{Text: text}}, refs...) {
		if err := checkSource(source.Text); err != nil {
			return nil, err
		}
	}
	root, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	switch root.(type) {
	case map[string]any, bool:
	default:
		return nil, errors.New("a JSON Schema is an object or a boolean")
	}
	s := jsonSchema{root: root, refs: map[string]any{}}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseLoader(offline{})
	for _, r := range refs {
		doc, err := decodeJSON(r.Text)
		if err != nil {
			return nil, fmt.Errorf("reference %s: %w", r.Name, err)
		}
		s.refs[r.Name] = doc
		name := r.Name
		if !strings.Contains(name, ":") {
			name = "mainstem:" + name
		}
		if err := c.AddResource(name, doc); err != nil {
			return nil, fmt.Errorf("reference %s: %w", r.Name, err)
		}
	}
	if err := c.AddResource(jsonRoot, root); err != nil {
		return nil, err
	}
	if s.rule, err = c.Compile(jsonRoot); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return nil, err
	}
	s.text = b.String()
	return s, nil
}

func decodeJSON(text string) (any, error) {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	return v, nil
}

// Text keeps the order of members; white space between them goes.
func (s jsonSchema) Text() string { return s.text }

// Normal has the members of objects by their names.
func (s jsonSchema) Normal() string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s.root); err != nil {
		return s.text // cannot be: it was decoded from JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Format has no other forms.
func (s jsonSchema) Format(string) (string, error) { return s.text, nil }

func (s jsonSchema) Model() any { return s.rule }

func (s jsonSchema) Reads(writer Schema, n Names) []string {
	w, ok := writer.(jsonSchema)
	if !ok {
		return otherFormat(n)
	}
	work := maxComparisons
	d := &jsonDiff{old: w, fresh: s, seen: map[[2]string]bool{}, names: n, work: &work}
	d.schemas(w.root, s.root, "#")
	return d.found
}

func otherFormat(n Names) []string {
	return []string{fmt.Sprintf("{errorType:'TYPE_MISMATCH', description:'The %s schema is of another format than the %s schema'}", n.Reader, n.Writer)}
}

// resolve follows local references and those to registered documents; what cannot be found accepts everything.
func (s jsonSchema) resolve(v any) any {
	for range 50 { // a chain of references, which admission has found to end somewhere
		m, ok := v.(map[string]any)
		if !ok {
			return v
		}
		ref, ok := m["$ref"].(string)
		if !ok {
			return v
		}
		document, fragment, _ := strings.Cut(ref, "#")
		at := s.root
		if document != "" {
			if at, ok = s.refs[document]; !ok {
				return true
			}
		}
		if v, ok = pointed(at, fragment); !ok {
			return true
		}
	}
	return true
}

// pointed follows a JSON pointer.
func pointed(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[unescape.Replace(token)]; !ok {
			return nil, false
		}
	}
	return v, true
}
