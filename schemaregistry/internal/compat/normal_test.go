package compat

import (
	"encoding/base64"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

func admitted(t *testing.T, format, text string, refs ...Reference) Schema {
	t.Helper()
	s, err := Parse(format, text, refs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNormalTexts: what means the same has one text, which is a schema and its own normal text.
func TestNormalTexts(t *testing.T) {
	var refs []Reference
	imports := []Reference{{"a.proto", `syntax = "proto3"; message A {}`}, {"b.proto", `syntax = "proto3"; message B {}`}}
	for _, c := range []struct {
		name, format, a, b, want string
	}{
		{
			"Avro", "AVRO",
			`{"type":"record","name":"R","zeta":{"y":1,"x":[{"b":2,"a":1}]},"alpha":"z","fields":[{"name":"m","type":{"type":"map","values":"int","p":1,"o":2},"default":{"b":1,"a":2}}]}`,
			`{"name":"R","alpha":"z","type":"record","fields":[{"default":{"a":2,"b":1},"type":{"o":2,"values":{"type":"int"},"p":1,"type":"map"},"name":"m"}],"zeta":{"x":[{"a":1,"b":2}],"y":1}}`,
			`{"type":"record","name":"R","fields":[{"name":"m","type":{"type":"map","values":"int","o":2,"p":1},"default":{"a":2,"b":1}}],"alpha":"z","zeta":{"x":[{"a":1,"b":2}],"y":1}}`,
		},
		{
			"JSON Schema", "JSON",
			`{"type":"object","properties":{"b":{"maximum":1.50},"a":{"const":"<&>"}}}`, `{"properties":{"a":{"const":"<&>"},"b":{"maximum":1.50}},"type":"object"}`,
			`{"properties":{"a":{"const":"<&>"},"b":{"maximum":1.50}},"type":"object"}`,
		},
		{
			"Protobuf", "PROTOBUF",
			`syntax = "proto3"; import "b.proto"; package p; option java_package = "x"; import public "a.proto"; option go_package = "y";
			message M { string s = 1 [json_name = "z, [x]", deprecated = true]; option deprecated = true; A a = 2; message N {} }`,
			`syntax = "proto3"; package p; import public "a.proto"; import "b.proto"; option go_package = "y"; option java_package = "x";
			message M { option deprecated = true; string s = 1 [deprecated = true, json_name = "z, [x]"]; A a = 2; message N {} }`,
			"syntax = \"proto3\";\npackage p;\nimport \"b.proto\";\nimport public \"a.proto\";\noption go_package = \"y\";\noption java_package = \"x\";\n" +
				"message M {\n  option deprecated = true;\n  string s = 1 [deprecated = true, json_name = \"z, [x]\"];\n  A a = 2;\n  message N {\n  }\n}\n",
		},
	} {
		if c.format != "PROTOBUF" {
			refs = nil
		} else {
			refs = imports
		}
		a, b := admitted(t, c.format, c.a, refs...), admitted(t, c.format, c.b, refs...)
		if a.Normal() != c.want || b.Normal() != c.want {
			t.Errorf("%s:\n%s\n%s\nwant\n%s", c.name, a.Normal(), b.Normal(), c.want)
		}
		if again := admitted(t, c.format, c.want, refs...); again.Normal() != c.want {
			t.Errorf("%s: the normal text of the normal text is\n%s", c.name, again.Normal())
		}
	}
}

// TestValuesOfOptions stay on their line, with the semicolon that ends them.
func TestValuesOfOptions(t *testing.T) {
	s := admitted(t, "PROTOBUF", `syntax = "proto3"; import "google/protobuf/descriptor.proto"; message Mark { int32 n = 1; Mark more = 2; repeated int32 l = 3; }
		extend google.protobuf.MessageOptions { Mark kind = 50002; } extend google.protobuf.FieldOptions { Mark mark = 50003; }
		message M { option (kind) = { n: 1, more { n: 2 } l: [1, 2] }; int32 i = 1 [(mark) = { more: { n: 3 } }, deprecated = true]; ; }`)
	want := "message M {\n  option (kind) = { n: 1, more { n: 2 } l: [1, 2] };\n  int32 i = 1 [(mark) = { more: { n: 3 } }, deprecated = true];\n}\n"
	if got := s.Text(); got[len(got)-len(want):] != want || admitted(t, "PROTOBUF", got).Text() != got {
		t.Errorf("%s", got)
	}
}

func TestFormats(t *testing.T) {
	avro := admitted(t, "AVRO", `{"type":"record","name":"U","fields":[{"name":"a","type":"A"},{"name":"b","type":"A"}]}`, Reference{"A", `{"type":"enum","name":"A","symbols":["x"]}`})
	plain := `{"type":"record","name":"U","fields":[{"name":"a","type":"A"},{"name":"b","type":"A"}]}`
	resolved := `{"type":"record","name":"U","fields":[{"name":"a","type":{"type":"enum","name":"A","symbols":["x"]}},{"name":"b","type":"A"}]}`
	for form, want := range map[string]string{"": plain, "default": plain, "serialized": plain, "resolved": resolved} {
		if got, err := avro.Format(form); got != want || err != nil {
			t.Errorf("%q: %s, %v", form, got, err)
		}
	}
	p := admitted(t, "PROTOBUF", `syntax = "proto2"; import "google/protobuf/descriptor.proto";
		extend google.protobuf.FieldOptions { optional string mark = 50001; } extend google.protobuf.MessageOptions { optional Mark kind = 50002; }
		message Mark { optional int32 n = 1; }
		message M { option (kind) = { n: 1 }; option deprecated = true; optional int32 i = 1 [(mark) = "a, b]"]; optional int32 j = 2 [(mark) = "x", deprecated = true]; }`)
	got, err := p.Format("ignore_extensions")
	want := "message M {\n  option deprecated = true;\n  optional int32 i = 1;\n  optional int32 j = 2 [deprecated = true];\n}\n"
	if err != nil || got[len(got)-len(want):] != want {
		t.Errorf("%v\n%s", err, got)
	}
	if again := admitted(t, "PROTOBUF", got); again.Text() != got {
		t.Errorf("what is left is another text:\n%s", again.Text())
	}
	if got, err = p.Format("serialized"); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(got)
	if err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(raw, file); err != nil || len(file.MessageType) != 2 || file.MessageType[1].GetName() != "M" {
		t.Errorf("%v %v", file, err)
	}
	if n := p.Normal(); admitted(t, "PROTOBUF", n).Normal() != n {
		t.Errorf("the normal text is not its own:\n%s", n)
	}
}
