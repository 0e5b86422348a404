package compat

import (
	"slices"
	"strings"
)

// statement is a line of a .proto file in our layout, with the block that it opens.
type statement struct {
	text  string
	block []statement
	open  bool // it has a block, empty maybe
}

// statements reads the layout that formatProto writes: a line each, a block between a line that ends with { and a }.
func statements(lines []string) (out []statement, rest []string) {
	for len(lines) > 0 {
		line := strings.TrimSpace(lines[0])
		lines = lines[1:]
		switch {
		case line == "":
		case line == "}":
			return out, lines
		case strings.HasSuffix(line, "{"):
			s := statement{text: line, open: true}
			s.block, lines = statements(lines)
			out = append(out, s)
		default:
			out = append(out, statement{text: line})
		}
	}
	return out, nil
}

// printProto writes statements in formatProto's layout.
func printProto(b *strings.Builder, all []statement, depth int) {
	for _, s := range all {
		b.WriteString(strings.Repeat("  ", depth) + s.text + "\n")
		if s.open {
			printProto(b, s.block, depth+1)
			b.WriteString(strings.Repeat("  ", depth) + "}\n")
		}
	}
}

// rank is where a statement goes in a normal text: what is not named stays where it is, behind.
func (s statement) rank() int {
	for i, word := range []string{"syntax", "edition", "package", "import", "option"} {
		if strings.HasPrefix(s.text, word+" ") {
			return i
		}
	}
	return 5
}

// normalProto sorts imports, options of files and blocks, and options between brackets.
func normalProto(text string) string {
	all, _ := statements(strings.Split(text, "\n"))
	var b strings.Builder
	printProto(&b, normal(all, true), 0)
	return b.String()
}

func normal(all []statement, top bool) []statement {
	out := make([]statement, 0, len(all))
	for _, s := range all {
		s.text = inBrackets(s.text, func(options []string) []string { slices.Sort(options); return options })
		s.block = normal(s.block, false)
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b statement) int {
		ra, rb := a.rank(), b.rank()
		if !top && ra < 4 { // a field may be of a type that is called package
			ra = 5
		}
		if !top && rb < 4 {
			rb = 5
		}
		if ra != rb {
			return ra - rb
		}
		if ra == 3 || ra == 4 {
			return strings.Compare(a.text, b.text)
		}
		return 0
	})
	return out
}

// plainProto leaves out options in parentheses, which extensions define.
func plainProto(text string) string {
	all, _ := statements(strings.Split(text, "\n"))
	var b strings.Builder
	printProto(&b, plain(all), 0)
	return b.String()
}

func plain(all []statement) (out []statement) {
	for _, s := range all {
		if strings.HasPrefix(s.text, "option (") {
			continue
		}
		s.text = inBrackets(s.text, func(options []string) []string {
			return slices.DeleteFunc(options, func(o string) bool { return strings.HasPrefix(o, "(") })
		})
		s.block = plain(s.block)
		out = append(out, s)
	}
	return out
}

// inBrackets changes the options of a field or a value: what is between the first [ outside of quotes and its ].
func inBrackets(line string, change func([]string) []string) string {
	if strings.HasPrefix(line, "option ") {
		return line // a value may have brackets
	}
	var options []string
	depth, begin, from, quote := 0, -1, -1, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			switch c {
			case '\\':
				i++
			case quote:
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{' || c == '<' && depth > 0:
			if depth++; depth == 1 && c == '[' {
				begin, from = i, i+1
			}
		case c == ']' || c == '}' || c == '>' && depth > 0:
			if depth--; depth == 0 && begin >= 0 {
				options = append(options, strings.TrimSpace(line[from:i]))
				kept := change(options)
				if len(kept) == 0 {
					return strings.TrimRight(line[:begin], " ") + line[i+1:]
				}
				return line[:begin+1] + strings.Join(kept, ", ") + line[i:]
			}
		case c == ',' && depth == 1 && begin >= 0:
			options, from = append(options, strings.TrimSpace(line[from:i])), i+1
		}
	}
	return line
}
