package avrox

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Resolve reads binary data that a writer wrote, all of it, as a reader sees them, and answers Avro's JSON encoding. A pair
// of schemas that is not compatible may still agree on some data.
func Resolve(to, from *Schema, data []byte) (string, error) {
	d, err := readAll(from, data)
	if err == nil {
		d, err = adapt(to, from, d)
	}
	if err != nil {
		return "", fmt.Errorf("read %s as %s: %w", from.branchName(), to.branchName(), err)
	}
	return datumText(to, d), nil
}

// adapt makes a datum of a writer's schema one of a reader's.
func adapt(r, w *Schema, d any) (any, error) {
	switch {
	case w.Type == Union:
		b := d.(*branchDatum)
		return adapt(r, w.Branches[b.index], b.value)
	case r.Type == Union:
		i := matchingBranch(r, w)
		if i < 0 {
			return nil, mismatch(r, w)
		}
		v, err := adapt(r.Branches[i], w, d)
		return &branchDatum{i, v}, err
	case r.Type == w.Type:
		return adaptSame(r, w, d)
	case promotes(w.Type, r.Type):
		return promote(r.Type, d)
	}
	return nil, mismatch(r, w)
}

func mismatch(r, w *Schema) error {
	return fmt.Errorf("found %s, expecting %s", w.branchName(), r.branchName())
}

// promote reads a primitive as a wider one.
func promote(to Type, d any) (any, error) {
	switch d := d.(type) {
	case int32:
		switch to {
		case Long:
			return int64(d), nil
		case Float:
			return float32(d), nil
		}
		return float64(d), nil
	case int64:
		if to == Float {
			return float32(d), nil
		}
		return float64(d), nil
	case float32:
		return float64(d), nil
	case string:
		return []byte(d), nil
	}
	if b := d.([]byte); !utf8.Valid(b) {
		return nil, ErrUTF8
	}
	return string(d.([]byte)), nil
}

func adaptSame(r, w *Schema, d any) (any, error) {
	switch r.Type {
	case Array:
		in := d.([]any)
		out := make([]any, len(in))
		for i, item := range in {
			v, err := adapt(r.Items, w.Items, item)
			if err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
			out[i] = v
		}
		return out, nil
	case Map:
		in, out := d.(*mapDatum), newMap()
		for _, key := range in.keys {
			v, err := adapt(r.Items, w.Items, in.values[key])
			if err != nil {
				return nil, fmt.Errorf("key %q: %w", key, err)
			}
			out.set(key, v)
		}
		return out, nil
	case Fixed:
		if r.Size != w.Size || len(compareNames(r, w, place{""})) > 0 {
			return nil, mismatch(r, w)
		}
	case Enum:
		return adaptSymbol(r, w, d.(string))
	case Record:
		return adaptRecord(r, w, d.(*recordDatum))
	}
	return d, nil
}

func adaptSymbol(r, w *Schema, symbol string) (any, error) {
	switch {
	case len(compareNames(r, w, place{""})) > 0:
		return nil, mismatch(r, w)
	case slices.Contains(r.Symbols, symbol):
		return symbol, nil
	case r.enumDefault != nil:
		return *r.enumDefault, nil
	}
	return nil, fmt.Errorf("the reader's %s has no symbol %s and no default", r.Name, symbol)
}

func adaptRecord(r, w *Schema, d *recordDatum) (any, error) {
	out := &recordDatum{fields: make([]any, len(r.Fields))}
	for i, f := range r.Fields {
		from, several := w.matching(f)
		var err error
		switch {
		case several:
			err = fmt.Errorf("several fields of the writer match it")
		case from != nil:
			out.fields[i], err = adapt(f.Type, from.Type, d.fields[from.Pos])
		case f.HasDefault():
			out.fields[i], err = f.defaultDatum()
		default:
			err = fmt.Errorf("the writer has none, and there is no default")
		}
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f.Name, r.Name, err)
		}
	}
	return out, nil
}

// matchingBranch is the branch of a reader's union that takes a writer's type, or -1: one of the same type and full name
// first, for records one of the same structure then, and the first promotion last (Java's Resolver).
func matchingBranch(r, w *Schema) int {
	structure := -1
	for i, b := range r.Branches {
		switch {
		case b.Type != w.Type:
		case !b.named() || b.Name == w.Name || slices.Contains(b.Aliases, w.Name):
			return i
		case b.Type == Record && !mismatched(b, w) && (structure < 0 || b.Name.Local == w.Name.Local):
			structure = i
		}
	}
	if structure >= 0 {
		return structure
	}
	return slices.IndexFunc(r.Branches, func(b *Schema) bool { return promotes(w.Type, b.Type) })
}

// mismatched tells whether records differ in their fields, as far as their types alone say.
func mismatched(r, w *Schema) bool {
	for _, f := range r.Fields {
		from, several := w.matching(f)
		switch {
		case several, from == nil && !f.HasDefault():
			return true
		case from == nil, from.Type.Type == Union:
		case f.Type.Type == Union:
			if !slices.ContainsFunc(f.Type.Branches, func(b *Schema) bool { return readable(b, from.Type) }) {
				return true
			}
		case !readable(f.Type, from.Type):
			return true
		}
	}
	return false
}

func readable(r, w *Schema) bool {
	switch {
	case r.Type != w.Type:
		return promotes(w.Type, r.Type)
	case r.Type == Enum, r.Type == Fixed:
		return r.Size == w.Size && len(compareNames(r, w, place{""})) == 0
	}
	return true
}
