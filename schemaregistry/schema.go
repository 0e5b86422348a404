package schemaregistry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

// Schema is a schema outside of a registry: read exactly when a registry would admit it.
type Schema struct {
	s compat.Schema
}

// SchemaReference is a schema that another one uses, by the name that it has there.
type SchemaReference struct{ Name, Text string }

// ParseSchema reads a schema of a format: AVRO, JSON or PROTOBUF. References come before their users.
func ParseSchema(format, text string, refs ...SchemaReference) (*Schema, error) {
	var used []compat.Reference
	for _, r := range refs {
		used = append(used, compat.Reference(r))
	}
	s, err := compat.Parse(format, text, used)
	if err != nil {
		return nil, err
	}
	return &Schema{s}, nil
}

// Text is what a registry would store.
func (s *Schema) Text() string { return s.s.Text() }

// Incompatible lists why data of a writer cannot be read with s, in the words of a registry.
func (s *Schema) Incompatible(writer *Schema) []string {
	return s.s.Reads(writer.s, compat.Names{Reader: "new", Writer: "old"})
}

// Encode makes the bytes of a datum from its JSON: for Avro its JSON encoding, for Protobuf its JSON mapping. Of a Protobuf file
// message names the type, "" is the first; its indexes stand in front.
func (s *Schema) Encode(text []byte, message string) ([]byte, error) {
	switch m := s.s.Model().(type) {
	case *avrox.Schema:
		return m.Encode(string(text))
	case *jsonschema.Schema:
		var b bytes.Buffer
		if err := walk.JSON(m).Check(text); err != nil {
			return nil, err
		}
		err := json.Compact(&b, text)
		return b.Bytes(), err
	case protoreflect.FileDescriptor:
		return encodeProto(m, text, message)
	}
	return nil, errors.New("a format that is not known")
}

// Decode checks the bytes of a datum, those behind the name of its schema, and answers them as JSON.
func (s *Schema) Decode(data []byte) ([]byte, error) {
	switch m := s.s.Model().(type) {
	case *avrox.Schema:
		text, err := m.Decode(data)
		return []byte(text), err
	case *jsonschema.Schema:
		return data, walk.JSON(m).Check(data)
	case protoreflect.FileDescriptor:
		indexes, payload, err := (frame.Frame{Rest: data}).Indexed()
		if err != nil {
			return nil, err
		}
		d := messageAt(m, frame.Indexes(indexes))
		if d == nil {
			return nil, fmt.Errorf("there is no message with the indexes %v", frame.Indexes(indexes))
		}
		if err := walk.Proto(d).Check(payload); err != nil {
			return nil, err
		}
		out := dynamicpb.NewMessage(d)
		if err := proto.Unmarshal(payload, out); err != nil {
			return nil, err
		}
		text, err := protojson.Marshal(out)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err = json.Compact(&b, text) // protojson varies its spaces on purpose
		return b.Bytes(), err
	}
	return nil, errors.New("a format that is not known")
}

func encodeProto(f protoreflect.FileDescriptor, text []byte, name string) ([]byte, error) {
	d, indexes := findMessage(f.Messages(), nil, name)
	if d == nil {
		return nil, fmt.Errorf("there is no message %s", name)
	}
	m := dynamicpb.NewMessage(d)
	if err := protojson.Unmarshal(text, m); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(frame.AppendIndexes(nil, indexes), m)
}

// findMessage finds a message by its full name, or by what is behind the package; the first one for "".
func findMessage(all protoreflect.MessageDescriptors, path []int, name string) (protoreflect.MessageDescriptor, []int) {
	for i := range all.Len() {
		d, at := all.Get(i), append(path[:len(path):len(path)], i)
		if name == "" || string(d.FullName()) == name || string(d.Name()) == name {
			return d, at
		}
		if found, where := findMessage(d.Messages(), at, name); found != nil {
			return found, where
		}
	}
	return nil, nil
}

func messageAt(f protoreflect.FileDescriptor, indexes []int) (d protoreflect.MessageDescriptor) {
	all := f.Messages()
	for _, i := range indexes {
		if i >= all.Len() {
			return nil
		}
		d = all.Get(i)
		all = d.Messages()
	}
	return d
}

// AppendID appends the prefix that names a schema by its id.
func AppendID(dst []byte, id int) []byte { return frame.AppendID(dst, id) }

// SplitID splits the prefix that names a schema from a key or a value: by an id, or with id -1 by a GUID.
func SplitID(data []byte) (id int, guid string, payload []byte, err error) {
	f, err := frame.Parse(data, nil)
	if err != nil {
		return 0, "", nil, err
	}
	if f.ID < 0 {
		guid = f.GUID.String()
	}
	return f.ID, guid, f.Rest, nil
}
