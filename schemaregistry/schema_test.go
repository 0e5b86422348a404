package schemaregistry_test

import (
	"strings"
	"testing"

	"github.com/mainstem-io/mainstem/schemaregistry"
)

func TestSchemasOutsideOfARegistry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, text, message, in, out, bytes string }{
		{"AVRO", v1, "", `{"a": 1}`, `{"a":1}`, "\x02"},
		{"JSON", `{"required":["a"]}`, "", `{"a": 1}`, `{"a":1}`, `{"a":1}`},
		{"PROTOBUF", `syntax = "proto3"; package p; message A { int32 i = 1; message In { string s = 1; } }`, "", `{"i": 1}`, `{"i":1}`, "\x00\x08\x01"},
		{"PROTOBUF", `syntax = "proto3"; package p; message A { int32 i = 1; message In { string s = 1; } }`, "p.A.In", `{"s": "x"}`, `{"s":"x"}`, "\x04\x00\x00\x0a\x01x"},
	} {
		s, err := schemaregistry.ParseSchema(c.format, c.text)
		if err != nil {
			t.Fatal(err)
		}
		data, err := s.Encode([]byte(c.in), c.message)
		if err != nil || string(data) != c.bytes {
			t.Errorf("%s: %x, %v", c.format, data, err)
		}
		back, err := s.Decode(data)
		if err != nil || string(back) != c.out {
			t.Errorf("%s: %s, %v", c.format, back, err)
		}
		for _, bad := range []string{"", "\x04", "\x00\x08"} {
			if back, err := s.Decode([]byte(bad)); err == nil && c.format != "AVRO" {
				t.Errorf("%s: %x is %s", c.format, bad, back)
			}
		}
		if _, err := s.Encode([]byte(`{"a":`), c.message); err == nil {
			t.Errorf("%s: no JSON is encoded", c.format)
		}
	}
	for _, c := range [][2]string{{"AVRO", `{"type":"recor"}`}, {"PROTOBUF", "message"}, {"JSON", "7"}, {"XML", "<a/>"}} {
		if _, err := schemaregistry.ParseSchema(c[0], c[1]); err == nil {
			t.Errorf("%s is a schema", c[1])
		}
	}
	before, err := schemaregistry.ParseSchema("AVRO", v1)
	if err != nil {
		t.Fatal(err)
	}
	after, err := schemaregistry.ParseSchema("AVRO", v3)
	if err != nil {
		t.Fatal(err)
	}
	if found := after.Incompatible(before); len(found) != 1 || !strings.Contains(found[0], "READER_FIELD_MISSING_DEFAULT_VALUE") {
		t.Error(found)
	}
	if found := before.Incompatible(after); len(found) != 0 {
		t.Error(found)
	}
}

func TestSplitID(t *testing.T) {
	t.Parallel()
	id, guid, payload, err := schemaregistry.SplitID(append(schemaregistry.AppendID(nil, 17), "x"...))
	if id != 17 || guid != "" || string(payload) != "x" || err != nil {
		t.Error(id, guid, payload, err)
	}
	id, guid, payload, err = schemaregistry.SplitID(append([]byte{1, 15: 7}, "yx"...))
	if id != -1 || guid != "00000000-0000-0000-0000-000000000779" || string(payload) != "x" || err != nil {
		t.Error(id, guid, payload, err)
	}
	if _, _, _, err = schemaregistry.SplitID([]byte("{}")); err == nil {
		t.Error("text names a schema")
	}
}
