package serde

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// avroText makes the schema of a Go type.
//
//	bool, string, []byte        boolean, string, bytes
//	int8 to int32, uint8, uint16    int
//	int, int64, uint32          long
//	float32, float64            float, double
//	time.Time                   long, timestamp-micros
//	[]T, map[string]T           array, map
//	*T                          ["null", T] with the default null
//	struct                      record, named as the type is
func avroText(t reflect.Type) (string, error) {
	g := &avroGenerator{seen: map[reflect.Type]string{}}
	s, err := g.of(t)
	if err != nil {
		return "", fmt.Errorf("make a schema of %v: %w; or give it with serde.Text", t, err)
	}
	b, err := json.Marshal(s)
	return string(b), err
}

type avroGenerator struct{ seen map[reflect.Type]string }

type (
	avroRecord struct {
		Type   string      `json:"type"`
		Name   string      `json:"name"`
		Fields []avroField `json:"fields"`
	}
	avroField struct {
		Name    string           `json:"name"`
		Type    any              `json:"type"`
		Default *json.RawMessage `json:"default,omitempty"`
		Aliases []string         `json:"aliases,omitempty"`
	}
)

var timeType = reflect.TypeFor[time.Time]()

func (g *avroGenerator) of(t reflect.Type) (any, error) {
	switch {
	case t == timeType:
		return map[string]string{"type": "long", "logicalType": "timestamp-micros"}, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "bytes", nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean", nil
	case reflect.String:
		return "string", nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint8, reflect.Uint16:
		return "int", nil
	case reflect.Int, reflect.Int64, reflect.Uint32:
		return "long", nil
	case reflect.Float32:
		return "float", nil
	case reflect.Float64:
		return "double", nil
	case reflect.Slice:
		items, err := g.of(t.Elem())
		return map[string]any{"type": "array", "items": items}, err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("the keys of %v are no strings", t)
		}
		values, err := g.of(t.Elem())
		return map[string]any{"type": "map", "values": values}, err
	case reflect.Pointer:
		some, err := g.of(t.Elem())
		return []any{"null", some}, err
	case reflect.Struct:
		return g.record(t)
	}
	return nil, fmt.Errorf("a %v has no type in Avro", t)
}

func (g *avroGenerator) record(t reflect.Type) (any, error) {
	if name, ok := g.seen[t]; ok {
		return name, nil
	}
	name := t.Name()
	if name == "" || strings.ContainsAny(name, "[") {
		return nil, fmt.Errorf("a record needs a name, which %v has not", t)
	}
	g.seen[t] = name
	r := avroRecord{Type: "record", Name: name, Fields: []avroField{}}
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		out, ok, err := g.field(f)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if ok {
			r.Fields = append(r.Fields, out)
		}
	}
	return r, nil
}

func (g *avroGenerator) field(f reflect.StructField) (out avroField, ok bool, err error) {
	name, rest, _ := strings.Cut(f.Tag.Get("avro"), ",")
	if name == "-" {
		return out, false, nil
	}
	if out.Name = name; name == "" {
		out.Name = f.Name
	}
	if out.Type, err = g.of(f.Type); err != nil {
		return out, false, err
	}
	if f.Type.Kind() == reflect.Pointer {
		out.Default = raw("null")
	}
	for rest != "" {
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "alias":
			out.Aliases = append(out.Aliases, value)
		case "default":
			if f.Type.Kind() == reflect.String {
				quoted, err := json.Marshal(value)
				if err != nil {
					return out, false, err
				}
				value = string(quoted)
			}
			if !json.Valid([]byte(value)) {
				return out, false, fmt.Errorf("the default %s is no JSON", value)
			}
			out.Default = raw(value)
		default:
			return out, false, fmt.Errorf("%q in its tag is none of default=, alias=", option)
		}
	}
	return out, true, nil
}

func raw(text string) *json.RawMessage {
	m := json.RawMessage(text)
	return &m
}
