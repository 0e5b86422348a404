package avrox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Incompatibility is one reason why a reader cannot read what a writer writes.
type Incompatibility struct {
	Kind     string // as Java's SchemaCompatibility names it
	Location string // JSON pointer into the reader's schema
	Message  string
}

// Kinds of incompatibilities.
const (
	NameMismatch       = "NAME_MISMATCH"
	FixedSizeMismatch  = "FIXED_SIZE_MISMATCH"
	MissingEnumSymbols = "MISSING_ENUM_SYMBOLS"
	MissingDefault     = "READER_FIELD_MISSING_DEFAULT_VALUE"
	TypeMismatch       = "TYPE_MISMATCH"
	MissingBranch      = "MISSING_UNION_BRANCH"
	AmbiguousAlias     = "AMBIGUOUS_ALIAS" // two fields of the writer match one of the reader: Java throws
)

// Compare lists everything that keeps a reader from reading what a writer writes, in Java's order; nothing means
// compatible. Names match without their namespace or by a reader's alias; logical types play no part. A pair of schemas is
// compared once, so recursive schemas end.
func Compare(reader, writer *Schema) []Incompatibility {
	c := &comparison{known: map[pair][]Incompatibility{}, open: map[pair]bool{}}
	return c.compare("", reader, writer, nil)
}

type pair struct{ reader, writer *Schema }

type comparison struct {
	known map[pair][]Incompatibility
	open  map[pair]bool
}

// maxPairs bounds the work of a comparison: the branches of two unions are compared each with each.
const maxPairs = 300_000

// place is where in the reader's schema something stands: from the root on.
type place []string

func (p place) at(token string) place { return append(slices.Clone(p), token) }

// pointer is the place as a JSON pointer; its first token is the root's, which has none.
func (p place) pointer() string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var tokens []string
	for _, token := range p[1:] {
		tokens = append(tokens, escape.Replace(token))
	}
	return "/" + strings.Join(tokens, "/")
}

// compare answers from memory when it has compared the pair, and with nothing while it is comparing it: what is wrong
// will be found by the comparison that is under way.
func (c *comparison) compare(token string, reader, writer *Schema, in place) []Incompatibility {
	k := pair{reader, writer}
	if c.open[k] {
		return nil
	}
	if found, ok := c.known[k]; ok {
		return found
	}
	if c.exhausted() {
		return []Incompatibility{{TypeMismatch, in.at(token).pointer(), "the schemas are too complex to be compared"}}
	}
	c.open[k] = true
	found := c.types(reader, writer, in.at(token))
	delete(c.open, k)
	c.known[k] = found
	return found
}

func (c *comparison) exhausted() bool { return len(c.known) > maxPairs }

// fresh compares as if the reader's schema were the root.
func (c *comparison) fresh(reader, writer *Schema) []Incompatibility {
	return c.compare("", reader, writer, nil)
}

func (c *comparison) types(r, w *Schema, at place) []Incompatibility {
	switch {
	case r.Type == w.Type:
		return c.sameType(r, w, at)
	case w.Type == Union:
		var out []Incompatibility
		for i, b := range w.Branches {
			out = append(out, c.compare(strconv.Itoa(i), r, b, at)...)
		}
		return out
	case promotes(w.Type, r.Type):
		return nil
	case r.Type == Union:
		for _, b := range r.Branches {
			if c.exhausted() {
				break
			}
			if len(c.fresh(b, w)) == 0 {
				return nil
			}
		}
		return missingBranch(w, at)
	}
	return []Incompatibility{{TypeMismatch, at.pointer(), fmt.Sprintf("reader type: %s not compatible with writer type: %s", upper(r), upper(w))}}
}

func upper(s *Schema) string { return strings.ToUpper(s.Type.String()) }

func missingBranch(w *Schema, at place) []Incompatibility {
	return []Incompatibility{{MissingBranch, at.pointer(), "reader union lacking writer type: " + upper(w)}}
}

// promotes tells whether data of one primitive can be read as another.
func promotes(from, to Type) bool {
	switch to {
	case Long:
		return from == Int
	case Float:
		return from == Int || from == Long
	case Double:
		return from == Int || from == Long || from == Float
	case Bytes:
		return from == String
	case String:
		return from == Bytes
	}
	return false
}

func (c *comparison) sameType(r, w *Schema, at place) (out []Incompatibility) {
	switch r.Type {
	case Array, Map:
		return c.compare(r.Type.itemsWord(), r.Items, w.Items, at)
	case Fixed:
		if out = compareNames(r, w, at); r.Size != w.Size {
			out = append(out, Incompatibility{FixedSizeMismatch, at.at("size").pointer(), fmt.Sprintf("expected: %d, found: %d", w.Size, r.Size)})
		}
	case Enum:
		out = append(compareNames(r, w, at), compareSymbols(r, w, at)...)
	case Record:
		out = append(compareNames(r, w, at), c.fields(r, w, at.at("fields"))...)
	case Union:
		for i, b := range w.Branches {
			if len(c.fresh(r, b)) > 0 {
				out = append(out, missingBranch(b, at.at(strconv.Itoa(i)))...)
			}
		}
	}
	return out
}

func compareNames(r, w *Schema, at place) []Incompatibility {
	if r.Name.Local == w.Name.Local || slices.Contains(r.Aliases, w.Name) {
		return nil
	}
	return []Incompatibility{{NameMismatch, at.at("name").pointer(), "expected: " + w.Name.String()}}
}

func compareSymbols(r, w *Schema, at place) []Incompatibility {
	var missing []string
	for _, s := range w.Symbols {
		if !slices.Contains(r.Symbols, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 || r.enumDefault != nil {
		return nil
	}
	slices.Sort(missing)
	return []Incompatibility{{MissingEnumSymbols, at.at("symbols").pointer(), "[" + strings.Join(missing, ", ") + "]"}}
}

func (c *comparison) fields(r, w *Schema, at place) (out []Incompatibility) {
	for _, f := range r.Fields {
		here := at.at(strconv.Itoa(f.Pos))
		from, several := w.matching(f)
		switch {
		case several:
			out = append(out, Incompatibility{AmbiguousAlias, here.pointer(), "several fields of the writer match the field " + f.Name})
		case from != nil:
			out = append(out, c.compare("type", f.Type, from.Type, here)...)
		case f.HasDefault():
		case f.Type.Type == Enum && f.Type.enumDefault != nil:
			out = append(out, c.compare("type", f.Type, w, here)...)
		default:
			out = append(out, Incompatibility{MissingDefault, here.pointer(), f.Name})
		}
	}
	return out
}

// matching finds the field of a writer that a reader's field reads: by its name, or by one of its aliases.
func (s *Schema) matching(reader *Field) (found *Field, several bool) {
	found = s.field(reader.Name)
	for _, a := range reader.Aliases {
		if f := s.field(a); f != nil {
			several = several || found != nil
			found = f
		}
	}
	return found, several
}
