package avrox

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxCheckNesting bounds data on the produce path (registry.md 17.4).
const maxCheckNesting = 64

// Errors of Check besides those of Decode.
var (
	errCut    = fmt.Errorf("the data end early: %w", io.ErrUnexpectedEOF)
	errVarint = errors.New("a number is longer than its type")
	errIndex  = errors.New("an index that the schema does not have")
	errDeep   = fmt.Errorf("nested deeper than %d", maxCheckNesting)
	errEmpty  = fmt.Errorf("a collection of more than %d empty elements", maxEmpty)
)

// Check tells whether data are a datum of s and nothing behind it, as Decode would, without making anything: it allocates nothing
// unless it fails. Its work is bounded by the length of the data.
func (s *Schema) Check(data []byte) error {
	c := checker{data: data}
	if err := c.datum(s, 0); err != nil {
		return fmt.Errorf("%w (at byte %d of %d)", err, c.at, len(data))
	}
	if c.at != len(data) {
		return fmt.Errorf("%w: %d", ErrTrailing, len(data)-c.at)
	}
	return nil
}

// checker walks data once.
type checker struct {
	data []byte
	at   int
}

// long reads a zigzag number; most is the length of the longest.
func (c *checker) long(most int) (int64, error) {
	d := c.data[c.at:]
	if len(d) > 0 && d[0] < 0x80 { // the common case
		c.at++
		n := uint64(d[0])
		return int64(n>>1) ^ -int64(n&1), nil
	}
	var n uint64
	for i := range most {
		if i >= len(d) {
			return 0, errCut
		}
		b := d[i]
		if n |= uint64(b&0x7f) << (7 * i); b < 0x80 {
			c.at += i + 1
			return int64(n>>1) ^ -int64(n&1), nil
		}
	}
	return 0, errVarint
}

func (c *checker) skip(n int64) error {
	if n < 0 || n > int64(len(c.data)-c.at) {
		return errCut
	}
	c.at += int(n)
	return nil
}

func (c *checker) bytes(text bool) error {
	n, err := c.long(10)
	if err != nil {
		return err
	}
	from := c.at
	if err := c.skip(n); err != nil {
		return err
	}
	if text && !utf8.Valid(c.data[from:c.at]) {
		return ErrUTF8
	}
	return nil
}

func (c *checker) index(n int) (int, error) {
	i, err := c.long(5)
	if i := int32(i); err == nil && (i < 0 || int(i) >= n) {
		err = errIndex
	}
	return int(int32(i)), err
}

func (c *checker) datum(s *Schema, depth int) error {
	if depth > maxCheckNesting {
		return errDeep
	}
	switch s.Type {
	case Record:
		for _, f := range s.Fields {
			if err := c.datum(f.Type, depth+1); err != nil {
				return err
			}
		}
		return nil
	case String:
		return c.bytes(true)
	case Bytes:
		return c.bytes(false)
	case Long:
		_, err := c.long(10)
		return err
	case Int:
		_, err := c.long(5)
		return err
	case Double:
		return c.skip(8)
	case Float:
		return c.skip(4)
	case Boolean:
		if err := c.skip(1); err != nil {
			return err
		}
		if c.data[c.at-1] > 1 {
			return ErrBoolean
		}
		return nil
	case Fixed:
		return c.skip(int64(s.Size))
	case Enum:
		_, err := c.index(len(s.Symbols))
		return err
	case Union:
		i, err := c.index(len(s.Branches))
		if err != nil {
			return err
		}
		return c.datum(s.Branches[i], depth+1)
	case Array, Map:
		return c.blocks(s, depth)
	}
	return nil
}

// blocks walks an array or a map. What a block claims to hold must fit into the bytes that are left.
func (c *checker) blocks(s *Schema, depth int) error {
	least, empty := 1, int64(0)
	if s.Type == Array {
		least = s.least()
	}
	for {
		n, err := c.long(10)
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			if _, err := c.long(10); err != nil {
				return err
			}
			n = -n
		}
		switch {
		case n < 0 || least > 0 && n > int64((len(c.data)-c.at)/least):
			return errCut
		case least == 0:
			if empty += n; empty > maxEmpty {
				return errEmpty
			}
		}
		for range n {
			if s.Type == Map {
				if err := c.bytes(true); err != nil {
					return err
				}
			}
			if err := c.datum(s.Items, depth+1); err != nil {
				return err
			}
		}
	}
}

// least is how few bytes an element takes, 1 for what cannot be said cheaply: a record of one field takes at least as much.
func (s *Schema) least() int {
	switch s.Items.Type {
	case Null:
		return 0
	case Float:
		return 4
	case Double:
		return 8
	case Fixed:
		return s.Items.Size
	case Record:
		return min(1, s.Items.leastOf())
	}
	return 1
}

// leastOf is 0 for a record that may take no bytes.
func (s *Schema) leastOf() int {
	for _, f := range s.Fields {
		switch f.Type.Type {
		case Null:
		case Fixed:
			if f.Type.Size > 0 {
				return 1
			}
		case Record:
			return 0 // it may be empty, or hold itself: count its elements as such
		default:
			return 1
		}
	}
	return 0
}
