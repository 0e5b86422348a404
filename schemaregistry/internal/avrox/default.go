package avrox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// validDefault tells whether v is a value of s. A default of a union may be of any branch (Avro 1.12).
func validDefault(s *Schema, v *value) bool {
	switch s.Type {
	case String, Bytes, Enum, Fixed:
		return v.kind == jsonString
	case Int:
		_, err := strconv.ParseInt(v.text, 10, 32)
		return v.integral() && err == nil
	case Long:
		_, err := strconv.ParseInt(v.text, 10, 64)
		return v.integral() && err == nil
	case Float, Double:
		return v.kind == jsonNumber
	case Boolean:
		return v.kind == jsonBool
	case Null:
		return v.kind == jsonNull
	case Array:
		return v.kind == jsonArray && all(v.items, func(item *value) bool { return validDefault(s.Items, item) })
	case Map:
		return v.kind == jsonObject && all(v.items, func(item *value) bool { return validDefault(s.Items, item) })
	case Union:
		return slices.ContainsFunc(s.Branches, func(b *Schema) bool { return validDefault(b, v) })
	}
	return v.kind == jsonObject && all(s.Fields, func(f *Field) bool {
		given := v.get(f.Name)
		if given == nil {
			given = f.def
		}
		return given != nil && validDefault(f.Type, given)
	})
}

func all[T any](list []T, yes func(T) bool) bool {
	for _, x := range list {
		if !yes(x) {
			return false
		}
	}
	return true
}

// numericDefault makes the default of a float or double a number when it was written as a text.
func (f *Field) numericDefault() error {
	if f.def == nil || f.def.kind != jsonString || f.Type == nil || f.Type.Type != Float && f.Type.Type != Double {
		return nil
	}
	n, err := parseJavaDouble(f.def.text)
	if err != nil {
		return fmt.Errorf("field %s: default %q is no number", f.Name, f.def.text)
	}
	f.def = &value{kind: jsonNumber, text: strconv.FormatFloat(n, 'E', -1, 64)}
	return nil
}

func parseJavaDouble(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "iIxX_pP") && s != "Infinity" && s != "-Infinity" && s != "+Infinity" {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil
	}
	return f, err
}
