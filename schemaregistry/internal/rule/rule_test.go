package rule

import (
	"strings"
	"testing"

	validatepb "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
)

const order = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"double"},{"name":"count","type":"int"},
	{"name":"mail","type":["null","string"]},{"name":"lines","type":{"type":"array","items":{"type":"record","name":"L","fields":[{"name":"n","type":"int"}]}}},
	{"name":"tags","type":{"type":"map","values":"string"}},{"name":"state","type":{"type":"enum","name":"S","symbols":["NEW","PAID"]}}]}`

const orderJSON = `{"id":"7","total":10.5,"count":3,"mail":{"string":"a@b.org"},"lines":[{"n":1},{"n":2}],"tags":{"k":"v"},"state":"PAID"}`

func TestAvroRules(t *testing.T) {
	s, err := avrox.Parse(order)
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Encode(orderJSON)
	if err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]string{
		`message.total > 10.0 && message.count == 3`:       "",
		`message.total > 100.0`:                            "rule r does not hold: too small",
		`message.mail.isEmail()`:                           "",
		`message.lines.all(l, l.n > 1)`:                    "rule r does not hold: too small",
		`message.tags.k == 'v' && message.state == 'PAID'`: "",
		`message.state == 'NEW' ; message.total > 100.0`:   "",
		`message.state == 'PAID' ; message.total > 100.0`:  "rule r does not hold: too small",
		`message.nothing == 1`:                             "rule r: no such key: nothing",
		`message.total`:                                    "rule r: its value is neither true nor false",
		`[1,2,3,4,5,6,7,8,9,0].all(a, [1,2,3,4,5,6,7,8,9,0].all(b, [1,2,3,4,5,6,7,8,9,0].all(c, [1,2,3,4,5,6,7,8,9,0].all(d, [1,2,3,4,5,6,7,8,9,0].all(e, [1,2,3,4,5,6,7,8,9,0].all(f, true))))))`: "rule r: operation cancelled: actual cost limit exceeded",
	} {
		c, err := Avro(s, []Rule{{"r", "too small", expr}})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got := ""
		if err := c.Check(data); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %q\nwant %q", expr, got, want)
		}
	}
	for _, expr := range []string{"", "message.", "1 +", "unknown(1)", "true;", ";true"} {
		if _, err := Avro(s, []Rule{{"r", "", expr}}); err == nil || !strings.Contains(err.Error(), "rule r") {
			t.Errorf("%q is compiled: %v", expr, err)
		}
	}
	if c, err := Avro(s, nil); c != nil || err != nil {
		t.Errorf("no rules are %v, %v", c, err)
	}
}

func TestJSONRules(t *testing.T) {
	c, err := JSON([]Rule{{"r", "", `message.a.all(x, x.n < 3) && message.f == 1.5`}})
	if err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{`{"a":[{"n":1},{"n":2}],"f":1.5}`: true, `{"a":[{"n":3}],"f":1.5}`: false, `{"f":1.5}`: false} {
		if err := c.Check([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// file compiles a .proto file that may import Protovalidate's, as text that somebody registered.
func file(t testing.TB, text string) protoreflect.FileDescriptor {
	t.Helper()
	resolver := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if path == "x.proto" {
			return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
		}
		var d *descriptorpb.FileDescriptorProto
		if path == validateFile {
			d = protodesc.ToFileDescriptorProto(validatepb.File_buf_validate_validate_proto)
			return protocompile.SearchResult{Proto: d}, nil
		}
		return protocompile.SearchResult{}, protoregistry.NotFound
	})
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(resolver)}
	files, err := c.Compile(t.Context(), "x.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

func TestProtoRules(t *testing.T) {
	f := file(t, `syntax = "proto3"; package p; import "buf/validate/validate.proto";
		message Order { string id = 1 [(buf.validate.field).string.min_len = 2]; int32 count = 2; State state = 3; enum State { NEW = 0; PAID = 1; } }
		message Free { int32 n = 1; }`)
	d := f.Messages().ByName("Order")
	c, err := Proto(d, []Rule{{"r", "", `message.state == p.Order.State.PAID ; message.count > 0`}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"id":"ab"}`:                              "",
		`{"id":"a"}`:                               "field id: must be at least 2 characters",
		`{"id":"ab","state":"PAID"}`:               "rule r does not hold",
		`{"id":"ab","state":"PAID","count":1}`:     "",
		`{"id":"\u00e9","state":"PAID","count":1}`: "field id: must be at least 2 characters",
	} {
		m := dynamicpb.NewMessage(d)
		if err := protojson.Unmarshal([]byte(text), m); err != nil {
			t.Fatal(err)
		}
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := c.Check(data); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if c, err := Proto(file(t, `syntax = "proto3"; message M {}`).Messages().Get(0), nil); c != nil || err != nil {
		t.Errorf("no rules are %v, %v", c, err)
	}
}

func BenchmarkAvroRule(b *testing.B) {
	s, err := avrox.Parse(order)
	if err != nil {
		b.Fatal(err)
	}
	data, err := s.Encode(orderJSON)
	if err != nil {
		b.Fatal(err)
	}
	c, err := Avro(s, []Rule{{"r", "", `message.total > 10.0 && message.count == 3`}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtovalidate(b *testing.B) {
	d := file(b, `syntax = "proto3"; import "buf/validate/validate.proto"; message Order { string id = 1 [(buf.validate.field).string.min_len = 2]; int32 count = 2 [(buf.validate.field).int32.gt = 0]; }`).Messages().Get(0)
	c, err := Proto(d, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check([]byte{10, 2, 'a', 'b', 16, 3}); err != nil {
			b.Fatal(err)
		}
	}
}
