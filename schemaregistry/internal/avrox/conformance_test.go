package avrox

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is a case of the conformance folder, captured from Apache Avro 1.12.2 for Java.
type vector struct {
	ID, Kind, Text, Schema, Reader, Writer, JSON, Bytes, Quirk string
	Out                                                        struct {
		Text, Canonical, CRC64, Fingerprint64, MD5, SHA256, WithoutDefaultValidation *string
		Bytes, JSON                                                                  *string
		Left                                                                         int
		Compatibility                                                                string
		Incompatibilities                                                            []struct{ Type, Location, Message string }
		Error                                                                        *struct{ Class, Message string }
	}
}

// vectors calls fn for every case of the files that match, and tells how many there were.
func vectors(t *testing.T, pattern string, fn func(t *testing.T, v vector)) {
	t.Helper()
	dir := os.Getenv("CONFORMANCE_DIR")
	if dir == "" {
		dir = "../../../../shared/conformance"
	}
	files, err := filepath.Glob(filepath.Join(dir, "avro", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no vectors in %s: set CONFORMANCE_DIR", dir)
		}
		t.Skipf("SKIPPED: no vectors in %s (CONFORMANCE_DIR); nothing was compared with Java", dir)
	}
	cases := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var v vector
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			cases++
			fn(t, v)
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f.Close()
	}
	t.Logf("%d cases", cases)
}

func TestSchemasAsJava(t *testing.T) {
	vectors(t, "schema/*.jsonl", func(t *testing.T, v vector) {
		s, err := Parse(v.Text)
		if v.Out.Error != nil {
			if err == nil {
				t.Errorf("%s: %s is admitted, Java says %s", v.ID, v.Text, v.Out.Error.Message)
			}
			if v.Out.WithoutDefaultValidation != nil {
				if s, err = ParseWithoutDefaults(v.Text); err != nil || s.Text() != *v.Out.WithoutDefaultValidation {
					t.Errorf("%s without the check of defaults: %v", v.ID, err)
				}
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %s is refused: %v", v.ID, v.Text, err)
			return
		}
		md5, sha := s.MD5(), s.SHA256()
		var crc [8]byte
		for i := range crc {
			crc[i] = byte(s.CRC64() >> (8 * i))
		}
		for what, got := range map[string][2]string{
			"text": {s.Text(), *v.Out.Text}, "canonical": {s.Canonical(), *v.Out.Canonical}, "crc64": {hex.EncodeToString(crc[:]), *v.Out.CRC64},
			"fingerprint64": {strconv.FormatInt(int64(s.CRC64()), 10), *v.Out.Fingerprint64},
			"md5":           {hex.EncodeToString(md5[:]), *v.Out.MD5}, "sha256": {hex.EncodeToString(sha[:]), *v.Out.SHA256},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s\n got %s\nwant %s\n  of %s", v.ID, what, got[0], got[1], v.Text)
			}
		}
		again, err := Parse(s.Text())
		if err != nil || again.Text() != s.Text() {
			t.Errorf("%s: its own text does not come back: %v", v.ID, err)
		}
	})
}

func TestCompatibilityAsJava(t *testing.T) {
	vectors(t, "compat/*.jsonl", func(t *testing.T, v vector) {
		reader, err1 := Parse(v.Reader)
		writer, err2 := Parse(v.Writer)
		if err1 != nil || err2 != nil {
			t.Errorf("%s: %v, %v", v.ID, err1, err2)
			return
		}
		found := Compare(reader, writer)
		if v.Out.Error != nil {
			if len(found) == 0 {
				t.Errorf("%s: compatible, Java fails: %s", v.ID, v.Out.Error.Message)
			}
			return
		}
		same := len(found) == len(v.Out.Incompatibilities) && (len(found) == 0) == (v.Out.Compatibility == "COMPATIBLE")
		for i := range found {
			same = same && found[i].Kind == v.Out.Incompatibilities[i].Type && found[i].Location == v.Out.Incompatibilities[i].Location
		}
		if !same {
			t.Errorf("%s:\nreader %s\nwriter %s\n got %v\nwant %v", v.ID, v.Reader, v.Writer, found, v.Out.Incompatibilities)
		}
	})
}

// TestBinaryAsJava encodes, decodes and resolves as Java does. Where Java is lenient we are not: booleans other than 0 and 1,
// texts that are not UTF-8, bytes behind the datum; each of these must be why a case is refused that Java takes.
func TestBinaryAsJava(t *testing.T) {
	vectors(t, "binary/*.jsonl", func(t *testing.T, v vector) {
		got, err := code(t, v)
		switch {
		case v.Quirk == "java-collection-guard":
		case v.Out.Error != nil:
			if err == nil {
				t.Errorf("%s: %s, Java refuses: %s", v.ID, got, v.Out.Error.Message)
			}
		case err != nil:
			strict := errors.Is(err, ErrBoolean) || errors.Is(err, ErrUTF8) && strings.Contains(*v.Out.JSON, "\ufffd") || errors.Is(err, ErrTrailing) && v.Out.Left > 0
			if !strict {
				t.Errorf("%s: %v; Java reads %s", v.ID, err, *v.Out.JSON)
			}
		case v.Out.Left > 0:
			t.Errorf("%s: %d bytes behind the datum are not noticed", v.ID, v.Out.Left)
		case !sameJSON(got, *v.Out.JSON):
			t.Errorf("%s: got %s, want %s", v.ID, got, *v.Out.JSON)
		}
	})
}

// code does what a case asks for and answers the datum as JSON.
func code(t *testing.T, v vector) (string, error) {
	t.Helper()
	parsed := func(text string) *Schema {
		s, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		return s
	}
	data, err := hex.DecodeString(v.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	switch v.Kind {
	case "decode":
		return parsed(v.Schema).Decode(data)
	case "resolve":
		return Resolve(parsed(v.Reader), parsed(v.Writer), data)
	}
	s := parsed(v.Schema)
	if data, err = s.Encode(v.JSON); err != nil {
		return "", err
	}
	if want := v.Out.Bytes; want != nil && *want != hex.EncodeToString(data) && !strings.Contains(v.Schema, `"map"`) {
		t.Errorf("%s: encoded as %x, want %s", v.ID, data, *want)
	}
	return s.Decode(data)
}

// sameJSON compares numbers by their values, at the width of a float: Java's texts of floats are not the shortest. It prints nothing at all for a record in which nothing is.
func sameJSON(got, want string) bool {
	if want == "" {
		return strings.Trim(got, `{}"abcdefghijklmnopqrstuvwxyz0123456789_:,`) == "" && !strings.ContainsAny(got, "[")
	}
	var a, b any
	narrow := cmp.Comparer(func(a, b float64) bool { return a == b || float32(a) == float32(b) })
	return json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(want), &b) == nil && cmp.Equal(a, b, narrow)
}
