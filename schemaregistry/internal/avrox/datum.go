package avrox

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A datum is nil, bool, int32, int64, float32, float64, string (also an enum's symbol), []byte (also a fixed), []any,
// *mapDatum, *recordDatum or *branchDatum, as its schema says.
type (
	mapDatum struct {
		keys   []string
		values map[string]any
	}
	recordDatum struct{ fields []any } // in the order of the schema's
	branchDatum struct {
		index int
		value any
	}
)

func newMap() *mapDatum { return &mapDatum{values: map[string]any{}} }

func (m *mapDatum) set(key string, v any) {
	if _, there := m.values[key]; !there {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// datumText is Avro's JSON encoding of a datum: a branch other than null as {"name":value}, bytes as ISO-8859-1.
func datumText(s *Schema, d any) string {
	var b strings.Builder
	appendDatum(&b, s, d)
	return b.String()
}

func appendDatum(b *strings.Builder, s *Schema, d any) {
	switch d := d.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(d))
	case int32:
		b.WriteString(strconv.FormatInt(int64(d), 10))
	case int64:
		b.WriteString(strconv.FormatInt(d, 10))
	case float32:
		b.WriteString(javaDouble(float64(d), 32))
	case float64:
		b.WriteString(javaDouble(d, 64))
	case string:
		appendString(b, d)
	case []byte:
		appendString(b, latin1(d))
	case []any:
		b.WriteByte('[')
		for i, item := range d {
			if i > 0 {
				b.WriteByte(',')
			}
			appendDatum(b, s.Items, item)
		}
		b.WriteByte(']')
	case *mapDatum:
		appendMembers(b, len(d.keys), func(i int) (string, *Schema, any) { return d.keys[i], s.Items, d.values[d.keys[i]] })
	case *recordDatum:
		appendMembers(b, len(d.fields), func(i int) (string, *Schema, any) { return s.Fields[i].Name, s.Fields[i].Type, d.fields[i] })
	case *branchDatum:
		branch := s.Branches[d.index]
		if branch.Type == Null {
			b.WriteString("null")
			return
		}
		appendMembers(b, 1, func(int) (string, *Schema, any) { return branch.branchName(), branch, d.value })
	default:
		panic(fmt.Sprintf("avrox: no datum: %T", d))
	}
}

func appendMembers(b *strings.Builder, n int, member func(i int) (string, *Schema, any)) {
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name, s, d := member(i)
		appendString(b, name)
		b.WriteByte(':')
		appendDatum(b, s, d)
	}
	b.WriteByte('}')
}

// latin1 makes a character of each byte.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// fromLatin1 is the other direction; what is no byte becomes a question mark, as in Java.
func fromLatin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

// readDatum reads a datum from JSON.
func readDatum(s *Schema, v *value, with unionForm) (any, error) {
	wrong := func() error { return fmt.Errorf("%s is no %s", brief(v), s.branchName()) }
	switch s.Type {
	case Null:
		if v.kind != jsonNull {
			return nil, wrong()
		}
		return nil, nil
	case Boolean:
		if v.kind != jsonBool {
			return nil, wrong()
		}
		return v.text == "true", nil
	case Int, Long:
		bits := map[Type]int{Int: 32, Long: 64}[s.Type]
		n, err := strconv.ParseInt(v.text, 10, bits)
		if !v.integral() || err != nil {
			return nil, wrong()
		}
		if s.Type == Int {
			return int32(n), nil
		}
		return n, nil
	case Float, Double:
		return readFloat(s, v, wrong)
	case String:
		if v.kind != jsonString {
			return nil, wrong()
		}
		return v.text, nil
	case Bytes:
		if v.kind != jsonString {
			return nil, wrong()
		}
		return fromLatin1(v.text), nil
	case Fixed:
		b := fromLatin1(v.text)
		if v.kind != jsonString || len(b) != s.Size {
			return nil, wrong()
		}
		return b, nil
	case Enum:
		if v.kind != jsonString || !slices.Contains(s.Symbols, v.text) {
			return nil, wrong()
		}
		return v.text, nil
	}
	return readNested(s, v, with)
}

// javaNaN is what Java writes; Go's has another bit set.
var javaNaN = math.Float64frombits(0x7ff8000000000000)

func readFloat(s *Schema, v *value, wrong func() error) (any, error) {
	bits, text := map[Type]int{Float: 32, Double: 64}[s.Type], v.text
	special := map[string]float64{"NaN": javaNaN, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}
	f, named := special[text]
	switch {
	case named && (v.kind == jsonString || v.kind == jsonNumber):
	case v.kind == jsonNumber:
		n, err := strconv.ParseFloat(text, bits)
		if err != nil && !math.IsInf(n, 0) {
			return nil, wrong()
		}
		f = n
	default:
		return nil, wrong()
	}
	if s.Type == Float {
		return float32(f), nil
	}
	return f, nil
}

func readNested(s *Schema, v *value, with unionForm) (any, error) {
	switch {
	case s.Type == Array && v.kind == jsonArray:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			d, err := readDatum(s.Items, item, with)
			if err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
			out[i] = d
		}
		return out, nil
	case s.Type == Map && v.kind == jsonObject:
		out := newMap()
		for i, name := range v.names {
			d, err := readDatum(s.Items, v.items[i], with)
			if err != nil {
				return nil, fmt.Errorf("key %q: %w", name, err)
			}
			out.set(name, d)
		}
		return out, nil
	case s.Type == Record && v.kind == jsonObject:
		return readRecord(s, v, with)
	case s.Type == Union && with == tagged:
		return readTagged(s, v)
	case s.Type == Union:
		return readPlain(s, v)
	}
	return nil, fmt.Errorf("%s is no %s", brief(v), s.branchName())
}

func readRecord(s *Schema, v *value, with unionForm) (any, error) {
	out := &recordDatum{fields: make([]any, len(s.Fields))}
	for i, f := range s.Fields {
		member := v.get(f.Name)
		if member == nil && with == plain {
			member = f.def
		}
		if member == nil {
			return nil, fmt.Errorf("field %s of %s is missing", f.Name, s.Name)
		}
		d, err := readDatum(f.Type, member, with)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		out.fields[i] = d
	}
	return out, nil
}

// unionForm is how the values of unions stand in JSON: tagged with the branch's name, or plain, as in defaults, where also
// fields of records may be left out.
type unionForm bool

const (
	tagged unionForm = true
	plain  unionForm = false
)

func readTagged(s *Schema, v *value) (any, error) {
	name, of := "null", v
	switch {
	case v.kind == jsonNull:
	case v.kind == jsonObject && len(v.names) > 0:
		name, of = v.names[0], v.items[0] // Java reads the first member and skips the rest
	default:
		return nil, fmt.Errorf("%s is no branch of a union", brief(v))
	}
	for i, b := range s.Branches {
		if b.branchName() == name {
			d, err := readDatum(b, of, tagged)
			return &branchDatum{i, d}, err
		}
	}
	return nil, fmt.Errorf("the union has no branch %s", name)
}

func readPlain(s *Schema, v *value) (any, error) {
	for i, b := range s.Branches {
		if validDefault(b, v) {
			d, err := readDatum(b, v, plain)
			return &branchDatum{i, d}, err
		}
	}
	return nil, fmt.Errorf("%s is of no branch of the union", brief(v))
}

// defaultDatum is what a reader's field is when the writer has none.
func (f *Field) defaultDatum() (any, error) { return readDatum(f.Type, f.def, plain) }
