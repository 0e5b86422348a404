package streams_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/mainstem-io/mainstem/streams"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// value is a key or value of a case: one Go type for all types of the vocabulary, so that topologies can be built at run time.
// A nil *value is a null.
type value struct {
	kind  string // string, int64, double, bytes, windowed
	s     string
	i     int64
	f     float64
	inner *value
	span  processor.Span
}

type val = *value

func str(s string) val  { return &value{kind: "string", s: s} }
func num(i int64) val   { return &value{kind: "int64", i: i} }
func dbl(f float64) val { return &value{kind: "double", f: f} }
func text(v val) string { // str(x) of the vocabulary
	switch {
	case v == nil:
		return "null"
	case v.kind == "int64":
		return strconv.FormatInt(v.i, 10)
	case v.kind == "double":
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case v.kind == "windowed":
		return fmt.Sprintf("%s@%d/%d", text(v.inner), v.span.Start.UnixMilli(), v.span.End.UnixMilli())
	}
	return v.s
}

// typ is a type of the vocabulary; a windowed one has the type of its key and its shape.
type typ struct {
	kind    string
	inner   *typ
	size    int64
	session bool
}

func simple(kind string) typ { return typ{kind: kind} }

// typeSerde is the serde of a type; it is an optional one, so functions see nulls as the JVM's do.
type typeSerde struct{ t typ }

func (typeSerde) IsOptional() bool { return true }

func (s typeSerde) Append(dst []byte, v val) ([]byte, error) {
	if v == nil {
		return nil, fmt.Errorf("a null has no bytes")
	}
	if v.kind != s.t.kind {
		return nil, fmt.Errorf("a %s where a %s is written", v.kind, s.t.kind)
	}
	switch v.kind {
	case "int64":
		return binary.BigEndian.AppendUint64(dst, uint64(v.i)), nil
	case "double":
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.f)), nil
	case "windowed":
		return s.windowed().Append(dst, streams.Windowed[val]{Key: v.inner, Window: v.span})
	}
	return append(dst, v.s...), nil
}

func (s typeSerde) windowed() streams.Serde[streams.Windowed[val]] {
	if s.t.session {
		return streams.SessionWindowed[val](typeSerde{*s.t.inner})
	}
	return timeWindowed(typeSerde{*s.t.inner}, s.t.size)
}

func (s typeSerde) Decode(b []byte) (val, error) {
	switch s.t.kind {
	case "int64":
		v, err := streams.Int64.Decode(b)
		return num(v), err
	case "double":
		v, err := streams.Float64.Decode(b)
		return dbl(v), err
	case "windowed":
		w, err := s.windowed().Decode(b)
		return &value{kind: "windowed", inner: w.Key, span: w.Window}, err
	case "bytes":
		return &value{kind: "bytes", s: string(b)}, nil
	}
	v, err := streams.String.Decode(b)
	return str(v), err
}

// encode is the bytes of a JSON value of a case.
func encode(raw json.RawMessage, t typ) ([]byte, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var h struct {
		Hex *string `json:"hex"`
	}
	if raw[0] == '{' {
		if err := json.Unmarshal(raw, &h); err != nil || h.Hex == nil {
			return nil, fmt.Errorf("value %s", raw)
		}
		return hex.DecodeString(*h.Hex)
	}
	v, err := parse(raw, t)
	if err != nil {
		return nil, err
	}
	b, err := typeSerde{t}.Append(nil, v)
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

func parse(raw json.RawMessage, t typ) (val, error) {
	switch t.kind {
	case "int64":
		i, err := strconv.ParseInt(string(raw), 10, 64)
		return num(i), err
	case "double":
		f, err := strconv.ParseFloat(string(raw), 64)
		return dbl(f), err
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return str(s), err
}

// show is one form of a value for comparing: of bytes of a type.
func show(b []byte, t typ) string {
	if b == nil {
		return "null"
	}
	v, err := typeSerde{t}.Decode(b)
	if err != nil {
		return fmt.Sprintf("undecodable %x: %v", b, err)
	}
	switch t.kind {
	case "bytes":
		return hex.EncodeToString(b)
	case "windowed":
		return fmt.Sprintf("%s[%d,%d]%x", text(v.inner), v.span.Start.UnixMilli(), v.span.End.UnixMilli(), b)
	case "string":
		return strconv.Quote(v.s)
	}
	return text(v)
}

// showJSON is the same form of a value as a case has it.
func showJSON(raw json.RawMessage, t typ) string {
	if len(raw) == 0 || string(raw) == "null" {
		return "null"
	}
	if raw[0] == '{' {
		var w struct {
			Key        json.RawMessage `json:"key"`
			Start, End int64
			Hex        string `json:"hex"`
		}
		if err := json.Unmarshal(raw, &w); err != nil {
			return err.Error()
		}
		if w.Key == nil {
			return w.Hex
		}
		inner := simple("string")
		if t.inner != nil {
			inner = *t.inner
		}
		k, err := parse(w.Key, inner)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s[%d,%d]%s", text(k), w.Start, w.End, w.Hex)
	}
	v, err := parse(raw, t)
	if err != nil {
		return fmt.Sprintf("%s is no %s", raw, t.kind)
	}
	if t.kind == "string" {
		return strconv.Quote(v.s)
	}
	return text(v)
}
