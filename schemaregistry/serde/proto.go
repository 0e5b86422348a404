package serde

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

type protoFormat[M proto.Message] struct {
	text string
	refs []sr.SchemaReference
	name protoreflect.FullName
}

var errNoProtoText = errors.New("a .proto file cannot be made of a Go type: give its text with serde.Text, or write under serde.UseLatest or serde.UseID")

// Proto makes a serde of a Protobuf message, such as *pb.Order. Which message of the file it is stands in front of the data. The
// text of the .proto file is given with Text; serde.UseLatest and serde.UseID do without.
func Proto[M proto.Message](reg *Registry, p Place, opts ...Option) (*Serde[M], error) {
	cfg := newConfig(opts)
	var none M
	return newSerde(reg, p, &protoFormat[M]{cfg.schema, cfg.refs, none.ProtoReflect().Descriptor().FullName()}, cfg), nil
}

func (f *protoFormat[M]) own() (sr.Schema, string, error) {
	var err error
	if f.text == "" {
		err = errNoProtoText
	}
	return sr.Schema{Schema: f.text, Type: sr.TypeProtobuf, References: f.refs}, string(f.name), err
}

// messages calls fn for every message of a schema's file with its indexes.
func messages(s *Schema, fn func(m protoreflect.MessageDescriptor, indexes []byte)) error {
	if s.Type != sr.TypeProtobuf {
		return fmt.Errorf("%w: schema %d is %v", ErrOtherType, s.ID, s.Type)
	}
	parsed, err := compat.Parse("PROTOBUF", s.Schema.Schema, s.used)
	if err != nil {
		return fmt.Errorf("read schema %d: %w", s.ID, err)
	}
	var within func(all protoreflect.MessageDescriptors, path []int)
	within = func(all protoreflect.MessageDescriptors, path []int) {
		for i := range all.Len() {
			at := append(path[:len(path):len(path)], i)
			fn(all.Get(i), frame.AppendIndexes(nil, at))
			within(all.Get(i).Messages(), at)
		}
	}
	within(parsed.Model().(protoreflect.FileDescriptor).Messages(), nil)
	return nil
}

func (f *protoFormat[M]) writer(s *Schema) (func([]byte, M) ([]byte, error), []byte, error) {
	var indexes []byte
	err := messages(s, func(m protoreflect.MessageDescriptor, at []byte) {
		if m.FullName() == f.name {
			indexes = at
		}
	})
	if err != nil {
		return nil, nil, err
	}
	if indexes == nil {
		return nil, nil, fmt.Errorf("%w: schema %d has no message %s", ErrOtherType, s.ID, f.name)
	}
	return func(dst []byte, v M) ([]byte, error) { return proto.MarshalOptions{}.MarshalAppend(dst, v) }, indexes, nil
}

func (f *protoFormat[M]) reader(s *Schema) (func(frame.Frame) (M, error), error) {
	names, checks := map[string]protoreflect.FullName{}, map[string]walk.Walker{}
	err := messages(s, func(m protoreflect.MessageDescriptor, at []byte) {
		names[string(at)] = m.FullName()
		if m.FullName() == f.name {
			checks[string(at)] = walk.Proto(m)
		}
	})
	if err != nil {
		return nil, err
	}
	return func(fr frame.Frame) (v M, err error) {
		indexes, payload, err := fr.Indexed()
		if err != nil {
			return v, err
		}
		if string(indexes) == "\x02\x00" { // [0] in full
			indexes = []byte{0}
		}
		check := checks[string(indexes)]
		if check == nil {
			return v, fmt.Errorf("%w: it is message %q at %v of schema %d, not %s", ErrOtherType, names[string(indexes)], frame.Indexes(indexes), s.ID, f.name)
		}
		if err := check.Check(payload); err != nil {
			return v, err
		}
		m := v.ProtoReflect().Type().New().Interface().(M)
		return m, proto.Unmarshal(payload, m)
	}, nil
}
