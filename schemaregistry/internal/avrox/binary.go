package avrox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

// Errors of data.
var (
	ErrTrailing = errors.New("bytes behind the datum")
	ErrBoolean  = errors.New("a boolean is neither 0 nor 1")
	ErrUTF8     = errors.New("a string is not UTF-8")
)

// maxEmpty bounds the elements of a collection that take no bytes: nothing else does.
const maxEmpty = 1 << 16

// maxNesting bounds how deep data of a recursive schema may go.
const maxNesting = 2000

// Decode reads binary data of s, all of it, and answers Avro's JSON encoding.
func (s *Schema) Decode(data []byte) (string, error) {
	d, err := readAll(s, data)
	if err != nil {
		return "", fmt.Errorf("decode %s: %w", s.branchName(), err)
	}
	return datumText(s, d), nil
}

// readAll reads a datum and nothing behind it.
func readAll(s *Schema, data []byte) (any, error) {
	r := &reader{data: data}
	d, err := r.datum(s, 0)
	if err == nil && len(r.data) > 0 {
		err = fmt.Errorf("%w: %d", ErrTrailing, len(r.data))
	}
	return d, err
}

// Encode makes binary data of Avro's JSON encoding.
func (s *Schema) Encode(text string) ([]byte, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", s.branchName(), err)
	}
	d, err := readDatum(s, v, tagged)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", s.branchName(), err)
	}
	return appendBinary(nil, s, d), nil
}

// reader reads data from its beginning.
type reader struct{ data []byte }

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.data) {
		return nil, io.ErrUnexpectedEOF
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b, nil
}

// varint reads a number of at most so many bytes, seven bits each.
func (r *reader) varint(most int) (n uint64, err error) {
	for i := range most {
		if i >= len(r.data) {
			return 0, io.ErrUnexpectedEOF
		}
		c := r.data[i]
		if n |= uint64(c&0x7f) << (7 * i); c < 0x80 {
			r.data = r.data[i+1:]
			return n, nil
		}
	}
	return 0, fmt.Errorf("a varint longer than %d bytes", most)
}

// long reads a zigzag number.
func (r *reader) long() (int64, error) {
	n, err := r.varint(10)
	return int64(n>>1) ^ -int64(n&1), err
}

// int reads one of 32 bits; those above are dropped, as in Java.
func (r *reader) int() (int32, error) {
	long, err := r.varint(5)
	n := uint32(long)
	return int32(n>>1) ^ -int32(n&1), err
}

// bytes reads a length and so many bytes.
func (r *reader) bytes() ([]byte, error) {
	n, err := r.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(r.data)) {
		return nil, fmt.Errorf("a length of %d with %d bytes left: %w", n, len(r.data), io.ErrUnexpectedEOF)
	}
	return r.take(int(n))
}

func (r *reader) string() (string, error) {
	b, err := r.bytes()
	if err == nil && !utf8.Valid(b) {
		err = ErrUTF8
	}
	return string(b), err
}

func (r *reader) datum(s *Schema, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("nested deeper than %d", maxNesting)
	}
	switch s.Type {
	case Null:
		return nil, nil
	case Boolean:
		b, err := r.take(1)
		if err == nil && b[0] > 1 {
			err = ErrBoolean
		}
		return err == nil && b[0] == 1, err
	case Int:
		return r.int()
	case Long:
		return r.long()
	case Float:
		b, err := r.take(4)
		if err != nil {
			return nil, err
		}
		return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
	case Double:
		b, err := r.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	case String:
		return r.string()
	case Bytes:
		return r.bytes()
	case Fixed:
		return r.take(s.Size)
	case Enum:
		n, err := r.index(len(s.Symbols))
		if err != nil {
			return nil, fmt.Errorf("symbol of %s: %w", s.Name, err)
		}
		return s.Symbols[n], nil
	}
	return r.nested(s, depth)
}

// index reads a number below n.
func (r *reader) index(n int) (int, error) {
	i, err := r.int()
	if err == nil && (i < 0 || int(i) >= n) {
		err = fmt.Errorf("%d is not in [0, %d)", i, n)
	}
	return int(i), err
}

func (r *reader) nested(s *Schema, depth int) (any, error) {
	switch s.Type {
	case Array:
		out := []any{}
		err := r.blocks(s.Items, 0, func() error {
			d, err := r.datum(s.Items, depth+1)
			out = append(out, d)
			return err
		})
		return out, err
	case Map:
		out := newMap()
		err := r.blocks(s.Items, 1, func() error {
			key, err := r.string()
			if err != nil {
				return err
			}
			d, err := r.datum(s.Items, depth+1)
			out.set(key, d)
			return err
		})
		return out, err
	case Union:
		i, err := r.index(len(s.Branches))
		if err != nil {
			return nil, fmt.Errorf("branch of a union: %w", err)
		}
		d, err := r.datum(s.Branches[i], depth+1)
		return &branchDatum{i, d}, err
	}
	out := &recordDatum{fields: make([]any, len(s.Fields))}
	for i, f := range s.Fields {
		d, err := r.datum(f.Type, depth+1)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		out.fields[i] = d
	}
	return out, nil
}

// blocks reads the blocks of an array or a map. What a block claims to hold must fit into the bytes that are left, so that a
// forged count costs nothing; extra is what an element takes besides its value.
func (r *reader) blocks(items *Schema, extra int, element func() error) error {
	least, empty := items.leastBytes(nil)+extra, 0
	for {
		n, err := r.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			if _, err := r.long(); err != nil { // how many bytes the block takes: for who skips it
				return err
			}
			n = -n
		}
		switch {
		case n < 0 || least > 0 && n > int64(len(r.data)/least):
			return fmt.Errorf("a block of %d elements with %d bytes left: %w", n, len(r.data), io.ErrUnexpectedEOF)
		case least == 0 && n > int64(maxEmpty-empty):
			return fmt.Errorf("a collection of more than %d empty elements", maxEmpty)
		}
		empty += int(n)
		for range n {
			if err := element(); err != nil {
				return err
			}
		}
	}
}

// leastBytes is how few bytes a datum takes.
func (s *Schema) leastBytes(within []*Schema) int {
	switch s.Type {
	case Null:
		return 0
	case Float:
		return 4
	case Double:
		return 8
	case Fixed:
		return s.Size
	case Record:
		if slices.Contains(within, s) {
			return 0
		}
		sum := 0
		for _, f := range s.Fields {
			sum += f.Type.leastBytes(append(within, s))
		}
		return sum
	}
	return 1
}

// appendBinary writes a datum that readDatum, or a reader, has made.
func appendBinary(b []byte, s *Schema, d any) []byte {
	switch d := d.(type) {
	case bool:
		if d {
			return append(b, 1)
		}
		return append(b, 0)
	case int32:
		return binary.AppendVarint(b, int64(d))
	case int64:
		return binary.AppendVarint(b, d)
	case float32:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(d))
	case float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(d))
	case string:
		if s.Type == Enum {
			return binary.AppendVarint(b, int64(slices.Index(s.Symbols, d)))
		}
		return append(binary.AppendVarint(b, int64(len(d))), d...)
	case []byte:
		if s.Type == Fixed {
			return append(b, d...)
		}
		return append(binary.AppendVarint(b, int64(len(d))), d...)
	case []any:
		if len(d) > 0 {
			b = binary.AppendVarint(b, int64(len(d)))
		}
		for _, item := range d {
			b = appendBinary(b, s.Items, item)
		}
		return append(b, 0)
	case *mapDatum:
		if len(d.keys) > 0 {
			b = binary.AppendVarint(b, int64(len(d.keys)))
		}
		for _, key := range d.keys {
			b = append(binary.AppendVarint(b, int64(len(key))), key...)
			b = appendBinary(b, s.Items, d.values[key])
		}
		return append(b, 0)
	case *recordDatum:
		for i, f := range s.Fields {
			b = appendBinary(b, f.Type, d.fields[i])
		}
	case *branchDatum:
		return appendBinary(binary.AppendVarint(b, int64(d.index)), s.Branches[d.index], d.value)
	}
	return b
}
