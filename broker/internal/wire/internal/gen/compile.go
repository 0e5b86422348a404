package main

import (
	"fmt"
	"slices"
	"strings"
)

// step is one row of wire's opcode table, by the names of package wire.
type step struct {
	code string // an opcode of package wire
	null bool   // may be null
	n    int    // bytes, program, or section of tags, by code
}

// program is the shape of one struct, array element or tagged field at one version.
type program struct {
	steps    []step
	smallest int // bytes of the smallest encoding
	memory   int // bytes of the decoded Go value, without what it points to
}

// tagged is one known tag of a section.
type tagged struct{ tag, program int }

// shape is one message: a program for each version from min to max.
type shape struct {
	key      int
	name     string
	min, max int
	flexible int // first flexible version
	programs []int
}

// tables are what is written.
type tables struct {
	programs []program
	sections [][]tagged
	requests []shape
	records  []shape
	index    map[string]int // programs by content
}

func compileAll(messages []message) (*tables, error) {
	t := &tables{index: map[string]int{}, sections: [][]tagged{nil}}
	for _, m := range messages {
		s, err := t.compile(m)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", m.Name, err)
		}
		if m.Type == "request" {
			t.requests = append(t.requests, s)
		} else {
			t.records = append(t.records, s)
		}
	}
	return t, nil
}

func (t *tables) compile(m message) (shape, error) {
	s := shape{name: m.Name, min: m.Valid.min, max: m.Valid.max, flexible: noUpperEnd}
	if m.Flexible.some {
		s.flexible = m.Flexible.min
	}
	if m.Type == "request" {
		s.key = int(*m.Key)
		s.name = strings.TrimSuffix(m.Name, "Request")
	}
	for v := s.min; v <= s.max; v++ {
		c := compiler{tables: t, message: m, version: v, flexible: m.Flexible.has(v)}
		p, err := c.structure(m.Fields)
		if err != nil {
			return s, fmt.Errorf("version %d: %w", v, err)
		}
		s.programs = append(s.programs, t.intern(p))
	}
	return s, nil
}

// intern returns the number of p, which equal programs share.
func (t *tables) intern(p program) int {
	key := fmt.Sprint(p)
	if i, ok := t.index[key]; ok {
		return i
	}
	t.index[key] = len(t.programs)
	t.programs = append(t.programs, p)
	return len(t.programs) - 1
}

func (t *tables) internSection(s []tagged) int {
	for i, have := range t.sections {
		if slices.Equal(have, s) {
			return i
		}
	}
	t.sections = append(t.sections, s)
	return len(t.sections) - 1
}

// compiler turns the fields of one message at one version into programs.
type compiler struct {
	*tables
	message  message
	version  int
	flexible bool
}

// structure compiles the fields of a struct, its section of tags included.
func (c compiler) structure(fields []field) (program, error) {
	var p program
	var known []tagged
	var layout layout
	for _, f := range fields {
		c.measure(&layout, f)
		if !f.Versions.has(c.version) {
			continue
		}
		one, err := c.field(f)
		if err != nil {
			return p, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if f.Tag != nil && f.Tagged.has(c.version) {
			known = append(known, tagged{*f.Tag, c.intern(one)})
			continue
		}
		p.join(one)
	}
	if c.flexible {
		slices.SortFunc(known, func(a, b tagged) int { return a.tag - b.tag })
		p.join(program{steps: []step{{code: "opTags", n: c.internSection(known)}}, smallest: 1})
	}
	p.memory = layout.size()
	return p, nil
}

// join appends the steps of q; fixed bytes behind fixed bytes become one step.
func (p *program) join(q program) {
	for _, s := range q.steps {
		if last := len(p.steps) - 1; last >= 0 && s.code == "opFixed" && p.steps[last].code == "opFixed" {
			p.steps[last].n += s.n
			continue
		}
		p.steps = append(p.steps, s)
	}
	p.smallest += q.smallest
}

// field compiles one field. A struct that cannot be null becomes part of its parent.
func (c compiler) field(f field) (program, error) {
	null := f.Nullable.has(c.version)
	if n, ok := fixedSizes[f.Type]; ok {
		return program{steps: []step{{code: "opFixed", n: n}}, smallest: n, memory: n}, nil
	}
	switch {
	case strings.HasPrefix(f.Type, "[]"):
		return c.array(f, null)
	case f.Type == "string":
		s := step{code: c.form("opString"), null: null}
		if f.Nullable.some {
			s.n = pointedString
		}
		return program{steps: []step{s}, smallest: c.lengthBytes(2), memory: stringHeader}, nil
	case f.Type == "bytes" || f.Type == "records":
		return program{steps: []step{{code: c.form("opBytes"), null: null}}, smallest: c.lengthBytes(4)}, nil
	}
	p, err := c.structure(c.fieldsOf(f))
	if err != nil || !null {
		return p, err
	}
	code := "opMaybe"
	if f.Tagged.has(c.version) {
		code = "opMaybeTagged" // there presence is a varint and not a byte
	}
	return program{steps: []step{{code: code, n: c.intern(p)}}, smallest: 1}, nil
}

func (c compiler) array(f field, null bool) (program, error) {
	element, err := c.field(field{Name: f.Name, Type: strings.TrimPrefix(f.Type, "[]"), Versions: f.Versions, Fields: f.Fields})
	if err != nil {
		return element, err
	}
	if element.smallest == 0 {
		return element, fmt.Errorf("version %d has elements of no bytes: their count would have no bound", c.version)
	}
	s := step{code: c.form("opArray"), null: null, n: c.intern(element)}
	return program{steps: []step{s}, smallest: c.lengthBytes(4)}, nil
}

func (c compiler) form(code string) string {
	if c.flexible {
		return code + "Compact"
	}
	return code
}

// lengthBytes is the size of the smallest length prefix.
func (c compiler) lengthBytes(plain int) int {
	if c.flexible {
		return 1
	}
	return plain
}

// fieldsOf returns the fields of f's struct, which is written in place or once for all.
func (c compiler) fieldsOf(f field) []field {
	if len(f.Fields) > 0 {
		return f.Fields
	}
	name := strings.TrimPrefix(f.Type, "[]")
	for _, s := range c.message.Common {
		if s.Name == name {
			return s.Fields
		}
	}
	return findStruct(c.message.Fields, name)
}

// findStruct looks for a struct that an earlier field wrote in place.
func findStruct(fields []field, name string) []field {
	for _, f := range fields {
		if strings.TrimPrefix(f.Type, "[]") == name && len(f.Fields) > 0 {
			return f.Fields
		}
		if found := findStruct(f.Fields, name); found != nil {
			return found
		}
	}
	return nil
}
