package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A codec walks the fields of a record, in one direction: it appends them to buf or takes them from its front. One walk
// function for each record type serves both, so that what is written and what is read cannot drift apart.
type codec struct {
	buf     []byte
	reading bool
	version int16
	err     error // the first fault; everything after it does nothing
}

var (
	errShort = errors.New("record ends early")
	errNull  = errors.New("null where a value is wanted")
)

// What is encoded may be part of a published image: the walks below write to it only when they read.

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	if c.reading {
		c.buf = nil
	}
}

// take cuts n bytes from the front; nil when they are not there.
func (c *codec) take(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.buf)) {
		c.fail(errShort)
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *codec) uvarint(p *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *p)
		return
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 || v > math.MaxUint32 {
		c.fail(fmt.Errorf("bad varint: %w", errShort))
		v, n = 0, 0
	}
	*p, c.buf = v, c.buf[n:]
}

func (c *codec) int8(p *int8) {
	if !c.reading {
		c.buf = append(c.buf, byte(*p))
	} else if b := c.take(1); b != nil {
		*p = int8(b[0])
	}
}

func (c *codec) bool(p *bool) {
	v := int8(0)
	if *p {
		v = 1
	}
	c.int8(&v)
	if c.reading {
		*p = v != 0
	}
}

func (c *codec) uint16(p *uint16) {
	if !c.reading {
		c.buf = binary.BigEndian.AppendUint16(c.buf, *p)
	} else if b := c.take(2); b != nil {
		*p = binary.BigEndian.Uint16(b)
	}
}

func (c *codec) int16(p *int16) {
	v := uint16(*p)
	c.uint16(&v)
	if c.reading {
		*p = int16(v)
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

func (c *codec) float64(p *float64) {
	v := int64(math.Float64bits(*p))
	c.int64(&v)
	if c.reading {
		*p = math.Float64frombits(uint64(v))
	}
}

func (c *codec) uuid(p *UUID) {
	if !c.reading {
		c.buf = append(c.buf, p[:]...)
	} else if b := c.take(16); b != nil {
		*p = UUID(b)
	}
}

// size is a compact length: 0 means null, else length + 1.
func (c *codec) size(n int, null bool) (int, bool) {
	v := uint64(n) + 1
	if null {
		v = 0
	}
	c.uvarint(&v)
	if v == 0 {
		return 0, true
	}
	return int(v - 1), false
}

func (c *codec) bytes(p *[]byte) {
	n, null := c.size(len(*p), false)
	switch {
	case !c.reading:
		c.buf = append(c.buf, *p...)
	case null:
		c.fail(errNull)
	default:
		*p = append([]byte(nil), c.take(uint64(n))...)
	}
}

func (c *codec) string(p *string) {
	s := p
	c.nullableString(&s)
	if s == nil {
		c.fail(errNull)
		return
	}
	if c.reading {
		*p = *s
	}
}

func (c *codec) nullableString(p **string) {
	var v string
	if *p != nil {
		v = **p
	}
	n, null := c.size(len(v), *p == nil)
	switch {
	case !c.reading:
		c.buf = append(c.buf, v...)
	case null:
		*p = nil
	default:
		*p = new(string(c.take(uint64(n))))
	}
}

// list walks a compact array whose elements take at least min bytes each. A null array is a nil slice where nullable says so.
func list[T any](c *codec, p *[]T, min int, nullable bool, each func(*T)) {
	n, null := c.size(len(*p), nullable && *p == nil)
	if c.reading {
		switch {
		case null && !nullable:
			c.fail(errNull)
		case n > len(c.buf)/min:
			c.fail(errShort)
		}
		if *p = nil; null || c.err != nil {
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

func (c *codec) ids(p *[]int32, nullable bool)  { list(c, p, 4, nullable, c.int32) }
func (c *codec) uuids(p *[]UUID, nullable bool) { list(c, p, 16, nullable, c.uuid) }

// A tag is one tagged field: written when it is set, absent otherwise.
type tag struct {
	number uint64
	set    bool
	walk   func()
}

// tags walks the tagged section that ends every flexible structure. Fields of no known tag are skipped.
func (c *codec) tags(known ...tag) {
	if c.reading {
		c.readTags(known)
		return
	}
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
		return
	}
	for ; n > 0 && c.err == nil; n-- {
		var number, size uint64
		c.uvarint(&number)
		c.uvarint(&size)
		body := c.take(size)
		for _, t := range known {
			if t.number == number && c.err == nil {
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
}
