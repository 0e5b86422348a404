// Package frame owns how a key or a value names its schema (registry.md 12). Pure.
//
//	prefix, version 0   00, id int32 big-endian, payload
//	prefix, version 1   01, GUID of 16 bytes, payload
//	header, version 1   header __key_schema_id or __value_schema_id = 01, GUID; the payload has no prefix
//
// Protobuf has message indexes behind the id or the GUID: which message of the file it is, and which of those within it, as zigzag
// varints: their count, then each. The list [0], of the first message, is the single byte 00.
//
// What is parsed points into the bytes that came.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Headers that name the schema of a key or a value.
const (
	KeyHeader   = "__key_schema_id"
	ValueHeader = "__value_schema_id"
)

// Errors of frames.
var (
	ErrNone    = errors.New("no schema id")
	ErrIndexes = errors.New("the message indexes are damaged")
)

const (
	idMagic   = 0
	guidMagic = 1
	// IDSize is the prefix of version 0.
	IDSize   = 5
	guidSize = 17
)

// GUID identifies the content of a schema in every registry.
type GUID [16]byte

func (g GUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// Frame is a parsed key or value.
type Frame struct {
	ID      int // -1: the schema is named by GUID
	GUID    GUID
	Rest    []byte // behind the name: the payload, or for Protobuf the indexes
	Payload []byte // of the header form; nil: it is in Rest
}

// Parse reads the header if there is one, else the prefix.
func Parse(data, header []byte) (Frame, error) {
	if header == nil {
		return parse(data)
	}
	f, err := parse(header)
	if err != nil {
		return f, fmt.Errorf("the schema header: %w", err)
	}
	if f.Payload = data; data == nil {
		f.Payload = []byte{}
	}
	return f, nil
}

func parse(b []byte) (Frame, error) {
	switch {
	case len(b) >= IDSize && b[0] == idMagic:
		return Frame{ID: int(int32(binary.BigEndian.Uint32(b[1:]))), Rest: b[IDSize:]}, nil
	case len(b) >= guidSize && b[0] == guidMagic:
		return Frame{ID: -1, GUID: GUID(b[1:guidSize]), Rest: b[guidSize:]}, nil
	}
	return Frame{}, ErrNone
}

// Plain is the payload of a format without indexes.
func (f Frame) Plain() []byte {
	if f.Payload != nil {
		return f.Payload
	}
	return f.Rest
}

// Indexed splits Protobuf's indexes from its payload.
func (f Frame) Indexed() (indexes, payload []byte, err error) {
	n, err := skipIndexes(f.Rest)
	if err != nil {
		return nil, nil, err
	}
	if f.Payload != nil {
		return f.Rest[:n], f.Payload, nil
	}
	return f.Rest[:n], f.Rest[n:], nil
}

// maxIndexes bounds how deep a message may lie in a file.
const maxIndexes = 64

func skipIndexes(b []byte) (int, error) {
	count, at := binary.Varint(b)
	if at <= 0 || count < 0 || count > maxIndexes {
		return 0, ErrIndexes
	}
	for range count {
		i, n := binary.Varint(b[at:])
		if n <= 0 || i < 0 {
			return 0, ErrIndexes
		}
		at += n
	}
	return at, nil
}

// Indexes reads a list that Indexed has split off.
func Indexes(b []byte) []int {
	count, at := binary.Varint(b)
	if count == 0 {
		return []int{0}
	}
	out := make([]int, 0, count)
	for range count {
		i, n := binary.Varint(b[at:])
		at += n
		out = append(out, int(i))
	}
	return out
}

// AppendID writes the prefix of version 0.
func AppendID(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, idMagic), uint32(id))
}

// AppendGUID writes the prefix of version 1, which is also the header's value.
func AppendGUID(dst []byte, g GUID) []byte { return append(append(dst, guidMagic), g[:]...) }

// AppendIndexes writes a list of message indexes.
func AppendIndexes(dst []byte, indexes []int) []byte {
	if len(indexes) == 1 && indexes[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(indexes)))
	for _, i := range indexes {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}
