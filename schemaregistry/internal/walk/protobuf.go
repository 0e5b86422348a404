// Package walk holds Protobuf data against a message's descriptor without making anything of them: tags, wire types and what a field's
// type asks of its bytes. Its work is bounded by the length of the data, its depth by a constant; it allocates nothing unless it
// fails. (Avro's walker is avrox.Schema.Check.)
package walk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxNesting bounds messages within messages.
const maxNesting = 64

// Errors of data.
var (
	errCut   = errors.New("the data end early or hold a malformed number")
	errPath  = errors.New("the path of the message is malformed")
	errDeep  = fmt.Errorf("nested deeper than %d", maxNesting)
	errField = errors.New("a tag that cannot be")
)

// Message reads the path of a message in front of the data (Confluent's framing): a count and so many indexes, or a single 0 for the
// first message of the file.
func Message(file protoreflect.FileDescriptor, data []byte) (m protoreflect.MessageDescriptor, rest []byte, err error) {
	count, n := binary.Varint(data)
	if n <= 0 || count < 0 || count > maxNesting {
		return nil, nil, errPath
	}
	data = data[n:]
	messages := file.Messages()
	if count == 0 {
		if messages.Len() == 0 {
			return nil, nil, errPath
		}
		return messages.Get(0), data, nil
	}
	for range count {
		i, n := binary.Varint(data)
		if n <= 0 || i < 0 || i >= int64(messages.Len()) {
			return nil, nil, fmt.Errorf("%w: the schema has no such message", errPath)
		}
		data = data[n:]
		m = messages.Get(int(i))
		messages = m.Messages()
	}
	return m, data, nil
}

// Protobuf says what is wrong with the data of a message. Fields that the descriptor does not know are fine, as in every Protobuf
// reader; a known one must have its type's wire form.
func Protobuf(m protoreflect.MessageDescriptor, data []byte) error { return message(m, data, 0) }

func message(m protoreflect.MessageDescriptor, data []byte, depth int) error {
	if depth > maxNesting {
		return errDeep
	}
	fields := m.Fields()
	for len(data) > 0 {
		num, wire, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errField
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(num, wire, data)
		if size < 0 {
			return errCut
		}
		if f := fields.ByNumber(num); f != nil {
			if err := field(f, wire, data[:size], depth); err != nil {
				return fmt.Errorf("field %s: %w", f.Name(), err)
			}
		}
		data = data[size:]
	}
	return nil
}

// wireOf is the wire form of a single value of a kind.
func wireOf(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

func field(f protoreflect.FieldDescriptor, wire protowire.Type, data []byte, depth int) error {
	want := wireOf(f.Kind())
	if wire != want {
		if wire == protowire.BytesType && f.IsList() && want != protowire.StartGroupType {
			return packed(want, data)
		}
		return fmt.Errorf("wire type %d where a %s is", wire, f.Kind())
	}
	switch f.Kind() {
	case protoreflect.StringKind:
		b, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return errCut
		}
		if f.ParentFile().Syntax() != protoreflect.Proto2 && !utf8.Valid(b) {
			return errors.New("a string is not UTF-8")
		}
	case protoreflect.MessageKind:
		b, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return errCut
		}
		return message(f.Message(), b, depth+1)
	case protoreflect.GroupKind:
		b, n := protowire.ConsumeGroup(f.Number(), data)
		if n < 0 {
			return errCut
		}
		return message(f.Message(), b, depth+1)
	}
	return nil
}

// packed is the values of a repeated field in one piece.
func packed(want protowire.Type, data []byte) error {
	b, n := protowire.ConsumeBytes(data)
	if n < 0 {
		return errCut
	}
	for len(b) > 0 {
		n := protowire.ConsumeFieldValue(1, want, b)
		if n < 0 {
			return errCut
		}
		b = b[n:]
	}
	return nil
}
