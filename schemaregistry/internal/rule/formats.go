package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	celgo "cel.dev/cel-go/cel"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
)

// anything is a message of no type that CEL knows.
func anything() celgo.EnvOption { return celgo.Variable("message", celgo.DynType) }

type avroRules struct {
	schema *avrox.Schema
	rules  conditions
}

// Avro compiles the rules of an Avro schema; nil when there are none.
func Avro(s *avrox.Schema, rules []Rule) (Checker, error) {
	c, err := compile(rules, anything())
	if err != nil || len(c) == 0 {
		return nil, err
	}
	return avroRules{s, c}, nil
}

// Check is Checker.
func (a avroRules) Check(data []byte) error {
	v, err := a.schema.Native(data)
	if err != nil {
		return err
	}
	return a.rules.check(v)
}

type jsonRules struct{ rules conditions }

// JSON compiles the rules of a JSON Schema; nil when there are none.
func JSON(rules []Rule) (Checker, error) {
	c, err := compile(rules, anything())
	if err != nil || len(c) == 0 {
		return nil, err
	}
	return jsonRules{c}, nil
}

// Check is Checker. A number without a fraction is an int, as writers of rules expect.
func (j jsonRules) Check(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	return j.rules.check(numbers(v))
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64() // what is too large is infinite
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

type protoRules struct {
	message   protoreflect.MessageDescriptor
	rules     conditions
	validator protovalidate.Validator // nil: the file has no options of Protovalidate
}

// validateFile is what a .proto file imports for Protovalidate's options.
const validateFile = "buf/validate/validate.proto"

// Proto compiles the rules of a message type, and Protovalidate's options if its file has any; nil when there are neither.
func Proto(m protoreflect.MessageDescriptor, rules []Rule) (Checker, error) {
	out := protoRules{message: m}
	var err error
	// The type's own file is given to CEL whole, so that expressions may name its types and enums.
	if out.rules, err = compile(rules, celgo.TypeDescs(m.ParentFile()), celgo.Variable("message", celgo.ObjectType(string(m.FullName())))); err != nil {
		return nil, err
	}
	if imports(m.ParentFile(), validateFile, map[string]bool{}) {
		if out.validator, err = protovalidate.New(); err != nil {
			return nil, fmt.Errorf("prepare Protovalidate: %w", err)
		}
	}
	if len(out.rules) == 0 && out.validator == nil {
		return nil, nil
	}
	return out, nil
}

func imports(f protoreflect.FileDescriptor, path string, seen map[string]bool) bool {
	all := f.Imports()
	for i := range all.Len() {
		if all.Get(i).Path() == path {
			return true
		}
		if next := all.Get(i).FileDescriptor; !seen[next.Path()] {
			if seen[next.Path()] = true; imports(next, path, seen) {
				return true
			}
		}
	}
	return false
}

// Check is Checker.
func (p protoRules) Check(data []byte) error {
	m := dynamicpb.NewMessage(p.message)
	if err := proto.Unmarshal(data, m); err != nil {
		return err
	}
	if p.validator != nil {
		if err := p.validator.Validate(m); err != nil {
			return violation(err)
		}
	}
	if len(p.rules) == 0 {
		return nil
	}
	return p.rules.check(m)
}

// violation is the first thing that Protovalidate finds wrong, on a line.
func violation(err error) error {
	var found *protovalidate.ValidationError
	if !errors.As(err, &found) || len(found.Violations) == 0 {
		return err
	}
	first := found.Violations[0].Proto
	text := first.GetMessage()
	if text == "" {
		text = first.GetRuleId()
	}
	if path := protovalidate.FieldPathString(first.GetField()); path != "" {
		text = "field " + path + ": " + text
	}
	return errors.New(strings.ReplaceAll(text, "\n", " "))
}
