package serde

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// jsonText makes the JSON Schema (draft 7) of a Go type, as encoding/json writes it. A field without omitempty or omitzero is
// required; a pointer may be null.
func jsonText(t reflect.Type) (string, error) {
	g := &jsonGenerator{definitions: map[string]any{}, seen: map[reflect.Type]string{}}
	root, err := g.of(t)
	if err != nil {
		return "", fmt.Errorf("make a schema of %v: %w; or give it with serde.Text", t, err)
	}
	out := map[string]any{"$schema": "http://json-schema.org/draft-07/schema#", "title": t.Name()}
	for k, v := range root {
		out[k] = v
	}
	if len(g.definitions) > 0 {
		out["definitions"] = g.definitions
	}
	b, err := json.Marshal(out) // members by name: the text of a type is always the same
	return string(b), err
}

type jsonGenerator struct {
	definitions map[string]any
	seen        map[reflect.Type]string
}

type node = map[string]any

var marshalerType = reflect.TypeFor[json.Marshaler]()

func (g *jsonGenerator) of(t reflect.Type) (node, error) {
	switch {
	case t == timeType:
		return node{"type": "string", "format": "date-time"}, nil
	case t.Implements(marshalerType):
		return node{}, nil // it says itself what it is
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return node{"type": []string{"string", "null"}, "contentEncoding": "base64"}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return node{"type": "boolean"}, nil
	case reflect.String:
		return node{"type": "string"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return node{"type": "integer"}, nil
	case reflect.Float32, reflect.Float64:
		return node{"type": "number"}, nil
	case reflect.Interface:
		return node{}, nil
	case reflect.Slice, reflect.Array:
		items, err := g.of(t.Elem())
		return node{"type": []string{"array", "null"}, "items": items}, err
	case reflect.Map:
		values, err := g.of(t.Elem())
		return node{"type": []string{"object", "null"}, "additionalProperties": values}, err
	case reflect.Pointer:
		some, err := g.of(t.Elem())
		return node{"oneOf": []node{{"type": "null"}, some}}, err
	case reflect.Struct:
		return g.object(t)
	}
	return nil, fmt.Errorf("a %v has no type in JSON", t)
}

// object puts a struct's schema among the definitions, where recursive ones find themselves.
func (g *jsonGenerator) object(t reflect.Type) (node, error) {
	name, ok := g.seen[t]
	if !ok {
		if name = t.Name(); name == "" {
			name = "Anonymous"
		}
		for i := 2; g.definitions[name] != nil; i++ {
			name = fmt.Sprintf("%s%d", t.Name(), i)
		}
		g.seen[t], g.definitions[name] = name, node{}
		properties, required := node{}, []string{}
		if err := g.fields(t, properties, &required); err != nil {
			return nil, err
		}
		slices.Sort(required)
		g.definitions[name] = node{"type": "object", "properties": properties, "required": required}
	}
	return node{"allOf": []node{{"$ref": "#/definitions/" + name}}}, nil
}

func (g *jsonGenerator) fields(t reflect.Type, properties node, required *[]string) error {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			if err := g.fields(f.Type, properties, required); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() || name == "-" && options == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		s, err := g.of(f.Type)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if slices.Contains(strings.Split(options, ","), "string") {
			s = node{"type": "string"}
		}
		properties[name] = s
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
	return nil
}
