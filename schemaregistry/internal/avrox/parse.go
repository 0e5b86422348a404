package avrox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse admits a schema exactly when Apache Avro for Java does. Refs are schemas whose named types the text may use.
// Types may be used before they are defined.
func Parse(text string, refs ...*Schema) (*Schema, error) { return parse(text, true, refs) }

// ParseWithoutDefaults is Parse that takes defaults of any form, as registries did before they checked them.
func ParseWithoutDefaults(text string, refs ...*Schema) (*Schema, error) {
	return parse(text, false, refs)
}

func parse(text string, defaults bool, refs []*Schema) (*Schema, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	p := &parser{named: map[string]*Schema{}}
	for _, r := range refs {
		r.types(map[*Schema]bool{}, func(t *Schema) { p.named[t.Name.String()] = t })
	}
	var s *Schema
	if err := p.schema(v, "", &s); err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	if err := p.finish(defaults); err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	return s, nil
}

// parser makes a schema of JSON. What can only be judged when every name is known is judged in finish.
type parser struct {
	named   map[string]*Schema
	later   []reference
	unions  []*Schema
	records []*Schema
}

// reference is a name that was used before it was defined, and where its schema belongs.
type reference struct {
	name, space string
	to          **Schema
}

// schema puts the schema of v, which stands inside of a namespace, into to: now, or when its name is known.
func (p *parser) schema(v *value, space string, to **Schema) (err error) {
	switch v.kind {
	case jsonString:
		p.use(v.text, space, to)
		return nil
	case jsonArray:
		*to, err = p.union(v, space)
		return err
	case jsonObject:
		return p.object(v, space, to)
	}
	return fmt.Errorf("%s is no schema", brief(v))
}

// use refers to a type by name.
func (p *parser) use(name, space string, to **Schema) {
	if t, ok := primitive(name); ok {
		*to = &Schema{Type: t}
		return
	}
	if *to = p.find(name, space); *to == nil {
		p.later = append(p.later, reference{name, space, to})
	}
}

// find looks in the namespace first and without one then.
func (p *parser) find(name, space string) *Schema {
	if !strings.Contains(name, ".") && space != "" {
		if s := p.named[space+"."+name]; s != nil {
			return s
		}
	}
	return p.named[name]
}

func (p *parser) union(v *value, space string) (*Schema, error) {
	s := &Schema{Type: Union, Branches: make([]*Schema, len(v.items))}
	for i, b := range v.items {
		if err := p.schema(b, space, &s.Branches[i]); err != nil {
			return nil, err
		}
	}
	p.unions = append(p.unions, s)
	return s, nil
}

func (p *parser) object(v *value, space string, to **Schema) (err error) {
	name, ok := v.str("type")
	if !ok {
		return fmt.Errorf("no type: %s", brief(v))
	}
	if t, ok := primitive(name); ok {
		*to = &Schema{Type: t}
		(*to).props = properties(v, schemaWords)
		return nil
	}
	switch name {
	case "record", "error":
		*to, err = p.record(v, space, name == "error")
	case "enum":
		*to, err = p.enum(v, space)
	case "fixed":
		*to, err = p.fixed(v, space)
	case "array":
		*to, err = p.items(v, space, Array)
	case "map":
		*to, err = p.items(v, space, Map)
	default:
		p.use(name, space, to)
	}
	return err
}

func (p *parser) items(v *value, space string, t Type) (*Schema, error) {
	of := v.get(t.itemsWord())
	if of == nil {
		return nil, fmt.Errorf("%v without %s: %s", t, t.itemsWord(), brief(v))
	}
	s := &Schema{Type: t, props: properties(v, schemaWords)}
	return s, p.schema(of, space, &s.Items)
}

// define reads what all named types have, and makes the name known.
func (p *parser) define(v *value, space string, s *Schema) (err error) {
	name, ok := v.str("name")
	if !ok {
		return fmt.Errorf("no name in schema: %s", brief(v))
	}
	if own, ok := v.str("namespace"); ok {
		space = own
	}
	if s.Name, err = parseName(name, space); err != nil {
		return err
	}
	if _, ok := primitive(s.Name.String()); ok {
		return fmt.Errorf("a type may not be named after a primitive: %s", s.Name)
	}
	if p.named[s.Name.String()] != nil {
		return fmt.Errorf("can't redefine: %s", s.Name)
	}
	p.named[s.Name.String()] = s
	s.doc = optional(v, "doc")
	aliases, err := aliases(v)
	for _, a := range aliases {
		n, err := parseName(a, s.Name.Space)
		if err != nil {
			return fmt.Errorf("alias of %s: %w", s.Name, err)
		}
		if n.Space == "" && strings.HasPrefix(a, ".") {
			n.Local = a // Java keeps it so: it matches no name of the null namespace
		}
		if !slices.Contains(s.Aliases, n) {
			s.Aliases = append(s.Aliases, n)
		}
	}
	return err
}

func aliases(v *value) (out []string, err error) {
	list := v.get("aliases")
	if list == nil {
		return nil, nil
	}
	if list.kind != jsonArray {
		return nil, fmt.Errorf("aliases not an array: %s", brief(v))
	}
	for _, a := range list.items {
		if a.kind != jsonString {
			return nil, fmt.Errorf("alias not a string: %s", brief(a))
		}
		if !slices.Contains(out, a.text) {
			out = append(out, a.text)
		}
	}
	return out, nil
}

func (p *parser) record(v *value, space string, isError bool) (*Schema, error) {
	s := &Schema{Type: Record, isError: isError}
	if err := p.define(v, space, s); err != nil {
		return nil, err
	}
	fields := v.get("fields")
	if fields == nil || fields.kind != jsonArray {
		return nil, fmt.Errorf("record has no fields: %s", brief(v))
	}
	for i, f := range fields.items {
		field, err := p.field(f, s.Name.Space)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", s.Name, err)
		}
		if s.field(field.Name) != nil {
			return nil, fmt.Errorf("record %s: duplicate field %s", s.Name, field.Name)
		}
		field.Pos = i
		s.Fields = append(s.Fields, field)
	}
	s.props = properties(v, schemaWords)
	p.records = append(p.records, s)
	return s, nil
}

func (p *parser) field(v *value, space string) (*Field, error) {
	name, ok := v.str("name")
	if !ok {
		return nil, fmt.Errorf("no field name: %s", brief(v))
	}
	f := &Field{Name: name, doc: optional(v, "doc"), def: v.get("default"), props: properties(v, fieldWords)}
	if err := checkName(name); err != nil {
		return nil, err
	}
	of := v.get("type")
	if of == nil {
		return nil, fmt.Errorf("no field type: %s", brief(v))
	}
	if err := p.schema(of, space, &f.Type); err != nil {
		return nil, fmt.Errorf("field %s: %w", name, err)
	}
	var err error
	if f.Aliases, err = aliases(v); err != nil {
		return nil, fmt.Errorf("field %s: %w", name, err)
	}
	if order, ok := v.str("order"); ok {
		switch f.order = strings.ToLower(order); f.order {
		case "ascending":
			f.order = ""
		case "descending", "ignore":
		default:
			return nil, fmt.Errorf("field %s: no order %q", name, order)
		}
	}
	return f, f.numericDefault()
}

func (p *parser) enum(v *value, space string) (*Schema, error) {
	s := &Schema{Type: Enum, enumDefault: optional(v, "default")}
	if err := p.define(v, space, s); err != nil {
		return nil, err
	}
	symbols := v.get("symbols")
	if symbols == nil || symbols.kind != jsonArray {
		return nil, fmt.Errorf("enum has no symbols: %s", brief(v))
	}
	for _, symbol := range symbols.items {
		if symbol.kind != jsonString {
			return nil, fmt.Errorf("enum %s: a symbol is no string: %s", s.Name, brief(symbol))
		}
		if err := checkName(symbol.text); err != nil {
			return nil, fmt.Errorf("enum %s: %w", s.Name, err)
		}
		if slices.Contains(s.Symbols, symbol.text) {
			return nil, fmt.Errorf("enum %s: duplicate symbol %s", s.Name, symbol.text)
		}
		s.Symbols = append(s.Symbols, symbol.text)
	}
	if s.enumDefault != nil && !slices.Contains(s.Symbols, *s.enumDefault) {
		return nil, fmt.Errorf("enum %s: the default %s is none of its symbols", s.Name, *s.enumDefault)
	}
	s.props = properties(v, enumWords)
	return s, nil
}

func (p *parser) fixed(v *value, space string) (*Schema, error) {
	s := &Schema{Type: Fixed, props: properties(v, schemaWords)}
	if err := p.define(v, space, s); err != nil {
		return nil, err
	}
	size := v.get("size")
	if size == nil || !size.integral() {
		return nil, fmt.Errorf("invalid or no size: %s", brief(v))
	}
	n, err := strconv.ParseInt(size.text, 10, 32)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("fixed %s: a size of %s", s.Name, size.text)
	}
	s.Size = int(n)
	return s, nil
}

// Words of the language; other attributes are kept.
var (
	schemaWords = []string{"doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"}
	enumWords   = append(slices.Clone(schemaWords), "default")
	fieldWords  = []string{"default", "doc", "name", "order", "type", "aliases"}
)

func properties(v *value, words []string) (out []prop) {
	for i, name := range v.names {
		if !slices.Contains(words, name) {
			out = append(out, prop{name, v.items[i]})
		}
	}
	return out
}

func optional(v *value, name string) *string {
	if s, ok := v.str(name); ok {
		return &s
	}
	return nil
}

// finish puts in types that were used before they were defined, and judges unions and defaults.
func (p *parser) finish(defaults bool) error {
	for _, r := range p.later {
		if *r.to = p.find(r.name, r.space); *r.to == nil {
			return fmt.Errorf("undefined type: %s", r.name)
		}
	}
	for _, u := range p.unions {
		if err := u.checkUnion(); err != nil {
			return err
		}
	}
	for _, r := range p.records {
		for _, f := range r.Fields {
			if defaults && f.def != nil && !validDefault(f.Type, f.def) {
				return fmt.Errorf("invalid default for field %s of %s: %s is no %s", f.Name, r.Name, brief(f.def), f.Type.branchName())
			}
		}
	}
	return nil
}

func (s *Schema) checkUnion() error {
	seen := map[string]bool{}
	for _, b := range s.Branches {
		if b.Type == Union {
			return fmt.Errorf("a union inside of a union")
		}
		if name := b.branchName(); seen[name] {
			return fmt.Errorf("duplicate in union: %s", name)
		}
		seen[b.branchName()] = true
	}
	return nil
}

// brief is a value for an error text.
func brief(v *value) string {
	var b strings.Builder
	appendJSON(&b, v)
	if s := b.String(); len(s) <= 200 {
		return s
	}
	return strings.ToValidUTF8(b.String()[:200], "") + "..."
}
