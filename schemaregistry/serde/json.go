package serde

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

type jsonFormat[T any] struct {
	text  string
	refs  []sr.SchemaReference
	title string
	err   error // why there is no text
}

// JSON makes a serde of JSON that is valid by a JSON Schema, when it is written and when it is read. The schema of T comes from
// its fields and their json tags, unless Text gives it.
func JSON[T any](reg *Registry, p Place, opts ...Option) (*Serde[T], error) {
	cfg := newConfig(opts)
	f := &jsonFormat[T]{text: cfg.schema, refs: cfg.refs}
	if f.text == "" {
		f.text, f.err = jsonText(reflect.TypeFor[T]())
	}
	if f.err == nil {
		var named struct {
			Title string `json:"title"`
		}
		if err := json.Unmarshal([]byte(f.text), &named); err != nil {
			return nil, fmt.Errorf("the schema of %v: %w", reflect.TypeFor[T](), err)
		}
		f.title = named.Title
	}
	return newSerde(reg, p, f, cfg), nil
}

func (f *jsonFormat[T]) own() (sr.Schema, string, error) {
	return sr.Schema{Schema: f.text, Type: sr.TypeJSON, References: f.refs}, f.title, f.err
}

func jsonWalker(s *Schema) (walk.Walker, error) {
	if s.Type != sr.TypeJSON {
		return nil, fmt.Errorf("%w: schema %d is %v", ErrOtherType, s.ID, s.Type)
	}
	parsed, err := compat.Parse("JSON", s.Schema.Schema, s.used)
	if err != nil {
		return nil, fmt.Errorf("read schema %d: %w", s.ID, err)
	}
	return walk.JSON(parsed.Model().(*jsonschema.Schema)), nil
}

func (f *jsonFormat[T]) writer(s *Schema) (func([]byte, T) ([]byte, error), []byte, error) {
	check, err := jsonWalker(s)
	if err != nil {
		return nil, nil, err
	}
	return func(dst []byte, v T) ([]byte, error) {
		data, err := json.Marshal(v)
		if err != nil {
			return dst, err
		}
		if err := check.Check(data); err != nil {
			return dst, err
		}
		return append(dst, data...), nil
	}, nil, nil
}

func (f *jsonFormat[T]) reader(s *Schema) (func(frame.Frame) (T, error), error) {
	check, err := jsonWalker(s)
	if err != nil {
		return nil, err
	}
	return func(fr frame.Frame) (v T, err error) {
		data := fr.Plain()
		if err := check.Check(data); err != nil {
			return v, err
		}
		if err := json.Unmarshal(data, &v); err != nil {
			return v, fmt.Errorf("%w: %w", ErrOtherType, err)
		}
		return v, nil
	}, nil
}
