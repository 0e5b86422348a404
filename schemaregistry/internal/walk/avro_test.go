package walk

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
)

// order is the record of the figures in registry.md 18: ten fields of most types.
const order = `{"type":"record","name":"Order","namespace":"shop","fields":[
	{"name":"id","type":"string"},{"name":"customer","type":"string"},{"name":"currency","type":"string"},{"name":"note","type":"string"},
	{"name":"created","type":"long"},{"name":"total","type":"double"},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID","SENT"]}},
	{"name":"lines","type":{"type":"array","items":"int"}},
	{"name":"coupon","type":["null","string"]},
	{"name":"address","type":{"type":"record","name":"Address","fields":[{"name":"street","type":"string"},{"name":"zip","type":"int"},{"name":"home","type":"boolean"}]}}]}`

const orderJSON = `{"id":"4f1c6bb2-1d","customer":"Ada Lovelace","currency":"EUR","note":"leave it at the door, please","created":1767225600000,"total":129.95,
	"state":"PAID","lines":[7,1200,31],"coupon":{"string":"SPRING"},"address":{"street":"12 St James's Square","zip":10117,"home":true}}`

const tree = `{"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"children","type":{"type":"array","items":"Node"}},{"name":"tags","type":{"type":"map","values":["null","boolean",{"type":"fixed","name":"F","size":3}]}}]}`

const treeJSON = `{"value":1,"children":[{"value":2,"children":[],"tags":{"a":null}},{"value":3,"children":[{"value":-4,"children":[],"tags":{}}],"tags":{"b":{"boolean":true},"c":{"F":"abc"}}}],"tags":{}}`

func parsed(t testing.TB, text string) *avrox.Schema {
	t.Helper()
	s, err := avrox.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encoded(t testing.TB, s *avrox.Schema, text string) []byte {
	t.Helper()
	b, err := s.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAvroSaysWhereAndWhy(t *testing.T) {
	s := parsed(t, order)
	valid := encoded(t, s, orderJSON)
	if err := Avro(s).Check(valid); err != nil {
		t.Fatal(err)
	}
	nulls := `{"type":"array","items":{"type":"record","name":"N","fields":[{"name":"n","type":"null"}]}}`
	deep := `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`
	for _, c := range []struct {
		name, schema string
		data         []byte
		want         string
	}{
		{"nothing at all", order, nil, "field id: the data end early (byte 0)"},
		{"bytes behind", `"int"`, []byte{2, 2}, "bytes behind the datum (byte 1)"},
		{"cut short in a nested record", order, valid[:len(valid)-1], "field address.home: the data end early (byte 111)"},
		{"a boolean of 2", `{"type":"record","name":"R","fields":[{"name":"b","type":"boolean"}]}`, []byte{2}, "field b: a boolean is neither 0 nor 1 (byte 0)"},
		{"no UTF-8", `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"s","type":"string"}]}}`, []byte{2, 2, 0xff, 0}, "field [].s: a string is not UTF-8 (byte 2)"},
		{"a symbol too many", order, append(append([]byte{}, 0, 0, 0, 0, 0), 0, 0, 0, 0, 0, 0, 0, 0, 6), "field state: no such symbol or branch (byte 13)"},
		{"a negative length", `"bytes"`, []byte{1}, "a length that cannot be (byte 0)"},
		{"a varint of eleven bytes", `"long"`, []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, "a number of too many bytes (byte 0)"},
		{"a forged count", `{"type":"array","items":"double"}`, []byte{254, 255, 255, 255, 15, 0}, "field []: a block that does not hold what it claims (byte 0)"},
		{"a forged count of what takes nothing", nulls, []byte{254, 255, 255, 255, 15, 0}, "field []: a block that does not hold what it claims (byte 0)"},
		{"a block of another size than it says", `{"type":"array","items":"int"}`, []byte{1, 4, 2, 0}, "field []: a block that does not hold what it claims (byte 0)"},
		{"too deep", deep, append(make([]byte, 0, 100), []byte("\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x00")...), "field L.next: nested deeper than 64 (byte 64)"},
	} {
		if err := Avro(parsed(t, c.schema)).Check(c.data); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		schema string
		data   []byte
	}{
		{nulls, []byte{8, 0}}, {`"null"`, nil}, {`{"type":"map","values":"null"}`, []byte{2, 2, 'a', 0}}, {deep, []byte{2, 2, 0}},
		{`{"type":"array","items":"int"}`, []byte{1, 2, 2, 0}},
	} {
		if err := Avro(parsed(t, c.schema)).Check(c.data); err != nil {
			t.Errorf("%s refuses %x: %v", c.schema, c.data, err)
		}
	}
}

// TestAvroOfSharedRecords has a schema that would be of 2^40 instructions if records were written where they are used.
func TestAvroOfSharedRecords(t *testing.T) {
	text := `{"type":"record","name":"R0","fields":[{"name":"x","type":"int"}]}`
	for i := 1; i <= 40; i++ {
		name := "R" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		before := "R0"
		if i > 1 {
			before = "R" + string(rune('0'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		}
		text = `{"type":"record","name":"` + name + `","fields":[{"name":"a","type":` + text + `},{"name":"b","type":["null","` + before + `"]}]}`
	}
	w := Avro(parsed(t, text)).(*avroWalker)
	if len(w.ops) > 200 {
		t.Errorf("%d instructions", len(w.ops))
	}
	if err := w.Check(make([]byte, 41)); err != nil {
		t.Error(err)
	}
}

// agree holds the walker against the strict decoder. What the walker refuses beyond it is listed here.
func agree(t *testing.T, s *avrox.Schema, w Walker, data []byte) (accepted bool) {
	t.Helper()
	mine := w.Check(data)
	_, theirs := s.Decode(data)
	var f *Fault
	switch {
	case mine == nil && theirs != nil:
		t.Errorf("%s: %x is accepted, the decoder says %v", s.Text(), data, theirs)
	case theirs == nil && errors.As(mine, &f) && f.Reason != TooDeep && f.Reason != BadBlock:
		t.Errorf("%s: %x is refused, %v; the decoder reads it", s.Text(), data, mine)
	}
	return mine == nil
}

// payloads calls fn with valid data of many schemas: the recorded ones of Apache Avro for Java when they are there, and ours.
func payloads(t testing.TB, fn func(s *avrox.Schema, data []byte)) {
	t.Helper()
	for _, c := range [][2]string{{order, orderJSON}, {tree, treeJSON}} {
		s := parsed(t, c[0])
		fn(s, encoded(t, s, c[1]))
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("CONFORMANCE_DIR"), "avro", "binary", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var v struct{ Kind, Schema, Bytes string }
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if v.Kind != "decode" {
				continue
			}
			s, err := avrox.Parse(v.Schema)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			data, err := hex.DecodeString(v.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			fn(s, data)
		}
		f.Close()
	}
}

// TestAvroCorruptionStudy is registry.md 17.5: what mutations make of valid data is accepted only if the strict decoder does.
func TestAvroCorruptionStudy(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 5))
	type sample struct {
		s    *avrox.Schema
		w    Walker
		data []byte
	}
	var samples []sample
	payloads(t, func(s *avrox.Schema, data []byte) {
		w := Avro(s)
		if agree(t, s, w, data) {
			samples = append(samples, sample{s, w, data})
		}
	})
	accepted := 0
	const mutations = 20_000
	for i := range mutations {
		s := samples[i%len(samples)]
		if agree(t, s.s, s.w, mutated(random, s.data)) {
			accepted++
		}
	}
	t.Logf("%d mutations of %d payloads, %d are still data", mutations, len(samples), accepted)
}

// mutated cuts data, adds to it, or flips bytes of it.
func mutated(random *rand.Rand, data []byte) []byte {
	out := append([]byte{}, data...)
	switch kind := random.IntN(4); {
	case kind == 0 && len(out) > 0:
		return out[:random.IntN(len(out))]
	case kind == 1 || len(out) == 0:
		for range 1 + random.IntN(4) {
			out = append(out, byte(random.UintN(256)))
		}
	default:
		for range 1 + random.IntN(3) {
			out[random.IntN(len(out))] = byte(random.UintN(256))
		}
	}
	return out
}

func FuzzAvro(f *testing.F) {
	schemas := []string{order, tree, `{"type":"array","items":"null"}`, `{"type":"map","values":"bytes"}`, `["int",{"type":"array","items":{"type":"fixed","name":"E","size":0}}]`}
	for i, s := range schemas {
		f.Add(i, []byte(s))
	}
	f.Add(0, encoded(f, parsed(f, order), orderJSON))
	f.Add(1, encoded(f, parsed(f, tree), treeJSON))
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		s := parsed(t, schemas[uint(i)%uint(len(schemas))])
		agree(t, s, Avro(s), data)
	})
}

func TestAvroAllocatesNothing(t *testing.T) {
	s := parsed(t, order)
	w, data := Avro(s), encoded(t, s, orderJSON)
	if n := testing.AllocsPerRun(100, func() { _ = w.Check(data) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func BenchmarkAvro(b *testing.B) {
	s := parsed(b, order)
	w, data := Avro(s), encoded(b, s, orderJSON)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := w.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}
