package serde

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

// codecs has no bounds of its own: what comes was walked over before, so that every length in it is that of bytes that are there.
var codecs = avro.Config{MaxByteSliceSize: -1, UnionResolutionError: true, DisableBlockSizeHeader: true}.Freeze()

var writers = sync.Pool{New: func() any { return avro.NewWriter(nil, 256, avro.WithWriterConfig(codecs)) }}

type avroFormat[T any] struct {
	text   string
	refs   []sr.SchemaReference
	schema *avrox.Schema // of the type; nil: unknown, data are read as they were written
	err    error         // why there is no text
}

// Avro makes a serde of Avro data. The schema of T comes from its fields and their tags, unless Text gives it:
//
//	type Order struct {
//		ID      string            `avro:"id"`
//		Total   float64           `avro:"total,default=0"`
//		Coupon  *string           `avro:"coupon"`            // ["null","string"], default null
//		Created time.Time         `avro:"created,alias=at"`  // timestamp-micros
//	}
//
// With a Text that refers to other schemas, data are read as they were written and not resolved.
func Avro[T any](reg *Registry, p Place, opts ...Option) (*Serde[T], error) {
	cfg := newConfig(opts)
	f := &avroFormat[T]{text: cfg.schema, refs: cfg.refs}
	if f.text == "" {
		f.text, f.err = avroText(reflect.TypeFor[T]())
	}
	if f.err == nil && len(f.refs) == 0 {
		s, err := avrox.Parse(f.text)
		if err != nil {
			return nil, fmt.Errorf("the schema of %v: %w", reflect.TypeFor[T](), err)
		}
		f.schema = s
	}
	return newSerde(reg, p, f, cfg), nil
}

func (f *avroFormat[T]) own() (sr.Schema, string, error) {
	record := ""
	if f.schema != nil {
		record = f.schema.FullName()
	}
	return sr.Schema{Schema: f.text, Type: sr.TypeAvro, References: f.refs}, record, f.err
}

// parseHamba reads a schema with what it refers to for hamba, which keeps its names apart from others'.
func parseHamba(text string, used []compat.Reference) (avro.Schema, error) {
	names := &avro.SchemaCache{}
	for _, u := range used {
		if _, err := avro.ParseWithCache(u.Text, "", names); err != nil {
			return nil, fmt.Errorf("reference %s: %w", u.Name, err)
		}
	}
	s, err := avro.ParseWithCache(text, "", names)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return s, nil
}

func (f *avroFormat[T]) writer(s *Schema) (func([]byte, T) ([]byte, error), []byte, error) {
	if s.Type != sr.TypeAvro {
		return nil, nil, fmt.Errorf("%w: schema %d is %v", ErrOtherType, s.ID, s.Type)
	}
	schema, err := parseHamba(s.Schema.Schema, s.used)
	if err != nil {
		return nil, nil, err
	}
	return func(dst []byte, v T) ([]byte, error) {
		w := writers.Get().(*avro.Writer)
		defer writers.Put(w)
		w.Reset(nil)
		w.Error = nil
		w.WriteVal(schema, v)
		return append(dst, w.Buffer()...), w.Error
	}, nil, nil
}

func (f *avroFormat[T]) reader(s *Schema) (func(frame.Frame) (T, error), error) {
	if s.Type != sr.TypeAvro {
		return nil, fmt.Errorf("%w: schema %d is %v", ErrOtherType, s.ID, s.Type)
	}
	parsed, err := compat.Parse("AVRO", s.Schema.Schema, s.used)
	if err != nil {
		return nil, fmt.Errorf("read schema %d: %w", s.ID, err)
	}
	written := parsed.Model().(*avrox.Schema)
	schema, err := f.resolve(s, written)
	if err != nil {
		return nil, err
	}
	check := walk.Avro(written)
	return func(fr frame.Frame) (v T, err error) {
		data := fr.Plain()
		if err := check.Check(data); err != nil {
			return v, err
		}
		return v, codecs.Unmarshal(schema, data, &v)
	}, nil
}

// resolve makes the schema that reads what a writer wrote into the reader's type.
func (f *avroFormat[T]) resolve(s *Schema, written *avrox.Schema) (avro.Schema, error) {
	writer, err := parseHamba(s.Schema.Schema, s.used)
	if err != nil || f.schema == nil {
		return writer, err
	}
	if found := avrox.Compare(f.schema, written); len(found) > 0 {
		e := &IncompatibleError{}
		for _, i := range found {
			e.Messages = append(e.Messages, fmt.Sprintf("%s at %s: %s", i.Kind, i.Location, i.Message))
		}
		return nil, e
	}
	own, err := parseHamba(f.text, nil)
	if err != nil {
		return nil, err
	}
	out, err := avro.NewSchemaCompatibility().Resolve(own, writer)
	if err != nil {
		return nil, &IncompatibleError{Messages: []string{err.Error()}}
	}
	return out, nil
}
