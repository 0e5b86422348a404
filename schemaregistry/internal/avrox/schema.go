package avrox

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Type is a kind of schema.
type Type uint8

// Types, in the order of Java's.
const (
	Record Type = iota
	Enum
	Array
	Map
	Union
	Fixed
	String
	Bytes
	Int
	Long
	Float
	Double
	Boolean
	Null
)

var typeNames = [...]string{"record", "enum", "array", "map", "union", "fixed", "string", "bytes", "int", "long", "float", "double", "boolean", "null"}

func (t Type) String() string { return typeNames[t] }

// primitive answers the type of a primitive's name.
func primitive(name string) (Type, bool) {
	i := slices.Index(typeNames[String:], name)
	return String + Type(max(i, 0)), i >= 0
}

// Name is a full name in its parts.
type Name struct{ Space, Local string }

func (n Name) String() string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + "." + n.Local
}

// qualified is the shortest text that means n inside of a namespace.
func (n Name) qualified(space string) string {
	if n.Space == "" || n.Space == space && !slices.Contains(typeNames[:], n.Local) {
		return n.Local
	}
	return n.String()
}

// parseName splits a name; without dots it is in a namespace.
func parseName(text, space string) (Name, error) {
	n := Name{space, text}
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		n = Name{text[:i], text[i+1:]}
	}
	if err := checkName(n.Local); err != nil {
		return n, err
	}
	if n.Space == "" {
		return n, nil
	}
	for part := range strings.SplitSeq(n.Space, ".") {
		if err := checkName(part); err != nil {
			return n, fmt.Errorf("namespace %q: %w", n.Space, err)
		}
	}
	return n, nil
}

// checkName takes letters and digits of any script, as Java does.
func checkName(s string) error {
	if s == "" {
		return fmt.Errorf("an empty name")
	}
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return fmt.Errorf("illegal character %q in the name %q", r, s)
		}
	}
	return nil
}

// Schema is an Avro schema. A named type that is used again is the same Schema.
type Schema struct {
	Type     Type
	Name     Name      // of a record, enum or fixed
	Aliases  []Name    // of these
	Fields   []*Field  // of a record
	Symbols  []string  // of an enum
	Items    *Schema   // of an array, or the values of a map
	Branches []*Schema // of a union
	Size     int       // of a fixed

	doc         *string
	props       []prop
	enumDefault *string
	isError     bool // a record that was written as "error"
}

// Field is a field of a record.
type Field struct {
	Name    string
	Pos     int
	Type    *Schema
	Aliases []string

	doc   *string
	def   *value // nil: it has no default
	order string // "": ascending
	props []prop
}

// HasDefault tells whether readers can do without the field.
func (f *Field) HasDefault() bool { return f.def != nil }

// prop is an attribute that Avro does not know.
type prop struct {
	name  string
	value *value
}

// itemsWord is the attribute that holds what an array or a map is of.
func (t Type) itemsWord() string {
	if t == Map {
		return "values"
	}
	return "items"
}

func (s *Schema) named() bool { return s.Type == Record || s.Type == Enum || s.Type == Fixed }

// types calls fn for every named type in s.
func (s *Schema) types(seen map[*Schema]bool, fn func(*Schema)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if s.named() {
		fn(s)
	}
	s.Items.types(seen, fn)
	for _, b := range s.Branches {
		b.types(seen, fn)
	}
	for _, f := range s.Fields {
		f.Type.types(seen, fn)
	}
}

// FullName is the name of a record, enum or fixed; "" for what has none.
func (s *Schema) FullName() string {
	if !s.named() {
		return ""
	}
	return s.Name.String()
}

// branchName is what a branch of a union is called.
func (s *Schema) branchName() string {
	if s.named() {
		return s.Name.String()
	}
	return s.Type.String()
}

// field finds a field by its name.
func (s *Schema) field(name string) *Field {
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Prop answers an attribute that is a string, such as logicalType.
func (s *Schema) Prop(name string) (string, bool) {
	for _, p := range s.props {
		if p.name == name && p.value.kind == jsonString {
			return p.value.text, true
		}
	}
	return "", false
}
