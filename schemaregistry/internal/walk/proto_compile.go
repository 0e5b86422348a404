package walk

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wireType is how a field's value is written.
type wireType uint8

// Wire types by their numbers.
const (
	varintWire  wireType = 0
	fixed64Wire wireType = 1
	bytesWire   wireType = 2
	startWire   wireType = 3
	endWire     wireType = 4
	fixed32Wire wireType = 5
)

// protoField is what data of a field must look like.
type protoField struct {
	name     string
	wire     wireType
	known    bool
	text     bool          // UTF-8 is demanded
	packable bool          // numbers may come as one field of bytes
	message  *protoMessage // of a message or a group
	required int8          // its bit in the message's required, -1: not tracked there
}

// maxDense bounds the field numbers that are found by index.
const maxDense = 128

// maxRequired bounds the required fields that are noted while a message is read; the others are looked for behind it.
const maxRequired = 64

// protoMessage is a message's fields by number. Messages refer to each other as their descriptors do.
type protoMessage struct {
	name     string
	dense    []protoField // below maxDense
	sparse   map[int32]*protoField
	required uint64 // bits of the fields that must be there
	more     []int32
}

// Proto compiles a message type.
func Proto(m protoreflect.MessageDescriptor) Walker {
	return protoWalker{compileMessage(m, map[protoreflect.FullName]*protoMessage{})}
}

func compileMessage(d protoreflect.MessageDescriptor, known map[protoreflect.FullName]*protoMessage) *protoMessage {
	if m := known[d.FullName()]; m != nil {
		return m
	}
	m := &protoMessage{name: string(d.FullName()), sparse: map[int32]*protoField{}}
	known[d.FullName()] = m
	fields, required := d.Fields(), 0
	for i := range fields.Len() {
		f := fields.Get(i)
		out := protoField{
			name: string(f.Name()), wire: wireOf(f.Kind()), known: true, text: f.Kind() == protoreflect.StringKind && demandsUTF8(f), required: -1,
		}
		out.packable = f.IsList() && out.wire != bytesWire && out.wire != startWire
		if f.Message() != nil {
			out.message = compileMessage(f.Message(), known)
		}
		if f.Cardinality() == protoreflect.Required {
			if required++; required <= maxRequired {
				out.required = int8(required - 1)
				m.required |= 1 << out.required
			} else {
				m.more = append(m.more, int32(f.Number()))
			}
		}
		m.set(int32(f.Number()), out)
	}
	return m
}

func (m *protoMessage) set(number int32, f protoField) {
	if number >= maxDense {
		m.sparse[number] = &f
		return
	}
	for int(number) >= len(m.dense) {
		m.dense = append(m.dense, protoField{})
	}
	m.dense[number] = f
}

// field answers nil for one that the message does not know.
func (m *protoMessage) field(number uint64) *protoField {
	if number < uint64(len(m.dense)) && m.dense[number].known {
		return &m.dense[number]
	}
	if len(m.sparse) == 0 {
		return nil
	}
	return m.sparse[int32(number)]
}

// demandsUTF8 is so for proto3, and for editions unless a feature of the field, or of what it is in, says otherwise.
func demandsUTF8(f protoreflect.FieldDescriptor) bool {
	if f.Syntax() != protoreflect.Editions {
		return f.Syntax() == protoreflect.Proto3
	}
	for d := protoreflect.Descriptor(f); d != nil; d = d.Parent() {
		o, ok := d.Options().(interface {
			GetFeatures() *descriptorpb.FeatureSet
		})
		if !ok {
			continue
		}
		if v := o.GetFeatures().GetUtf8Validation(); v != descriptorpb.FeatureSet_UTF8_VALIDATION_UNKNOWN {
			return v == descriptorpb.FeatureSet_VERIFY
		}
	}
	return true
}

func wireOf(k protoreflect.Kind) wireType {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return fixed32Wire
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return fixed64Wire
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return bytesWire
	case protoreflect.GroupKind:
		return startWire
	}
	return varintWire
}
