package compat

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

// Checker is a schema that data can be held against.
type Checker interface {
	// Check says what is wrong with the data behind a record's framing; nil when they follow the schema. For Protobuf they begin with
	// the path of the message. It is safe for concurrent use.
	Check(data []byte) error
	// Framed checks only what belongs to the framing: the path of a Protobuf message.
	Framed(data []byte) error
	// RecordName is the name that the record strategies use.
	RecordName(data []byte) string
}

// Checkable makes a checker of a schema.
func Checkable(s Schema) (Checker, error) {
	switch s := s.(type) {
	case avroSchema:
		return s, nil
	case protoSchema:
		return protoChecker{s.file}, nil
	case jsonSchema:
		return newJSONChecker(s)
	}
	return nil, fmt.Errorf("schemas of %T cannot be checked", s)
}

// Framed implements Checker: Avro has nothing besides the id.
func (s avroSchema) Framed([]byte) error { return nil }

// RecordName implements Checker.
func (s avroSchema) RecordName([]byte) string { return s.Name.String() }

type protoChecker struct{ file protoreflect.FileDescriptor }

// Check implements Checker.
func (c protoChecker) Check(data []byte) error {
	m, rest, err := walk.Message(c.file, data)
	if err != nil {
		return err
	}
	return walk.Protobuf(m, rest)
}

// Framed implements Checker.
func (c protoChecker) Framed(data []byte) error {
	_, _, err := walk.Message(c.file, data)
	return err
}

// RecordName implements Checker: the message that the data name.
func (c protoChecker) RecordName(data []byte) string {
	m, _, err := walk.Message(c.file, data)
	if err != nil {
		return ""
	}
	return string(m.FullName())
}

type jsonChecker struct {
	schema *jsonschema.Schema
	title  string
}

func newJSONChecker(s jsonSchema) (Checker, error) {
	c, err := s.compile()
	if err != nil {
		return nil, err
	}
	out := jsonChecker{schema: c}
	if root, ok := s.root.(map[string]any); ok {
		out.title, _ = root["title"].(string)
	}
	return out, nil
}

// maxJSONNesting bounds data on the produce path.
const maxJSONNesting = 64

// Check implements Checker.
func (c jsonChecker) Check(data []byte) error {
	if err := shallow(data); err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	if err := c.schema.Validate(v); err != nil {
		var ve *jsonschema.ValidationError
		if errors.As(err, &ve) {
			return errors.New(firstCause(ve))
		}
		return err
	}
	return nil
}

func shallow(data []byte) error {
	depth, quoted, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			if depth++; depth > maxJSONNesting {
				return fmt.Errorf("nested deeper than %d", maxJSONNesting)
			}
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
	}
	return nil
}

// firstCause is the innermost reason, with its place.
func firstCause(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	at := "/"
	for i, p := range e.InstanceLocation {
		if i > 0 {
			at += "/"
		}
		at += p
	}
	return fmt.Sprintf("at %s: %v", at, e.ErrorKind)
}

// Framed implements Checker.
func (c jsonChecker) Framed([]byte) error { return nil }

// RecordName implements Checker.
func (c jsonChecker) RecordName([]byte) string { return c.title }
