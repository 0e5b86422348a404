package compat

import (
	"fmt"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
)

type avroSchema struct {
	*avrox.Schema
	refs []*avrox.Schema
}

func (s avroSchema) Text() string { return s.Schema.Text(s.refs...) }

func (s avroSchema) Model() any { return s.Schema }

func (s avroSchema) Normal() string { return s.Schema.Normal(s.refs...) }

// Format resolved has the types of references where they are used first.
func (s avroSchema) Format(form string) (string, error) {
	if form == "resolved" {
		return s.Schema.Text(), nil
	}
	return s.Text(), nil
}

func parseAvro(text string, refs []Reference) (Schema, error) {
	var known []*avrox.Schema
	for _, r := range refs {
		s, err := avrox.Parse(r.Text, known...)
		if err != nil {
			return nil, fmt.Errorf("reference %s: %w", r.Name, err)
		}
		known = append(known, s)
	}
	s, err := avrox.Parse(text, known...)
	if err != nil {
		return nil, err
	}
	return avroSchema{s, known}, nil
}

func (s avroSchema) Reads(writer Schema, n Names) []string {
	w, ok := writer.(avroSchema)
	if !ok {
		return otherFormat(n)
	}
	var out []string
	for _, i := range avrox.Compare(s.Schema, w.Schema) {
		out = append(out, fmt.Sprintf("{errorType:'%s', description:'%s', additionalInfo:'%s'}", i.Kind, describe(i, n), i.Message))
	}
	return out
}

// describe says in a sentence what is wrong, and where.
func describe(i avrox.Incompatibility, n Names) string {
	switch i.Kind {
	case avrox.NameMismatch:
		return fmt.Sprintf("The name of the schema has changed (path '%s')", i.Location)
	case avrox.FixedSizeMismatch:
		return fmt.Sprintf("The size of FIXED type field at path '%s' in the %s schema does not match with the %s schema", i.Location, n.Reader, n.Writer)
	case avrox.MissingEnumSymbols:
		return fmt.Sprintf("The %s schema is missing enum symbols '%s' at path '%s' in the %s schema", n.Reader, i.Message, i.Location, n.Writer)
	case avrox.MissingDefault:
		return fmt.Sprintf("The field '%s' at path '%s' in the %s schema has no default value and is missing in the %s schema", i.Message, i.Location, n.Reader, n.Writer)
	case avrox.TypeMismatch:
		return fmt.Sprintf("The type (path '%s') of a field in the %s schema does not match with the %s schema", i.Location, n.Reader, n.Writer)
	case avrox.MissingBranch:
		return fmt.Sprintf("The %s schema is missing a type inside a union field at path '%s' in the %s schema", n.Reader, i.Location, n.Writer)
	}
	return fmt.Sprintf("Several fields of the %s schema match one of the %s schema at path '%s'", n.Writer, n.Reader, i.Location)
}
