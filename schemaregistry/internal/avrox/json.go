package avrox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON, as Java's parser does.
const maxDepth = 1000

type kind uint8

const (
	jsonNull kind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// value is JSON as it was written: members in their order, numbers as text. Schemas are compared as texts, so nothing of
// that may get lost.
type value struct {
	kind    kind
	text    string   // of a string, decoded; of a number; true or false
	items   []*value // of an array; of an object, in the order of names
	names   []string
	members map[string]int // where a name is; made with the first member
}

// get answers a member, or nil.
func (v *value) get(name string) *value {
	if v.kind != jsonObject {
		return nil
	}
	if i, ok := v.members[name]; ok {
		return v.items[i]
	}
	return nil
}

// set adds a member. One that is there already gets the new value in its old place, as in Java.
func (v *value) set(name string, to *value) {
	if v.members == nil {
		v.members = map[string]int{}
	}
	if i, ok := v.members[name]; ok {
		v.items[i] = to
		return
	}
	v.members[name] = len(v.names)
	v.names, v.items = append(v.names, name), append(v.items, to)
}

// sorted is v with the members of its objects by their names.
func (v *value) sorted() *value {
	out := &value{kind: v.kind, text: v.text}
	switch v.kind {
	case jsonArray:
		for _, item := range v.items {
			out.items = append(out.items, item.sorted())
		}
	case jsonObject:
		for _, name := range slices.Sorted(slices.Values(v.names)) {
			out.set(name, v.get(name).sorted())
		}
	}
	return out
}

// str answers a member that is a string.
func (v *value) str(name string) (string, bool) {
	m := v.get(name)
	if m == nil || m.kind != jsonString {
		return "", false
	}
	return m.text, true
}

// integral tells whether a number was written without fraction and exponent. NaN and infinities, which defaults may be, are
// numbers whose text says so.
func (v *value) integral() bool { return v.kind == jsonNumber && !strings.ContainsAny(v.text, ".eENI") }

// jsonReader reads JSON with Java's leave: comments.
type jsonReader struct {
	text string
	at   int
}

// parseJSON reads one value and nothing behind it.
func parseJSON(text string) (*value, error) {
	r := &jsonReader{text: text}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.at < len(r.text) {
		return nil, r.errorf("dangling content after the end")
	}
	return v, nil
}

func (r *jsonReader) errorf(format string, args ...any) error {
	return fmt.Errorf("JSON at byte %d: %s", r.at, fmt.Sprintf(format, args...))
}

func (r *jsonReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// space goes over white space and comments.
func (r *jsonReader) space() error {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			r.at++
		case strings.HasPrefix(r.text[r.at:], "//"):
			end := strings.IndexByte(r.text[r.at:], '\n')
			if end < 0 {
				end = len(r.text) - r.at
			}
			r.at += end
		case strings.HasPrefix(r.text[r.at:], "/*"):
			end := strings.Index(r.text[r.at+2:], "*/")
			if end < 0 {
				return r.errorf("a comment without an end")
			}
			r.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

func (r *jsonReader) value(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, r.errorf("nested deeper than %d", maxDepth)
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		s, err := r.string()
		return &value{kind: jsonString, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for _, word := range []value{{kind: jsonNull, text: "null"}, {kind: jsonBool, text: "true"}, {kind: jsonBool, text: "false"}} {
		if strings.HasPrefix(r.text[r.at:], word.text) {
			r.at += len(word.text)
			return &word, nil
		}
	}
	return nil, r.errorf("a value is wanted")
}

func (r *jsonReader) object(depth int) (*value, error) {
	v := &value{kind: jsonObject}
	for r.at++; ; {
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.peek() == '}' && len(v.names) == 0 {
			r.at++
			return v, nil
		}
		name, err := r.string()
		if err != nil {
			return nil, err
		}
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.peek() != ':' {
			return nil, r.errorf("a colon is wanted behind %q", name)
		}
		r.at++
		m, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.set(name, m)
		if more, err := r.more('}'); !more {
			return v, err
		}
	}
}

func (r *jsonReader) array(depth int) (*value, error) {
	v := &value{kind: jsonArray}
	for r.at++; ; {
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.peek() == ']' && len(v.items) == 0 {
			r.at++
			return v, nil
		}
		m, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, m)
		if more, err := r.more(']'); !more {
			return v, err
		}
	}
}

// more goes over a comma, or over the end.
func (r *jsonReader) more(end byte) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	switch r.peek() {
	case ',':
		r.at++
		return true, nil
	case end:
		r.at++
		return false, nil
	}
	return false, r.errorf("a comma or %c is wanted", end)
}

func (r *jsonReader) number() (*value, error) {
	begin := r.at
	digits := func() bool {
		from := r.at
		for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
			r.at++
		}
		return r.at > from
	}
	if r.peek() == '-' {
		r.at++
	}
	first := r.at
	if !digits() || r.text[first] == '0' && r.at > first+1 {
		return nil, r.errorf("a number like %q", r.text[begin:r.at])
	}
	if r.peek() == '.' {
		if r.at++; !digits() {
			return nil, r.errorf("digits are wanted behind the point")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		if !digits() {
			return nil, r.errorf("digits are wanted in the exponent")
		}
	}
	return &value{kind: jsonNumber, text: r.text[begin:r.at]}, nil
}

var errString = errors.New("a string is wanted")

func (r *jsonReader) string() (string, error) {
	if r.peek() != '"' {
		return "", r.errorf("%v", errString)
	}
	r.at++
	var b strings.Builder
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return b.String(), nil
		case c < ' ':
			return "", r.errorf("control character %d in a string", c)
		case c == '\\':
			if err := r.escape(&b); err != nil {
				return "", err
			}
		default:
			rune, n := utf8.DecodeRuneInString(r.text[r.at:])
			if rune == utf8.RuneError && n == 1 {
				return "", r.errorf("a string that is not UTF-8")
			}
			b.WriteRune(rune)
			r.at += n
		}
	}
	return "", r.errorf("a string without an end")
}

var simpleEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *jsonReader) escape(b *strings.Builder) error {
	r.at++
	c := r.peek()
	if plain, ok := simpleEscapes[c]; ok {
		b.WriteByte(plain)
		r.at++
		return nil
	}
	if c != 'u' {
		return r.errorf("an escape \\%c", c)
	}
	first, err := r.hex()
	if err != nil {
		return err
	}
	if first >= 0xd800 && first < 0xdc00 && strings.HasPrefix(r.text[r.at:], `\u`) {
		r.at++
		second, err := r.hex()
		if err != nil {
			return err
		}
		first = 0x10000 + (first-0xd800)<<10 + (second - 0xdc00)
	}
	b.WriteRune(first) // a lone surrogate becomes U+FFFD
	return nil
}

// hex reads uXXXX.
func (r *jsonReader) hex() (rune, error) {
	if r.at+5 > len(r.text) {
		return 0, r.errorf("an escape without its four digits")
	}
	n, err := strconv.ParseUint(r.text[r.at+1:r.at+5], 16, 16)
	if err != nil {
		return 0, r.errorf("an escape \\%s", r.text[r.at:r.at+5])
	}
	r.at += 5
	return rune(n), nil
}
