package avrox

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"
	"github.com/linkedin/goavro/v2"
)

// TestHambaAgrees holds hamba/avro's verdict and canonical form against ours, on every pair that both admit.
func TestHambaAgrees(t *testing.T) {
	compared := 0
	vectors(t, "compat/*.jsonl", func(t *testing.T, v vector) {
		theirReader, err1 := avro.ParseWithCache(v.Reader, "", new(avro.SchemaCache))
		theirWriter, err2 := avro.ParseWithCache(v.Writer, "", new(avro.SchemaCache))
		reader, err3 := Parse(v.Reader)
		writer, err4 := Parse(v.Writer)
		if err3 != nil || err4 != nil {
			t.Fatalf("%s: %v, %v", v.ID, err3, err4)
		}
		if err1 != nil || err2 != nil || v.Out.Error != nil {
			return // unions whose default is of a later branch, empty enums, ambiguous aliases
		}
		compared++
		verdict := avro.NewSchemaCompatibility().Compatible(theirReader, theirWriter)
		if ours := Compare(reader, writer); (len(ours) == 0) != (verdict == nil) {
			t.Errorf("%s: ours %v, hamba's %v", v.ID, ours, verdict)
		}
		if !strings.Contains(v.Reader, "logicalType") && reader.Canonical() != theirReader.String() { // hamba keeps logical types there
			t.Errorf("%s: canonical form\n ours %s\nhamba's %s", v.ID, reader.Canonical(), theirReader.String())
		}
	})
	if compared > 0 && compared < 1200 {
		t.Errorf("only %d pairs were compared", compared)
	}
}

// TestGoavroAgrees codes with linkedin/goavro what was coded here, and the other way round.
func TestGoavroAgrees(t *testing.T) {
	compared := 0
	vectors(t, "binary/*.jsonl", func(t *testing.T, v vector) {
		if v.Kind != "encode" || v.Out.Error != nil {
			return
		}
		codec, err := goavro.NewCodec(v.Schema)
		if err != nil {
			return // it refuses some schemas that Java takes
		}
		s, err := Parse(v.Schema)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		data, err := s.Encode(v.JSON)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		native, rest, err := codec.NativeFromBinary(data)
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: goavro reads %x: %v, %d bytes left", v.ID, data, err, len(rest))
			return
		}
		theirs, err := codec.BinaryFromNative(nil, native)
		if err != nil {
			t.Errorf("%s: goavro writes: %v", v.ID, err)
			return
		}
		ours, err := s.Decode(theirs)
		if again, _ := s.Decode(data); err != nil || !sameJSON(ours, again) {
			t.Errorf("%s: what goavro wrote is %s, want %s: %v", v.ID, ours, again, err)
		}
		compared++
	})
	if compared > 0 && compared < 90 {
		t.Errorf("only %d data were compared", compared)
	}
}

// FuzzParse: whatever is admitted prints a text that is admitted again as the same schema.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`"int"`, `{"type":"record","name":"n.R","fields":[{"name":"f","type":["null","R"],"default":null}]}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":"A","aliases":["F"]}`, `{"type":"fixed","name":"F","size":4,"x":[1.5e10]}`,
		`[{"type":"array","items":{"type":"map","values":"bytes"}},"null"]`, "// c\n{\"type\":\"double\",\"p\":{}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.Text())
		if err != nil {
			t.Fatalf("%q prints %q, which is refused: %v", text, s.Text(), err)
		}
		if again.Text() != s.Text() || again.CRC64() != s.CRC64() {
			t.Fatalf("%q prints %q, which prints %q", text, s.Text(), again.Text())
		}
		if found := Compare(s, again); len(found) > 0 && !ambiguous(found) {
			t.Fatalf("%q cannot read itself: %v", text, found)
		}
	})
}

func ambiguous(found []Incompatibility) bool {
	for _, f := range found {
		if f.Kind == AmbiguousAlias || f.Kind == MissingBranch { // the branch whose fields are ambiguous
			return true
		}
	}
	return false
}

// FuzzDecode: what is decoded is encoded to data that mean the same; forged counts and lengths cost nothing.
func FuzzDecode(f *testing.F) {
	const text = `{"type":"record","name":"R","fields":[{"name":"a","type":["null","long","R",{"type":"array","items":"null"}]},
		{"name":"m","type":{"type":"map","values":["string","double"]}},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
		{"name":"x","type":{"type":"fixed","name":"F","size":2}},{"name":"b","type":"boolean"},{"name":"n","type":"float"}]}`
	s, err := Parse(text)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 0, 1, 2, 1, 0, 0, 0, 0})
	f.Add([]byte{6, 10, 0, 2, 2, 'k', 0, 2, 'v', 0, 2, 9, 9, 0, 0, 0, 0x80, 0x3f})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := s.Decode(data)
		if err != nil {
			return
		}
		if !json.Valid([]byte(got)) {
			t.Fatalf("%x decodes to %s", data, got)
		}
		again, err := s.Encode(got)
		if err != nil {
			t.Fatalf("%s cannot be encoded: %v", got, err)
		}
		if back, err := s.Decode(again); err != nil || back != got {
			t.Fatalf("%s comes back as %s: %v", got, back, err)
		}
	})
}
