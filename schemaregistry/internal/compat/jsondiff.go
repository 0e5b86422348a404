package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// jsonDiff compares an old JSON Schema with a fresh one and lists where the fresh one refuses what the old one accepted, by
// the rules of Confluent's registry (registry.md 15).
type jsonDiff struct {
	old, fresh jsonSchema
	names      Names
	seen       map[[2]string]bool // pairs under way, by their text: recursive schemas end
	work       *int               // comparisons that may still be made, by all
	found      []string
}

// maxComparisons bounds the work of a diff: branches are compared each with each.
const maxComparisons = 20_000

// changes that are no fault have no name here.
func (d *jsonDiff) add(kind, path, format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf("{errorType:'%s', description:'%s', path:'%s'}", kind, fmt.Sprintf(format, args...), path))
}

// accepts tells whether a fresh schema takes what an old one took, without listing why not.
func (d *jsonDiff) accepts(old, fresh any, path string) bool {
	sub := &jsonDiff{old: d.old, fresh: d.fresh, names: d.names, seen: maps.Clone(d.seen), work: d.work}
	sub.schemas(old, fresh, path)
	return len(sub.found) == 0
}

func (d *jsonDiff) schemas(old, fresh any, path string) {
	if *d.work--; *d.work < 0 {
		if *d.work == -1 || len(d.found) == 0 {
			d.add("TOO_COMPLEX", path, "The schemas are too complex to be compared")
		}
		return
	}
	old, fresh = d.old.resolve(old), d.fresh.resolve(fresh)
	if everything(fresh) || old == false {
		return
	}
	if fresh == false {
		d.add("TYPE_NARROWED", path, "The %s schema accepts nothing at path '%s'", d.names.Reader, path)
		return
	}
	pair := [2]string{canonicalJSON(old), canonicalJSON(fresh)}
	if pair[0] == pair[1] && !strings.Contains(pair[0], `"$ref"`) || d.seen[pair] { // equal references may mean different things
		return
	}
	d.seen[pair] = true
	o, _ := old.(map[string]any) // true is an empty one
	f := fresh.(map[string]any)
	if d.combined(o, f, path) {
		return
	}
	d.types(o, f, path)
	d.enums(o, f, path)
	d.bounds(o, f, path)
	d.patterns(o, f, path)
	d.array(o, f, path)
	d.object(o, f, path)
	d.not(o, f, path)
}

func everything(v any) bool {
	m, ok := v.(map[string]any)
	return v == true || ok && !slices.ContainsFunc(slices.Collect(maps.Keys(m)), func(k string) bool { return !annotations[k] })
}

// annotations accept everything.
var annotations = map[string]bool{"$schema": true, "$id": true, "id": true, "title": true, "description": true, "default": true, "examples": true,
	"$comment": true, "definitions": true, "$defs": true, "readOnly": true, "writeOnly": true, "deprecated": true}

func canonicalJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// combination is what a schema is combined by, if it is.
func combination(m map[string]any) (kind string, list []any) {
	for _, kind := range []string{"allOf", "anyOf", "oneOf"} {
		if list, ok := m[kind].([]any); ok && len(list) > 0 {
			return kind, list
		}
	}
	return "", nil
}

// combined compares schemas of which at least one is combined, and tells whether there was one.
func (d *jsonDiff) combined(o, f map[string]any, path string) bool {
	oldKind, oldList := combination(o)
	freshKind, freshList := combination(f)
	switch {
	case oldKind == "" && freshKind == "":
		return false
	case oldKind != "" && len(oldList) == 1 && freshKind == "": // one alone is that one
		d.schemas(oldList[0], f, path)
	case freshKind != "" && len(freshList) == 1 && oldKind == "":
		d.schemas(o, freshList[0], path)
	case oldKind == "":
		d.intoCombined(o, freshKind, freshList, path)
	case freshKind == "":
		d.outOfCombined(oldKind, oldList, f, path)
	default:
		d.bothCombined(oldKind, oldList, freshKind, freshList, path)
	}
	return true
}

func (d *jsonDiff) intoCombined(o map[string]any, kind string, list []any, path string) {
	taken := 0
	for _, branch := range list {
		if d.accepts(o, branch, path+"/"+kind) {
			taken++
		}
	}
	if taken == 0 || kind == "allOf" && taken < len(list) {
		d.add("COMBINED_TYPE_CHANGED", path, "No branch of %s at path '%s' in the %s schema accepts what the %s schema accepted", kind, path, d.names.Reader, d.names.Writer)
	}
}

func (d *jsonDiff) outOfCombined(kind string, list []any, f map[string]any, path string) {
	taken := 0
	for _, branch := range list {
		if d.accepts(branch, f, path) {
			taken++
		}
	}
	if kind == "allOf" && taken == 0 || kind != "allOf" && taken < len(list) {
		d.add("SUM_TYPE_NARROWED", path, "The %s schema does not accept all branches of %s at path '%s' in the %s schema", d.names.Reader, kind, path, d.names.Writer)
	}
}

func (d *jsonDiff) bothCombined(oldKind string, oldList []any, freshKind string, freshList []any, path string) {
	switch {
	case oldKind != freshKind && freshKind != "anyOf" && len(oldList) > 1 && len(freshList) > 1:
		d.add("COMBINED_TYPE_CHANGED", path, "%s at path '%s' has become %s", oldKind, path, freshKind)
		return
	case freshKind == "allOf" && len(freshList) > len(oldList):
		d.add("PRODUCT_TYPE_EXTENDED", path, "allOf at path '%s' demands more", path)
		return
	case freshKind != "allOf" && len(freshList) < len(oldList):
		d.add("SUM_TYPE_NARROWED", path, "%s at path '%s' has fewer branches", freshKind, path)
		return
	}
	if d.matching(oldList, freshList, path+"/"+freshKind) < min(len(oldList), len(freshList)) {
		d.add("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path, "The branches of %s at path '%s' do not accept what those of the %s schema accepted", freshKind, path, d.names.Writer)
	}
}

// matching is the size of the largest matching between branches (augmenting paths).
func (d *jsonDiff) matching(old, fresh []any, path string) (size int) {
	fits := make([][]bool, len(old))
	for i := range old {
		fits[i] = make([]bool, len(fresh))
		for j := range fresh {
			if *d.work < 0 { // what is not compared does not fit
				return 0
			}
			fits[i][j] = d.accepts(old[i], fresh[j], path+"/"+strconv.Itoa(j))
		}
	}
	owner := slices.Repeat([]int{-1}, len(fresh))
	var place func(i int, tried []bool) bool
	place = func(i int, tried []bool) bool {
		for j := range fresh {
			if !fits[i][j] || tried[j] {
				continue
			}
			if tried[j] = true; owner[j] < 0 || place(owner[j], tried) {
				owner[j] = i
				return true
			}
		}
		return false
	}
	for i := range old {
		if place(i, make([]bool, len(fresh))) {
			size++
		}
	}
	return size
}

// typesOf lists the types that a schema names; nil means any.
func typesOf(m map[string]any) (out []string) {
	switch t := m["type"].(type) {
	case string:
		return []string{t}
	case []any:
		for _, name := range t {
			if s, ok := name.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func (d *jsonDiff) types(o, f map[string]any, path string) {
	before, after := typesOf(o), typesOf(f)
	if after == nil {
		return
	}
	if before == nil && (o["enum"] != nil || o["const"] != nil) {
		return // its values are compared
	}
	for _, t := range before {
		if !slices.Contains(after, t) && (t != "integer" || !slices.Contains(after, "number")) {
			d.add("TYPE_CHANGED", path, "A type at path '%s' is different between the %s schema and the %s schema", path, d.names.Reader, d.names.Writer)
			return
		}
	}
	if before == nil {
		d.add("TYPE_NARROWED", path, "A type at path '%s' in the %s schema accepts fewer values than the %s schema", path, d.names.Reader, d.names.Writer)
	}
}

func valuesOf(m map[string]any) (out []string, ok bool) {
	if c, there := m["const"]; there {
		return []string{canonicalJSON(c)}, true
	}
	list, ok := m["enum"].([]any)
	for _, v := range list {
		out = append(out, canonicalJSON(v))
	}
	return out, ok
}

func (d *jsonDiff) enums(o, f map[string]any, path string) {
	before, was := valuesOf(o)
	after, is := valuesOf(f)
	switch {
	case !is:
	case !was:
		d.add("ENUM_ARRAY_ADDED", path, "An enum was added at path '%s'", path)
	case slices.ContainsFunc(before, func(v string) bool { return !slices.Contains(after, v) }):
		d.add("ENUM_ARRAY_CHANGED", path, "An enum at path '%s' in the %s schema lacks values of the %s schema", path, d.names.Reader, d.names.Writer)
	}
}

func number(m map[string]any, key string) *big.Rat {
	n, ok := m[key].(json.Number)
	if !ok {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

// Bounds from above, and from below.
var (
	upper = []string{"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"}
	lower = []string{"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"}
)

func (d *jsonDiff) bounds(o, f map[string]any, path string) {
	for sign, keys := range map[int][]string{1: upper, -1: lower} {
		for _, key := range keys {
			before, after := number(o, key), number(f, key)
			switch {
			case after == nil:
			case before == nil:
				d.add("BOUND_ADDED", path+"/"+key, "%s was added at path '%s'", key, path)
			case after.Cmp(before)*sign < 0:
				d.add("BOUND_NARROWED", path+"/"+key, "%s at path '%s' accepts fewer values than in the %s schema", key, path, d.names.Writer)
			}
		}
	}
	before, after := number(o, "multipleOf"), number(f, "multipleOf")
	if after != nil && (before == nil || !new(big.Rat).Quo(before, after).IsInt()) {
		d.add("MULTIPLE_OF_CHANGED", path+"/multipleOf", "multipleOf at path '%s' accepts fewer values than in the %s schema", path, d.names.Writer)
	}
}

func (d *jsonDiff) patterns(o, f map[string]any, path string) {
	if p, ok := f["pattern"].(string); ok && o["pattern"] != p {
		d.add("PATTERN_CHANGED", path+"/pattern", "The pattern at path '%s' was added or changed", path)
	}
	if f["uniqueItems"] == true && o["uniqueItems"] != true {
		d.add("UNIQUE_ITEMS_ADDED", path+"/uniqueItems", "uniqueItems was added at path '%s'", path)
	}
}

func (d *jsonDiff) not(o, f map[string]any, path string) {
	before, was := o["not"]
	after, is := f["not"]
	if is && (!was || !(&jsonDiff{old: d.fresh, fresh: d.old, names: d.names, seen: map[[2]string]bool{}, work: d.work}).accepts(after, before, path)) {
		d.add("NOT_TYPE_EXTENDED", path+"/not", "not at path '%s' excludes more than in the %s schema", path, d.names.Writer)
	}
}

// rest is what a schema says of items or properties that it does not name: true when it says nothing.
func rest(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return true
}

// positions are the schemas of items by position, and of those behind them, in the words of all drafts.
func positions(m map[string]any) (list []any, behind any) {
	if prefix, ok := m["prefixItems"].([]any); ok {
		return prefix, rest(m, "items")
	}
	if tuple, ok := m["items"].([]any); ok {
		return tuple, rest(m, "additionalItems")
	}
	return nil, rest(m, "items")
}

func (d *jsonDiff) array(o, f map[string]any, path string) {
	before, beforeRest := positions(o)
	after, afterRest := positions(f)
	at := func(list []any, behind any, i int) any {
		if i < len(list) {
			return list[i]
		}
		return behind
	}
	for i := range max(len(before), len(after)) {
		d.schemas(at(before, beforeRest, i), at(after, afterRest, i), path+"/items/"+strconv.Itoa(i))
	}
	d.schemas(beforeRest, afterRest, path+"/items")
}

func properties(m map[string]any) map[string]any {
	p, _ := m["properties"].(map[string]any)
	return p
}

// undeclared is the schema of a property that is not named: of the patterns that match it, or of what is left.
func undeclared(m map[string]any, name string) any {
	if patterns, ok := m["patternProperties"].(map[string]any); ok {
		for _, p := range slices.Sorted(maps.Keys(patterns)) {
			if re, err := regexp.Compile(p); err == nil && re.MatchString(name) {
				return patterns[p]
			}
		}
	}
	return rest(m, "additionalProperties")
}

func (d *jsonDiff) object(o, f map[string]any, path string) {
	before, after := properties(o), properties(f)
	names := slices.Sorted(maps.Keys(before))
	for name := range after {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		old, was := before[name]
		fresh, is := after[name]
		if !was {
			old = undeclared(o, name)
		}
		if !is {
			fresh = undeclared(f, name)
		}
		d.schemas(old, fresh, path+"/properties/"+name)
	}
	d.schemas(rest(o, "additionalProperties"), rest(f, "additionalProperties"), path+"/additionalProperties")
	d.required(o, f, after, path)
	d.dependencies(o, f, path)
}

func (d *jsonDiff) required(o, f, after map[string]any, path string) {
	has := func(m map[string]any, name any) bool {
		list, _ := m["required"].([]any)
		return slices.Contains(list, name)
	}
	list, _ := f["required"].([]any)
	for _, name := range list {
		text, _ := name.(string)
		property, _ := d.fresh.resolve(after[text]).(map[string]any)
		if _, hasDefault := property["default"]; !has(o, name) && !hasDefault {
			d.add("REQUIRED_ATTRIBUTE_ADDED", path+"/required/"+text, "The property '%s' at path '%s' is required in the %s schema and was not in the %s schema", text, path, d.names.Reader, d.names.Writer)
		}
	}
}

// dependencies, under their names of all drafts: lists may shrink, schemas may go.
func (d *jsonDiff) dependencies(o, f map[string]any, path string) {
	for _, key := range []string{"dependencies", "dependentRequired", "dependentSchemas"} {
		before, _ := o[key].(map[string]any)
		after, _ := f[key].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(after)) {
			at := path + "/" + key + "/" + name
			old, was := before[name]
			list, isList := after[name].([]any)
			oldList, wasList := old.([]any)
			switch {
			case !was, isList != wasList:
				d.add("DEPENDENCY_ADDED", at, "A dependency was added at path '%s'", at)
			case isList && slices.ContainsFunc(list, func(x any) bool { return !slices.Contains(oldList, x) }):
				d.add("DEPENDENCY_ARRAY_EXTENDED", at, "The dependency at path '%s' demands more", at)
			case !isList:
				d.schemas(old, after[name], at)
			}
		}
	}
}
