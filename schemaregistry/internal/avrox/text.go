package avrox

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// Text is the schema as Java's Schema.toString prints it: the text that registries compare and hand out. Types of refs are
// printed by their names alone; without them, where they are used first, as if they were defined here.
func (s *Schema) Text(refs ...*Schema) string {
	p := printer{seen: map[*Schema]bool{}}
	for _, r := range refs {
		r.types(map[*Schema]bool{}, func(t *Schema) { p.seen[t] = true })
	}
	p.schema(s, "")
	return p.b.String()
}

// Normal is Text with the attributes that Avro does not know, and the members of values, in the order of their names: schemas
// that mean the same have the same.
func (s *Schema) Normal(refs ...*Schema) string {
	p := printer{seen: map[*Schema]bool{}, sorted: true}
	for _, r := range refs {
		r.types(map[*Schema]bool{}, func(t *Schema) { p.seen[t] = true })
	}
	p.schema(s, "")
	return p.b.String()
}

type printer struct {
	b      strings.Builder
	seen   map[*Schema]bool
	sorted bool
}

// member begins a member of an object.
func (p *printer) member(name string) {
	if last := p.b.String(); last[len(last)-1] != '{' {
		p.b.WriteByte(',')
	}
	appendString(&p.b, name)
	p.b.WriteByte(':')
}

func (p *printer) str(name, text string) {
	p.member(name)
	appendString(&p.b, text)
}

func (p *printer) props(props []prop) {
	if p.sorted {
		props = slices.SortedFunc(slices.Values(props), func(a, b prop) int { return strings.Compare(a.name, b.name) })
	}
	for _, a := range props {
		p.member(a.name)
		p.value(a.value)
	}
}

func (p *printer) value(v *value) {
	if p.sorted {
		v = v.sorted()
	}
	appendJSON(&p.b, v)
}

func (p *printer) strings(name string, list []string) {
	p.member(name)
	p.b.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			p.b.WriteByte(',')
		}
		appendString(&p.b, s)
	}
	p.b.WriteByte(']')
}

// schema prints s as it stands in a namespace.
func (p *printer) schema(s *Schema, space string) {
	switch {
	case s.named() && p.seen[s]:
		appendString(&p.b, s.Name.qualified(space))
	case s.named():
		p.seen[s] = true
		p.definition(s, space)
	case s.Type == Union:
		p.b.WriteByte('[')
		for i, b := range s.Branches {
			if i > 0 {
				p.b.WriteByte(',')
			}
			p.schema(b, space)
		}
		p.b.WriteByte(']')
	case s.Type == Array || s.Type == Map:
		p.b.WriteByte('{')
		p.str("type", s.Type.String())
		p.member(s.Type.itemsWord())
		p.schema(s.Items, space)
		p.props(s.props)
		p.b.WriteByte('}')
	case len(s.props) == 0:
		appendString(&p.b, s.Type.String())
	default:
		p.b.WriteByte('{')
		p.str("type", s.Type.String())
		p.props(s.props)
		p.b.WriteByte('}')
	}
}

// definition prints a named type where it stands for the first time.
func (p *printer) definition(s *Schema, space string) {
	kind := s.Type.String()
	if s.isError {
		kind = "error"
	}
	p.b.WriteByte('{')
	p.str("type", kind)
	p.str("name", s.Name.Local)
	if s.Name.Space != space {
		p.str("namespace", s.Name.Space)
	}
	if s.doc != nil {
		p.str("doc", *s.doc)
	}
	switch s.Type {
	case Record:
		p.member("fields")
		p.b.WriteByte('[')
		for i, f := range s.Fields {
			if i > 0 {
				p.b.WriteByte(',')
			}
			p.field(f, s.Name.Space)
		}
		p.b.WriteByte(']')
	case Enum:
		p.strings("symbols", s.Symbols)
		if s.enumDefault != nil {
			p.str("default", *s.enumDefault)
		}
	default:
		p.member("size")
		fmt.Fprint(&p.b, s.Size)
	}
	p.props(s.props)
	if len(s.Aliases) > 0 {
		var names []string
		for _, a := range s.Aliases {
			names = append(names, a.qualified(s.Name.Space))
		}
		p.strings("aliases", names)
	}
	p.b.WriteByte('}')
}

func (p *printer) field(f *Field, space string) {
	p.b.WriteByte('{')
	p.str("name", f.Name)
	p.member("type")
	p.schema(f.Type, space)
	if f.doc != nil {
		p.str("doc", *f.doc)
	}
	if f.def != nil {
		p.member("default")
		p.value(f.def)
	}
	if f.order != "" {
		p.str("order", f.order)
	}
	if len(f.Aliases) > 0 {
		p.strings("aliases", f.Aliases)
	}
	p.props(f.props)
	p.b.WriteByte('}')
}

// Canonical is the Parsing Canonical Form: what a reader of binary data needs to know, and nothing else.
func (s *Schema) Canonical() string {
	var b strings.Builder
	canonical(&b, s, map[*Schema]bool{})
	return b.String()
}

func canonical(b *strings.Builder, s *Schema, seen map[*Schema]bool) {
	if s.named() {
		if seen[s] {
			fmt.Fprintf(b, `"%s"`, s.Name)
			return
		}
		seen[s] = true
	}
	switch s.Type {
	case Record:
		fmt.Fprintf(b, `{"name":"%s","type":"record","fields":[`, s.Name)
		for i, f := range s.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{"name":"%s","type":`, f.Name)
			canonical(b, f.Type, seen)
			b.WriteByte('}')
		}
		b.WriteString("]}")
	case Enum:
		fmt.Fprintf(b, `{"name":"%s","type":"enum","symbols":[`, s.Name)
		for i, symbol := range s.Symbols {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `"%s"`, symbol)
		}
		b.WriteString("]}")
	case Fixed:
		fmt.Fprintf(b, `{"name":"%s","type":"fixed","size":%d}`, s.Name, s.Size)
	case Array, Map:
		fmt.Fprintf(b, `{"type":"%v","%s":`, s.Type, s.Type.itemsWord())
		canonical(b, s.Items, seen)
		b.WriteByte('}')
	case Union:
		b.WriteByte('[')
		for i, branch := range s.Branches {
			if i > 0 {
				b.WriteByte(',')
			}
			canonical(b, branch, seen)
		}
		b.WriteByte(']')
	default:
		fmt.Fprintf(b, `"%v"`, s.Type)
	}
}

// CRC64 is the fingerprint of the single-object encoding: CRC-64-AVRO of the canonical form.
func (s *Schema) CRC64() uint64 {
	sum := uint64(crcEmpty)
	for _, c := range []byte(s.Canonical()) {
		sum = sum>>8 ^ crcTable[byte(sum)^c]
	}
	return sum
}

// MD5 is the MD5 of the canonical form.
func (s *Schema) MD5() [md5.Size]byte { return md5.Sum([]byte(s.Canonical())) }

// SHA256 is the SHA-256 of the canonical form.
func (s *Schema) SHA256() [sha256.Size]byte { return sha256.Sum256([]byte(s.Canonical())) }

const crcEmpty = 0xc15d213aa4d7a795

var crcTable = func() (table [256]uint64) {
	for i := range table {
		f := uint64(i)
		for range 8 {
			f = f>>1 ^ crcEmpty&-(f&1)
		}
		table[i] = f
	}
	return table
}()
