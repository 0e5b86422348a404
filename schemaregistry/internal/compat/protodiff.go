package compat

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoDiff compares an old .proto file with a fresh one by the numbers of fields, by the rules of Confluent's registry
// (registry.md 14).
type protoDiff struct {
	names Names
	seen  map[[2]protoreflect.FullName]bool // pairs of messages: recursive ones end
	found []string
}

func (d *protoDiff) add(kind, path, format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf("{errorType:'%s', description:'%s', path:'#/%s'}", kind, fmt.Sprintf(format, args...), path))
}

func (d *protoDiff) files(old, fresh protoreflect.FileDescriptor) {
	if old.Package() != fresh.Package() {
		d.add("PACKAGE_CHANGED", "", "The package of the %s schema is %q and that of the %s schema %q", d.names.Reader, fresh.Package(), d.names.Writer, old.Package())
	}
	d.containers(old.Messages(), fresh.Messages())
}

// containers compares messages by their names.
func (d *protoDiff) containers(old, fresh protoreflect.MessageDescriptors) {
	for i := range old.Len() {
		o := old.Get(i)
		if o.IsMapEntry() {
			continue
		}
		f := fresh.ByName(o.Name())
		if f == nil {
			d.add("MESSAGE_REMOVED", protoName(o), "The %s schema lacks the message %s", d.names.Reader, protoName(o))
			continue
		}
		d.messages(o, f)
	}
}

func (d *protoDiff) messages(old, fresh protoreflect.MessageDescriptor) {
	pair := [2]protoreflect.FullName{old.FullName(), fresh.FullName()}
	if d.seen[pair] {
		return
	}
	d.seen[pair] = true
	d.containers(old.Messages(), fresh.Messages())
	for i := range old.Fields().Len() {
		o := old.Fields().Get(i)
		f := fresh.Fields().ByNumber(o.Number())
		switch {
		case f != nil:
			d.fields(o, f)
		case o.Cardinality() == protoreflect.Required:
			d.add("REQUIRED_FIELD_REMOVED", describeField(o), "The required field %s is not in the %s schema", o.Name(), d.names.Reader)
		}
	}
	for i := range fresh.Fields().Len() {
		f := fresh.Fields().Get(i)
		if f.Cardinality() == protoreflect.Required && old.Fields().ByNumber(f.Number()) == nil {
			d.add("REQUIRED_FIELD_ADDED", describeField(f), "The required field %s is not in the %s schema", f.Name(), d.names.Writer)
		}
	}
	d.oneofs(old, fresh)
}

// realOneof is the oneof of a field that was written as one.
func realOneof(f protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return o
	}
	return nil
}

func (d *protoDiff) oneofs(old, fresh protoreflect.MessageDescriptor) {
	for i := range fresh.Oneofs().Len() {
		f := fresh.Oneofs().Get(i)
		if f.IsSynthetic() {
			continue
		}
		before, moved := old.Oneofs().ByName(f.Name()), 0
		for j := range f.Fields().Len() {
			o := old.Fields().ByNumber(f.Fields().Get(j).Number())
			if o != nil && realOneof(o) == nil {
				moved++
			}
		}
		switch {
		case moved > 1:
			d.add("MULTIPLE_FIELDS_MOVED_TO_ONEOF", protoName(fresh)+"/"+string(f.Name()), "%d fields were moved into the oneof %s", moved, f.Name())
		case moved == 1 && before != nil:
			d.add("FIELD_MOVED_TO_EXISTING_ONEOF", protoName(fresh)+"/"+string(f.Name()), "A field was moved into the oneof %s, which was there", f.Name())
		}
	}
	for i := range old.Oneofs().Len() {
		o := old.Oneofs().Get(i)
		f := fresh.Oneofs().ByName(o.Name())
		if o.IsSynthetic() || f == nil {
			continue
		}
		for j := range o.Fields().Len() {
			if member := o.Fields().Get(j); f.Fields().ByNumber(member.Number()) == nil {
				d.add("ONEOF_FIELD_REMOVED", describeField(member), "The field %s was removed from the oneof %s", member.Name(), o.Name())
			}
		}
	}
}

// Groups of scalars whose values can be read as one another.
const (
	varints = iota + 1
	zigzags
	texts
	fixed32s
	fixed64s
	floats
	doubles
)

var scalarGroups = map[protoreflect.Kind]int{
	protoreflect.Int32Kind: varints, protoreflect.Int64Kind: varints, protoreflect.Uint32Kind: varints, protoreflect.Uint64Kind: varints,
	protoreflect.BoolKind: varints, protoreflect.EnumKind: varints, protoreflect.Sint32Kind: zigzags, protoreflect.Sint64Kind: zigzags,
	protoreflect.StringKind: texts, protoreflect.BytesKind: texts, protoreflect.Fixed32Kind: fixed32s, protoreflect.Sfixed32Kind: fixed32s,
	protoreflect.Fixed64Kind: fixed64s, protoreflect.Sfixed64Kind: fixed64s, protoreflect.FloatKind: floats, protoreflect.DoubleKind: doubles,
}

func (d *protoDiff) fields(old, fresh protoreflect.FieldDescriptor) {
	oldGroup, freshGroup := scalarGroups[old.Kind()], scalarGroups[fresh.Kind()]
	switch {
	case old.IsMap() != fresh.IsMap(), (oldGroup == 0) != (freshGroup == 0):
		d.add("FIELD_KIND_CHANGED", describeField(old), "The kind of the field %s has changed", old.Name())
	case old.IsMap():
		d.fields(old.MapKey(), fresh.MapKey())
		d.fields(old.MapValue(), fresh.MapValue())
	case oldGroup == 0 && protoName(old.Message()) != protoName(fresh.Message()):
		d.add("FIELD_NAMED_TYPE_CHANGED", describeField(old), "The type of the field %s was %s and is %s", old.Name(), protoName(old.Message()), protoName(fresh.Message()))
	case oldGroup == 0:
		d.messages(old.Message(), fresh.Message())
	case oldGroup != freshGroup:
		d.add("FIELD_SCALAR_KIND_CHANGED", describeField(old), "The type of the field %s was %v and is %v", old.Name(), old.Kind(), fresh.Kind())
	case oldGroup != texts && old.IsList() != fresh.IsList():
		d.add("FIELD_NUMERIC_LABEL_CHANGED", describeField(old), "The label of the field %s has changed", old.Name())
	}
}
