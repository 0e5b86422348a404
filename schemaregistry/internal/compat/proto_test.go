package compat

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
)

func proto3(body string) string { return "syntax = \"proto3\"; package p; " + body }

// TestProtoDiff holds the rules of registry.md 14.
func TestProtoDiff(t *testing.T) {
	for _, c := range []struct{ name, old, fresh, want string }{
		{"the same", `message M { int32 a = 1; }`, `message M { int32 a = 1; }`, ""},
		{"message added", `message M {}`, `message N {} message M {}`, ""},
		{"message removed", `message M {} message N {}`, `message M {}`, "MESSAGE_REMOVED"},
		{"nested message removed", `message M { message N {} }`, `message M {}`, "MESSAGE_REMOVED"},
		{"enum removed", `message M {} enum E { A = 0; }`, `message M {}`, ""},
		{"enum constant changed", `message M { E e = 1; } enum E { A = 0; B = 1; }`, `message M { E e = 1; } enum E { A = 0; C = 2; }`, ""},
		{"field added", `message M { int32 a = 1; }`, `message M { int32 a = 1; string b = 2; }`, ""},
		{"field removed", `message M { int32 a = 1; string b = 2; }`, `message M { int32 a = 1; }`, ""},
		{"field renamed", `message M { int32 a = 1; }`, `message M { int32 z = 1; }`, ""},
		{"scalar kind in its group", `message M { int32 a = 1; string b = 2; fixed32 c = 3; sint32 d = 4; }`, `message M { bool a = 1; bytes b = 2; sfixed32 c = 3; sint64 d = 4; }`, ""},
		{"an enum is an int", `message M { int32 a = 1; }`, `message M { E a = 1; } enum E { A = 0; }`, ""},
		{"scalar kind changed", `message M { int32 a = 1; }`, `message M { string a = 1; }`, "FIELD_SCALAR_KIND_CHANGED"},
		{"scalar to zigzag", `message M { int32 a = 1; }`, `message M { sint32 a = 1; }`, "FIELD_SCALAR_KIND_CHANGED"},
		{"scalar to message", `message N {} message M { int32 a = 1; }`, `message N {} message M { N a = 1; }`, "FIELD_KIND_CHANGED"},
		{"message to map", `message N {} message M { N a = 1; }`, `message N {} message M { map<string, N> a = 1; }`, "FIELD_KIND_CHANGED"},
		{"message type changed", `message N {} message O {} message M { N a = 1; }`, `message N {} message O {} message M { O a = 1; }`, "FIELD_NAMED_TYPE_CHANGED"},
		{"message changed inside", `message N { int32 x = 1; } message M { N a = 1; }`, `message N { string x = 1; } message M { N a = 1; }`, "FIELD_SCALAR_KIND_CHANGED"},
		{"recursive", `message M { M next = 1; int32 a = 2; }`, `message M { M next = 1; int64 a = 2; }`, ""},
		{"map value widened", `message M { map<string, int32> a = 1; }`, `message M { map<string, int64> a = 1; }`, ""},
		{"map value changed", `message M { map<string, int32> a = 1; }`, `message M { map<string, double> a = 1; }`, "FIELD_SCALAR_KIND_CHANGED"},
		{"numeric label changed", `message M { int32 a = 1; }`, `message M { repeated int32 a = 1; }`, "FIELD_NUMERIC_LABEL_CHANGED"},
		{"string label changed", `message M { string a = 1; }`, `message M { repeated string a = 1; }`, ""},
		{"optional", `message M { int32 a = 1; }`, `message M { optional int32 a = 1; }`, ""},
		{"oneof added", `message M { int32 a = 1; }`, `message M { int32 a = 1; oneof o { string b = 2; } }`, ""},
		{"oneof removed", `message M { oneof o { string b = 2; } }`, `message M { string b = 2; }`, ""},
		{"field added to a oneof", `message M { oneof o { string b = 2; } }`, `message M { oneof o { string b = 2; string c = 3; } }`, ""},
		{"a field moved into a new oneof", `message M { int32 a = 1; }`, `message M { oneof o { int32 a = 1; string b = 2; } }`, ""},
		{"fields moved into a oneof", `message M { int32 a = 1; int32 b = 2; }`, `message M { oneof o { int32 a = 1; int32 b = 2; } }`, "MULTIPLE_FIELDS_MOVED_TO_ONEOF"},
		{"a field moved into an existing oneof", `message M { int32 a = 1; oneof o { int32 b = 2; } }`, `message M { oneof o { int32 b = 2; int32 a = 1; } }`, "FIELD_MOVED_TO_EXISTING_ONEOF"},
		{"a field removed from a oneof", `message M { oneof o { int32 a = 1; int32 b = 2; } }`, `message M { oneof o { int32 a = 1; } }`, "ONEOF_FIELD_REMOVED"},
	} {
		got := mustParse(t, "PROTOBUF", proto3(c.fresh)).Reads(mustParse(t, "PROTOBUF", proto3(c.old)), Names{"new", "old"})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) == 0 || !strings.Contains(got[0], "'"+c.want+"'")) {
			t.Errorf("%s: %v, want %q", c.name, got, c.want)
		}
	}
	required := func(body string) Schema { return mustParse(t, "PROTOBUF", `syntax = "proto2"; message M { `+body+` }`) }
	for want, pair := range map[string][2]Schema{
		"REQUIRED_FIELD_ADDED":   {required(``), required(`required int32 a = 1;`)},
		"REQUIRED_FIELD_REMOVED": {required(`required int32 a = 1;`), required(``)},
		"PACKAGE_CHANGED":        {required(``), mustParse(t, "PROTOBUF", `syntax = "proto2"; package q; message M {}`)},
	} {
		if got := pair[1].Reads(pair[0], Names{"new", "old"}); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %v", want, got)
		}
	}
}

// full has a bit of everything.
const full = `// a comment
syntax = "proto3";
package  acme.orders;
import "google/protobuf/timestamp.proto" ;
import public "google/protobuf/descriptor.proto";
option java_package = "com.acme";
extend google.protobuf.FieldOptions { Rule rule = 50000; }
message Rule { int32 min = 1; repeated string names = 2; }
message Order { // another
  string id = 1 [json_name="ID", (rule) = { min: -3, names: ["a" , "b"] }];
  repeated .acme.orders.Order.Line lines = 2;
  map<string,google.protobuf.Timestamp> times = 3;
  oneof payment { string card = 4; bytes token = 5; }
  reserved 9, 11 to 13, 100 to max; reserved "old";
  message Line { optional sint64 cents=1; Kind kind = 2; }
  enum Kind { option allow_alias = true; NONE = 0; SOME = 1; ANY = 1; }
}
service Orders { rpc Get(Order) returns (stream Order) { option deprecated = true; } }
;
`

// TestProtoText: the text has one layout, means what the source means, and comes back as itself.
func TestProtoText(t *testing.T) {
	s := mustParse(t, "PROTOBUF", full).(protoSchema)
	again := mustParse(t, "PROTOBUF", s.Text()).(protoSchema)
	if again.Text() != s.Text() {
		t.Errorf("the text comes back as\n%s\nof\n%s", again.Text(), s.Text())
	}
	if a, b := encoded(t, s), encoded(t, again); !bytes.Equal(a, b) {
		t.Errorf("the text means something else:\n%q\n%q", a, b)
	}
	for _, line := range []string{
		`syntax = "proto3";`, `package acme.orders;`, `  string id = 1 [json_name = "ID", (rule) = { min: -3, names: ["a", "b"] }];`,
		`  repeated .acme.orders.Order.Line lines = 2;`, `  map<string, google.protobuf.Timestamp> times = 3;`, `  reserved 9, 11 to 13, 100 to max;`,
		`    optional sint64 cents = 1;`, `  rpc Get(Order) returns (stream Order) {`,
	} {
		if !strings.Contains(s.Text(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, s.Text())
		}
	}
	if strings.Contains(s.Text(), "comment") || mustParse(t, "PROTOBUF", strings.ReplaceAll(full, "\n", "\n\n ")).Text() != s.Text() {
		t.Error("white space and comments make another schema")
	}
}

// encoded is the descriptor of a schema as bytes.
func encoded(t *testing.T, s protoSchema) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(s.file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProtoAdmission(t *testing.T) {
	for _, bad := range []string{``, `message`, `syntax = "proto3"; message M { int32 a = 1; int32 b = 1; }`, `syntax = "proto3"; message M { N n = 1; }`, `syntax = "proto3"; import "other.proto"; message M {}`, `syntax = "proto3";`,
		"syntax = \"proto3\"; " + strings.Repeat("message M { ", 200_000), "syntax = \"proto3\"; message M {} //" + strings.Repeat(" ", 2<<20)} {
		if s, err := Parse("PROTOBUF", bad, nil); err == nil {
			t.Errorf("%.100s is admitted as %.100s", bad, s.Text())
		}
	}
	user := `syntax = "proto3"; import "money.proto"; message M { Money total = 1; }`
	with := func(field string) Schema {
		return mustParse(t, "PROTOBUF", user, Reference{"money.proto", `syntax = "proto3"; message Money { ` + field + ` }`})
	}
	if got := with(`string cents = 1;`).Reads(with(`int64 cents = 1;`), Names{"new", "old"}); len(got) != 1 || !strings.Contains(got[0], "Money/1") {
		t.Errorf("%v", got)
	}
}

// FuzzProto: a schema that is admitted reads itself, and its text is admitted as itself.
func FuzzProto(f *testing.F) {
	f.Add(full)
	f.Add(proto3(`message M { oneof o { int32 a = 1; } map<int32, M> m = 2; }`))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("PROTOBUF", text, nil)
		if err != nil {
			return
		}
		if got := s.Reads(s, Names{"new", "old"}); len(got) > 0 {
			t.Fatalf("%s cannot read itself: %v", text, got)
		}
		again, err := Parse("PROTOBUF", s.Text(), nil)
		if err != nil || again.Text() != s.Text() {
			t.Fatalf("the text of %q is %q: %v", text, s.Text(), err)
		}
	})
}

// TestNestingIsThatOfTheSource: brackets in comments and texts are not those that a parser goes down.
func TestNestingIsThatOfTheSource(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{[(<", 100)
	for _, text := range []string{
		"syntax = \"proto3\"; // " + many + "\nmessage M { string a = 1 [json_name = \"" + strings.ReplaceAll(many, "\\", "") + "\"]; }",
		"syntax = \"proto3\"; /* " + many + "\n" + many + " */ message M { string a = 1 [deprecated = true /* < */]; }",
		"syntax = 'proto3'; message M { string a = 1 [json_name = 'it\\'s {{{']; }",
	} {
		if _, err := Parse("PROTOBUF", text, nil); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	if _, err := Parse("JSON", `{"description":"`+many+`\"`+many+`"}`, nil); err != nil {
		t.Error(err)
	}
	deep := strings.Repeat("message M { ", 101)
	for _, text := range []string{deep, "/* */" + deep, "// x\n" + deep, "\"x\n" + deep, "'\\'' " + deep, "\"\" " + deep} {
		if _, err := Parse("PROTOBUF", text, nil); err == nil || !strings.Contains(err.Error(), "nested deeper") {
			t.Errorf("%.30s: %v", text, err)
		}
	}
}
