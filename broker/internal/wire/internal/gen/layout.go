package main

import "strings"

// fixedSizes are the types of fixed width, on the wire and in memory alike.
var fixedSizes = map[string]int{
	"bool": 1, "int8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "float64": 8, "uuid": 16,
}

const (
	pointer       = 8
	stringHeader  = 16
	sliceHeader   = 24
	pointedString = stringHeader // a nullable string is a pointer to a header on the heap
)

// layout adds up the size of a Go struct as the compiler would, field by field. kmsg's structs hold the fields of every
// version in the order of the definitions and end in their unknown tags.
type layout struct{ bytes, align int }

func (l *layout) add(size, align int) {
	l.bytes = up(l.bytes, align) + size
	l.align = max(l.align, align)
}

func (l *layout) size() int {
	l.add(pointer, pointer) // UnknownTags
	return up(l.bytes, l.align)
}

func up(n, align int) int { return (n + align - 1) / align * align }

// measure adds one field, whatever its versions.
func (c compiler) measure(l *layout, f field) {
	switch n := fixedSizes[f.Type]; {
	case f.Type == "uuid":
		l.add(n, 1)
	case n > 0:
		l.add(n, n)
	case strings.HasPrefix(f.Type, "[]"), f.Type == "bytes", f.Type == "records":
		l.add(sliceHeader, pointer)
	case f.Nullable.some:
		l.add(pointer, pointer)
	case f.Type == "string":
		l.add(stringHeader, pointer)
	default: // a struct in place
		var inner layout
		for _, g := range c.fieldsOf(f) {
			c.measure(&inner, g)
		}
		l.add(inner.size(), pointer)
	}
}
