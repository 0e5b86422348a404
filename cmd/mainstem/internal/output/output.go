// Package output owns how a command shows rows: as a table for people, or as JSON, JSON lines, YAML, CSV or names for
// programs. Names of fields are API: they are added to, never changed.
package output

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
)

// Formats are the values of --format.
var Formats = []string{"table", "wide", "json", "jsonl", "yaml", "csv", "name", "help"}

// Print writes rows, a slice of structs. Of each exported field the tag `json` is its name, and `col` its place in the
// table: "HEADER", "HEADER,wide" for wide tables only, or "-" for none. The first field is what `name` prints.
func Print[T any](w io.Writer, format string, rows []T) error {
	cols := columns(reflect.TypeFor[T]())
	switch format {
	case "", "table", "wide":
		return table(w, cols, rows, format == "wide")
	case "json":
		if rows == nil {
			rows = []T{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	case "jsonl":
		enc := json.NewEncoder(w)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	case "yaml":
		text, err := yaml.MarshalWithOptions(rows, yaml.UseJSONMarshaler())
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case "csv":
		return commas(w, cols, rows)
	case "name":
		for _, r := range rows {
			if _, err := fmt.Fprintln(w, text(reflect.ValueOf(r).Field(cols[0].index))); err != nil {
				return err
			}
		}
		return nil
	case "help":
		return help(w, cols)
	}
	return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(Formats, ", "))
}

// column is one field of a row.
type column struct {
	index        int
	name, header string
	wide, hidden bool
	kind         reflect.Type
}

func columns(t reflect.Type) []column {
	var out []column
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		header, option, _ := strings.Cut(f.Tag.Get("col"), ",")
		if header == "" {
			header = strings.ToUpper(strings.ReplaceAll(name, "_", "-"))
		}
		out = append(out, column{index: i, name: name, header: header, wide: option == "wide", hidden: header == "-", kind: f.Type})
	}
	return out
}

func table[T any](w io.Writer, cols []column, rows []T, wide bool) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	var shown []column
	var line []string
	for _, c := range cols {
		if !c.hidden && (wide || !c.wide) {
			shown, line = append(shown, c), append(line, c.header)
		}
	}
	fmt.Fprintln(tw, strings.Join(line, "\t"))
	for _, r := range rows {
		line = line[:0]
		for _, c := range shown {
			line = append(line, text(reflect.ValueOf(r).Field(c.index)))
		}
		fmt.Fprintln(tw, strings.Join(line, "\t"))
	}
	return tw.Flush()
}

func commas[T any](w io.Writer, cols []column, rows []T) error {
	cw := csv.NewWriter(w)
	var line []string
	for _, c := range cols {
		line = append(line, c.name)
	}
	_ = cw.Write(line)
	for _, r := range rows {
		line = line[:0]
		for _, c := range cols {
			line = append(line, text(reflect.ValueOf(r).Field(c.index)))
		}
		_ = cw.Write(line)
	}
	cw.Flush()
	return cw.Error()
}

func help(w io.Writer, cols []column) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range cols {
		fmt.Fprintf(tw, "%s\t%s\n", c.name, c.kind)
	}
	return tw.Flush()
}

// text is a value in a cell; lists are joined by commas, nothing is "-".
func text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "-"
		}
		return text(v.Elem())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i))
		}
		return strings.Join(parts, ",")
	case reflect.Float64:
		return strconv.FormatFloat(round(v.Float()), 'f', -1, 64)
	case reflect.String:
		if v.Len() == 0 {
			return "-"
		}
	}
	return fmt.Sprint(v.Interface())
}

// round keeps four digits that count, for people: 12.35, 0.4571, 1252739.
func round(f float64) float64 {
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	scale := math.Pow(10, max(0, 3-math.Floor(math.Log10(math.Abs(f)))))
	return math.Round(f*scale) / scale
}
