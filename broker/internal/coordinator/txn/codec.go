package txn

import (
	"encoding/binary"
	"errors"
	"math"
)

var errShort = errors.New("ends early")

// writer appends the fields of a record.
type writer struct{ buf []byte }

func (w *writer) int8(v int8)      { w.buf = append(w.buf, byte(v)) }
func (w *writer) int16(v int16)    { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(v)) }
func (w *writer) int32(v int32)    { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(v)) }
func (w *writer) int64(v int64)    { w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(v)) }
func (w *writer) uvarint(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }
func (w *writer) raw(s string)     { w.buf = append(w.buf, s...) }
func (w *writer) shortString(s string) {
	w.int16(int16(len(s)))
	w.raw(s)
}

func (w *writer) compactString(s string) {
	w.uvarint(uint64(len(s) + 1))
	w.raw(s)
}

// tag is a tagged number of 2 or 8 bytes, written when it is set.
type tag struct {
	number uint64
	size   int
	value  int64
	set    bool
}

func (w *writer) tags(list ...tag) {
	n := uint64(0)
	for _, t := range list {
		if t.set {
			n++
		}
	}
	w.uvarint(n)
	for _, t := range list {
		if !t.set {
			continue
		}
		w.uvarint(t.number)
		w.uvarint(uint64(t.size))
		if t.size == 2 {
			w.int16(int16(t.value))
		} else {
			w.int64(t.value)
		}
	}
}

// reader takes fields from the front of a record. After its first fault everything is zero. Counts are checked against
// the bytes that are left before anything is allocated.
type reader struct {
	buf      []byte
	flexible bool
	err      error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = nil
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.buf) {
		r.fail(errShort)
		return make([]byte, 8)[:min(8, max(0, n))]
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) int8() int8   { return int8(r.take(1)[0]) }
func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 || v > math.MaxInt32 {
		r.fail(errShort)
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

// string reads n bytes.
func (r *reader) string(n int) string {
	b := r.take(n)
	if r.err != nil {
		return ""
	}
	return string(b)
}

// length is that of a string.
func (r *reader) length() int {
	if r.flexible {
		return int(r.uvarint()) - 1
	}
	return int(r.int16())
}

// count is that of an array whose elements take at least size bytes; null counts as empty.
func (r *reader) count(size int) int {
	var n int
	if r.flexible {
		n = int(r.uvarint()) - 1
	} else {
		n = int(r.int32())
	}
	if n > len(r.buf)/size {
		r.fail(errShort)
		return 0
	}
	return max(n, 0)
}

// tags reads the tagged fields; take gets each, nil skips them.
func (r *reader) tags(take func(number uint64, body *reader)) {
	if !r.flexible {
		return
	}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		number, size := r.uvarint(), r.uvarint()
		body := reader{buf: r.take(int(size)), flexible: true}
		if r.err != nil || take == nil {
			continue
		}
		if take(number, &body); body.err != nil {
			r.fail(body.err)
		}
	}
}
