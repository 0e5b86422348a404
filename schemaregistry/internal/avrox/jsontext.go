package avrox

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// appendJSON writes a value as Java's ObjectMapper does: no spaces, floating-point numbers in Java's form.
func appendJSON(b *strings.Builder, v *value) {
	switch v.kind {
	case jsonNull, jsonBool:
		b.WriteString(v.text)
	case jsonNumber:
		b.WriteString(javaNumber(v))
	case jsonString:
		appendString(b, v.text)
	case jsonArray:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSON(b, item)
		}
		b.WriteByte(']')
	case jsonObject:
		b.WriteByte('{')
		for i, name := range v.names {
			if i > 0 {
				b.WriteByte(',')
			}
			appendString(b, name)
			b.WriteByte(':')
			appendJSON(b, v.items[i])
		}
		b.WriteByte('}')
	}
}

// javaNumber leaves integers as they are and prints the rest as Double.toString.
func javaNumber(v *value) string {
	if v.integral() {
		return v.text
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return v.text
	}
	return javaDouble(f, 64)
}

// javaDouble is Java's Double.toString, or Float.toString for 32 bits; what is no number is quoted, as JSON has no words for it.
func javaDouble(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return `"NaN"`
	case math.IsInf(f, 1):
		return `"Infinity"`
	case math.IsInf(f, -1):
		return `"-Infinity"`
	}
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, bits)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, bits), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent) // FormatFloat wrote it
	return fmt.Sprintf("%sE%d", mantissa, n)
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func appendString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch short, ok := shortEscapes[r]; {
		case ok:
			b.WriteString(short)
		case r < ' ':
			fmt.Fprintf(b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
