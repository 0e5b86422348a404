package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// A group frame, big endian. One commit is one frame, in both engines:
//
//	offset  size  field
//	0       4     magic
//	4       4     crc32c of everything behind this field
//	8       4     generation
//	12      8     sequence: one more than that of the frame before, over all generations
//	20      4     length: bytes of the records
//	24            records
const (
	frameHeader = 24
	// magic begins with a byte that text and zeros do not have, which makes the search behind a bad
	// frame fast.
	magic = 0x9d4d534a

	// maxGroup bounds a frame, so that sizes fit an int and a length field that lies cannot ask for much.
	maxGroup = 1 << 30
)

type header struct {
	crc      uint32
	gen      Gen
	sequence uint64
	length   int // of the records
}

// size is that of the whole frame.
func (h header) size() int64 { return frameHeader + int64(h.length) }

// parseHeader reads a frame header; ok says that it looks like one, not that the frame is whole.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < frameHeader || binary.BigEndian.Uint32(b) != magic {
		return h, false
	}
	length := binary.BigEndian.Uint32(b[20:])
	if length > maxGroup {
		return h, false
	}
	return header{
		crc: binary.BigEndian.Uint32(b[4:]), gen: Gen(binary.BigEndian.Uint32(b[8:])),
		sequence: binary.BigEndian.Uint64(b[12:]), length: int(length),
	}, true
}

// HeaderBytes is the size of a frame header.
const HeaderBytes = frameHeader

// HeaderAt answers whether the bytes of f at offset look like the header of a frame of generation
// gen, whole frame or not.
func HeaderAt(f io.ReaderAt, offset int64, gen Gen) (bool, error) {
	var b [frameHeader]byte
	if _, err := f.ReadAt(b[:], offset); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	h, ok := parseHeader(b[:])
	return ok && h.gen == gen, nil
}

// eachRecord parses the records of a frame whose CRC was right.
func eachRecord(records []byte, gen Gen, fn func(Gen, Record) error) error {
	for len(records) > 0 {
		rec, size, err := parseRecord(records, gen)
		if err != nil {
			return err
		}
		if err := fn(gen, rec); err != nil {
			return &callbackError{err}
		}
		records = records[size:]
	}
	return nil
}

// callbackError tells an error of Replay's callback from one of the journal.
type callbackError struct{ err error }

func (c *callbackError) Error() string { return c.err.Error() }
func (c *callbackError) Unwrap() error { return c.err }

// Encoder builds frames in a buffer that it keeps. The zero value is ready.
type Encoder struct {
	buf []byte
}

// maxKept is the largest buffer that an Encoder keeps: what a larger group needs is its own.
const maxKept = 4 << 20

// Frame answers recs as one frame. Its length is a multiple of align, filled up with zeros, and with
// align = vfs.DirectAlign its address is one too. The payloads are copied, once. The bytes are valid
// until the next call.
func (e *Encoder) Frame(gen Gen, sequence uint64, recs []Record, align int) ([]byte, error) {
	length := 0
	for i := range recs {
		length += recordHeader + len(recs[i].Payload)
	}
	if length > maxGroup {
		return nil, fmt.Errorf("group of %d bytes, at most %d", length, maxGroup)
	}
	size := frameHeader + length
	padded := (size + align - 1) / align * align
	b := e.buffer(padded)
	at := frameHeader
	for i := range recs {
		at += putRecord(b[at:], gen, &recs[i])
	}
	be := binary.BigEndian
	be.PutUint32(b[0:], magic)
	be.PutUint32(b[8:], uint32(gen))
	be.PutUint64(b[12:], sequence)
	be.PutUint32(b[20:], uint32(length))
	be.PutUint32(b[4:], crc32.Checksum(b[8:size], castagnoli))
	clear(b[size:])
	return b, nil
}

func (e *Encoder) buffer(n int) []byte {
	if n <= len(e.buf) {
		return e.buf[:n]
	}
	if n > maxKept {
		return vfs.AlignedBuffer(n)
	}
	size := max(16<<10, len(e.buf))
	for size < n {
		size *= 2
	}
	e.buf = vfs.AlignedBuffer(size)
	return e.buf[:n]
}
