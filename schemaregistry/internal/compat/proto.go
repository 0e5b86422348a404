package compat

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoSchema is a .proto file; what it imports are references, or files that every protoc has.
type protoSchema struct {
	text string
	file protoreflect.FileDescriptor
}

const protoRoot = "mainstem/schema.proto"

func parseProto(text string, refs []Reference) (Schema, error) {
	sources := map[string]string{protoRoot: text}
	for _, r := range refs {
		sources[r.Name] = r.Text
	}
	for _, source := range sources {
		if err := checkSource(source); err != nil {
			return nil, err
		}
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(sources)}),
		MaxParallelism: 1,
	}
	files, err := compiler.Compile(context.Background(), protoRoot)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), protoRoot, "line"))
	}
	if files[0].Messages().Len() == 0 && files[0].Enums().Len() == 0 {
		return nil, errors.New("a schema without a message or an enum")
	}
	tree, err := parser.Parse(protoRoot, strings.NewReader(text), reporter.NewHandler(nil))
	if err != nil {
		return nil, err
	}
	return protoSchema{formatProto(tree), files[0]}, nil
}

// Text is the source with one layout and without comments; all else is as it was written.
func (s protoSchema) Text() string { return s.text }

// Normal has imports and options by their names.
func (s protoSchema) Normal() string { return normalProto(s.text) }

// Format serialized is a FileDescriptorProto in base64; ignore_extensions leaves out options that are no part of Protobuf.
func (s protoSchema) Format(form string) (string, error) {
	switch form {
	case "serialized":
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(s.file))
		return base64.StdEncoding.EncodeToString(b), err
	case "ignore_extensions":
		return plainProto(s.text), nil
	}
	return s.text, nil
}

func (s protoSchema) Model() any { return s.file }

func (s protoSchema) Reads(writer Schema, n Names) []string {
	w, ok := writer.(protoSchema)
	if !ok {
		return otherFormat(n)
	}
	d := &protoDiff{names: n, seen: map[[2]protoreflect.FullName]bool{}}
	d.files(w.file, s.file)
	return d.found
}

// formatProto lays the tokens of a file out: a line for each statement, two spaces for each block.
func formatProto(f *ast.FileNode) string {
	p := protoPrinter{line: true}
	for t, ok := f.Tokens().First(); ok; t, ok = f.Tokens().Next(t) {
		info := f.TokenInfo(t)
		if info.RawText() != "" {
			p.token(info.RawText(), info.LeadingWhitespace() != "" || info.LeadingComments().Len() > 0)
		}
	}
	return p.b.String()
}

type protoPrinter struct {
	b        strings.Builder
	depth    int  // of blocks
	brackets int  // of options and values of options, which stay on their line
	line     bool // at the beginning of one
	last     string
}

func (p *protoPrinter) newline() {
	if !p.line {
		p.b.WriteByte('\n')
		p.line = true
	}
}

// token writes one; apart tells that the source had space before it.
func (p *protoPrinter) token(t string, apart bool) {
	if t == "}" && p.brackets == 0 {
		p.depth--
		p.newline()
	}
	if p.line {
		if t == ";" { // an empty statement
			return
		}
		p.b.WriteString(strings.Repeat("  ", max(0, p.depth)))
	} else if spaced(p.last, t, apart) {
		p.b.WriteByte(' ')
	}
	_, _ = io.WriteString(&p.b, t)
	value := p.brackets > 0 || p.last == "="
	p.line, p.last = false, t
	switch {
	case t == "[", t == "{" && value:
		p.brackets++
	case t == "]", t == "}" && value:
		p.brackets--
	case t == "{":
		p.depth++
		p.newline()
	case t == "}", t == ";" && !value:
		p.newline()
	}
}

// spaced tells whether a space goes between two tokens of a line.
func spaced(before, after string, apart bool) bool {
	switch {
	case after == "." || before == ".":
		return apart && before != "." && after == "."
	case strings.ContainsAny(after, ";,)]>") && len(after) == 1, strings.ContainsAny(before, "([<") && len(before) == 1:
		return false
	case after == "(" || after == "<" || after == "[":
		return after == "[" || before == "=" || before == "option" || before == "returns" || before == ","
	case after == ":":
		return false
	case before == "-" || before == "+":
		return false
	}
	return true
}

// protoName is a name without its package.
func protoName(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())), ".")
}

func describeField(f protoreflect.FieldDescriptor) string {
	return fmt.Sprintf("%s/%d", protoName(f.ContainingMessage()), f.Number())
}
