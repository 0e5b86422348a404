package walk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const protoOrder = `syntax = "proto3"; package shop;
message Order {
	string id = 1; string customer = 2; string currency = 3; string note = 4;
	int64 created = 5; double total = 6;
	enum State { NEW = 0; PAID = 1; SENT = 2; } State state = 7;
	repeated int32 lines = 8;
	optional string coupon = 9;
	message Address { string street = 1; int32 zip = 2; bool home = 3; } Address address = 10;
}
message Tree { int32 value = 1; repeated Tree children = 2; map<string, bytes> tags = 300; repeated fixed32 far = 4; }`

const protoOrderJSON = `{"id":"4f1c6bb2-1d","customer":"Ada Lovelace","currency":"EUR","note":"leave it at the door, please","created":"1767225600000","total":129.95,
	"state":"PAID","lines":[7,1200,31],"coupon":"SPRING","address":{"street":"12 St James's Square","zip":10117,"home":true}}`

const protoTreeJSON = `{"value":1,"children":[{"value":-2,"tags":{"a":"AAEC"}},{"children":[{"far":[1,2,3]}]}]}`

const proto2Groups = `syntax = "proto2"; package old;
message G { required int32 a = 1; repeated group Part = 2 { required string b = 3; optional G inner = 4; } optional string raw = 5; }`

func message(t testing.TB, text, name string) protoreflect.MessageDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"x.proto": text})}}
	files, err := c.Compile(t.Context(), "x.proto")
	if err != nil {
		t.Fatal(err)
	}
	d, err := files.AsResolver().FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor)
}

func protoData(t testing.TB, d protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(d)
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// agreeProto holds the walker against Go's parser; beyond it the walker refuses wire types that are not the field's, what nests too
// deep, and a message that came in parts of which none has all that is required.
func agreeProto(t *testing.T, d protoreflect.MessageDescriptor, w Walker, data []byte) (accepted bool) {
	t.Helper()
	mine, theirs := w.Check(data), proto.Unmarshal(data, dynamicpb.NewMessage(d))
	var f *Fault
	switch {
	case mine == nil && theirs != nil:
		t.Errorf("%s: %x is accepted, the parser says %v", d.FullName(), data, theirs)
	case theirs == nil && errors.As(mine, &f) && f.Reason != TooDeep && f.Reason != WrongWireType && f.Reason != MissingRequired:
		t.Errorf("%s: %x is refused, %v; the parser reads it", d.FullName(), data, mine)
	}
	return mine == nil
}

func TestProtoSaysWhereAndWhy(t *testing.T) {
	for _, c := range []struct {
		name, text, message string
		data                []byte
		want                string // "": accepted
	}{
		{"an empty message", protoOrder, "shop.Order", nil, ""},
		{"a field of a newer writer", protoOrder, "shop.Order", []byte{0xa2, 0x06, 1, 'x'}, ""},
		{"a group of a newer writer", protoOrder, "shop.Order", []byte{0xa3, 0x06, 0x08, 1, 0xa4, 0x06}, ""},
		{"packed numbers one by one", protoOrder, "shop.Order", []byte{0x40, 1, 0x40, 2}, ""},
		{"a tag without its value", protoOrder, "shop.Order", []byte{0x0a}, "field shop.Order.id: the data end early (byte 1)"},
		{"no UTF-8", protoOrder, "shop.Order", []byte{0x0a, 1, 0xff}, "field shop.Order.id: a string is not UTF-8 (byte 2)"},
		{"another wire type", protoOrder, "shop.Order", []byte{0x08, 1}, "field shop.Order.id: the wire type is not the field's (byte 1)"},
		{"field 0", protoOrder, "shop.Order", []byte{0x00, 1}, "field shop.Order: a tag that cannot be (byte 0)"},
		{"a wire type that nobody has", protoOrder, "shop.Order", []byte{0xa6, 0x06}, "field shop.Order: a tag that cannot be (byte 2)"},
		{"the end of a group that never began", protoOrder, "shop.Order", []byte{0x0c}, "field shop.Order: a tag that cannot be (byte 0)"},
		{"a nested field", protoOrder, "shop.Order", []byte{0x52, 2, 0x10, 0x80}, "field shop.Order.Address.zip: a number of too many bytes (byte 3)"},
		{"packed numbers cut short", protoOrder, "shop.Tree", []byte{0x22, 3, 1, 2, 3}, "field shop.Tree.far: the data end early (byte 1)"},
		{"what is required", proto2Groups, "old.G", []byte{0x2a, 0}, "field old.G: a required field is missing (byte 0)"},
		{"what is required in a group", proto2Groups, "old.G", []byte{0x08, 1, 0x13, 0x14}, "field old.G.Part: a required field is missing (byte 3)"},
		{"proto2 has no UTF-8", proto2Groups, "old.G", []byte{0x08, 1, 0x2a, 1, 0xff}, ""},
		{"a group without its end", proto2Groups, "old.G", []byte{0x08, 1, 0x13, 0x1a, 0}, "field old.G.Part: the data end early (byte 5)"},
	} {
		err := Proto(message(t, c.text, c.message)).Check(c.data)
		if got := ""; err != nil && err.Error() != c.want || err == nil && got != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestProtoWithManyRequiredFields has more of them than are noted in passing.
func TestProtoWithManyRequiredFields(t *testing.T) {
	text := "syntax = \"proto2\"; message M {"
	var data []byte
	for i := 1; i <= 70; i++ {
		text += fmt.Sprintf(" required bool f%d = %d;", i, i)
		data = append(appendTag(data, i), 1)
	}
	w := Proto(message(t, text+"}", "M"))
	if err := w.Check(data); err != nil {
		t.Error(err)
	}
	if err := w.Check(data[:len(data)-3]); err == nil || err.Error() != "field M.f70: a required field is missing (byte 0)" {
		t.Error(err)
	}
}

func appendTag(b []byte, number int) []byte {
	if number < 16 {
		return append(b, byte(number<<3))
	}
	return append(b, byte(number<<3)|0x80, byte(number>>4))
}

func TestProtoCorruptionStudy(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 6))
	type sample struct {
		d    protoreflect.MessageDescriptor
		data []byte
	}
	groups := message(t, proto2Groups, "old.G")
	samples := []sample{
		{message(t, protoOrder, "shop.Order"), nil}, {message(t, protoOrder, "shop.Tree"), nil}, {groups, protoData(t, groups, `{"a":1,"part":[{"b":"x","inner":{"a":2}},{"b":"y"}],"raw":"z"}`)},
	}
	samples[0].data, samples[1].data = protoData(t, samples[0].d, protoOrderJSON), protoData(t, samples[1].d, protoTreeJSON)
	accepted := 0
	const mutations = 20_000
	for i := range mutations {
		s := samples[i%len(samples)]
		if i < len(samples) && !agreeProto(t, s.d, Proto(s.d), s.data) {
			t.Errorf("%x is refused", s.data)
		}
		if agreeProto(t, s.d, Proto(s.d), mutated(random, s.data)) {
			accepted++
		}
	}
	t.Logf("%d mutations, %d are still data", mutations, accepted)
}

func FuzzProto(f *testing.F) {
	types := []protoreflect.MessageDescriptor{message(f, protoOrder, "shop.Order"), message(f, protoOrder, "shop.Tree"), message(f, proto2Groups, "old.G")}
	f.Add(0, protoData(f, types[0], protoOrderJSON))
	f.Add(1, protoData(f, types[1], protoTreeJSON))
	f.Add(2, []byte{0x08, 1, 0x13, 0x1a, 0, 0x14})
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		d := types[uint(i)%uint(len(types))]
		agreeProto(t, d, Proto(d), data)
	})
}

func TestProtoAllocatesNothing(t *testing.T) {
	d := message(t, protoOrder, "shop.Order")
	w, data := Proto(d), protoData(t, d, protoOrderJSON)
	if n := testing.AllocsPerRun(100, func() { _ = w.Check(data) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkProto(b *testing.B) {
	d := message(b, protoOrder, "shop.Order")
	w, data := Proto(d), protoData(b, d, protoOrderJSON)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := w.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}
