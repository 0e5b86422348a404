package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A codec walks the fields of a record or of a protocol blob, in one direction: it appends them to buf or takes them
// from its front. One walk serves both, so that what is written and what is read cannot drift apart. Counts are checked
// against the bytes that are left before anything is allocated.
type codec struct {
	buf      []byte
	reading  bool
	version  int16
	flexible bool  // compact lengths, tagged fields
	err      error // the first fault; everything after it does nothing
}

var (
	errShort = errors.New("ends early")
	errNull  = errors.New("null where a value is wanted")
)

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	if c.reading {
		c.buf = nil
	}
}

func (c *codec) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.buf) {
		c.fail(errShort)
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *codec) int8(p *int8) {
	if !c.reading {
		c.buf = append(c.buf, byte(*p))
	} else if b := c.take(1); b != nil {
		*p = int8(b[0])
	}
}

func (c *codec) int16(p *int16) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(*p))
	} else if b := c.take(2); b != nil {
		*p = int16(binary.BigEndian.Uint16(b))
	}
}

func (c *codec) int32(p *int32) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(*p))
	} else if b := c.take(4); b != nil {
		*p = int32(binary.BigEndian.Uint32(b))
	}
}

func (c *codec) int64(p *int64) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(*p))
	} else if b := c.take(8); b != nil {
		*p = int64(binary.BigEndian.Uint64(b))
	}
}

func (c *codec) uuid(p *UUID) {
	if !c.reading {
		c.buf = append(c.buf, p[:]...)
	} else if b := c.take(16); b != nil {
		*p = UUID(b)
	}
}

func (c *codec) uvarint(p *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *p)
		return
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 || v > math.MaxInt32 {
		c.fail(errShort)
		v, n = 0, 0
	}
	*p, c.buf = v, c.buf[n:]
}

// width is that of a length in a record that is not flexible.
type width uint8

const (
	short width = 2 // strings
	long  width = 4 // bytes and arrays
)

// size is a length or count; -1 is null.
func (c *codec) size(n int, w width) int {
	switch {
	case c.flexible:
		v := uint64(n + 1)
		c.uvarint(&v)
		return int(v) - 1
	case w == short:
		v := int16(n)
		c.int16(&v)
		return int(v)
	default:
		v := int32(n)
		c.int32(&v)
		return int(v)
	}
}

func (c *codec) string(p *string) {
	s := p
	c.nullableString(&s)
	if s == nil {
		c.fail(errNull)
		return
	}
	*p = *s
}

func (c *codec) nullableString(p **string) {
	if !c.reading {
		if *p == nil {
			c.size(-1, short)
			return
		}
		c.size(len(**p), short)
		c.buf = append(c.buf, **p...)
		return
	}
	*p = nil
	if n := c.size(0, short); n >= 0 {
		*p = new(string(c.take(n)))
	}
}

// bytes copies when it reads; null is nil.
func (c *codec) bytes(p *[]byte) {
	if !c.reading {
		n := len(*p)
		if *p == nil {
			n = -1
		}
		c.size(n, long)
		c.buf = append(c.buf, *p...)
		return
	}
	*p = nil
	if n := c.size(0, long); n >= 0 {
		*p = append([]byte{}, c.take(n)...)
	}
}

// list walks an array whose elements take at least min bytes each; a null one is a nil slice.
func list[T any](c *codec, p *[]T, min int, each func(*T)) {
	if !c.reading {
		c.size(len(*p), long)
	} else {
		n := c.size(0, long)
		*p = nil
		if n > len(c.buf)/min {
			c.fail(errShort)
		}
		if n <= 0 || c.err != nil {
			return
		}
		*p = make([]T, n)
	}
	for i := range *p {
		if each(&(*p)[i]); c.err != nil {
			return
		}
	}
}

// A tag is one tagged field: written when it is set, absent otherwise.
type tag struct {
	number uint64
	set    bool
	walk   func()
}

// tags ends every structure of a flexible record. Fields of no known tag are skipped.
func (c *codec) tags(known ...tag) {
	switch {
	case !c.flexible:
	case c.reading:
		c.readTags(known)
	default:
		c.writeTags(known)
	}
}

func (c *codec) writeTags(known []tag) {
	n := uint64(0)
	for _, t := range known {
		if t.set {
			n++
		}
	}
	c.uvarint(&n)
	for _, t := range known {
		if !t.set {
			continue
		}
		outer := c.buf
		c.buf = nil
		t.walk()
		body := c.buf
		size := uint64(len(body))
		c.buf = outer
		c.uvarint(&t.number)
		c.uvarint(&size)
		c.buf = append(c.buf, body...)
	}
}

func (c *codec) readTags(known []tag) {
	var n uint64
	if c.uvarint(&n); n > uint64(len(c.buf)/2) {
		c.fail(errShort)
	}
	for ; n > 0 && c.err == nil; n-- {
		var number, size uint64
		c.uvarint(&number)
		c.uvarint(&size)
		body := c.take(int(size))
		for _, t := range known {
			if t.number != number || c.err != nil {
				continue
			}
			rest := c.buf
			c.buf = body
			if t.walk(); c.err == nil && len(c.buf) > 0 {
				c.fail(fmt.Errorf("tag %d is %d bytes too long", number, len(c.buf)))
			}
			if c.err == nil {
				c.buf = rest
			}
		}
	}
}
