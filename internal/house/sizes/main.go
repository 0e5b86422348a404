// Command sizes prints how long files and functions are, and the ten longest of each: advice for a reviewer, never a
// gate. Tests and generated files are left out.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// length is how many lines something has.
type length struct {
	name  string
	lines int
}

func main() {
	var files, functions []length
	wings := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return cmp.Or(err, skip(d))
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(d.Name(), "zz_") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := bytes.Count(text, []byte("\n"))
		files = append(files, length{path, n})
		wings[filepath.Dir(path)] += n
		functions = append(functions, functionsOf(path, text)...)
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "sizes:", err)
		os.Exit(1)
	}
	show("files", files)
	show("functions", functions)
	var packages []length
	for name, n := range wings {
		packages = append(packages, length{name, n})
	}
	show("packages", packages)
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return filepath.SkipDir
	}
	return nil
}

func functionsOf(path string, text []byte) (out []length) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, text, 0)
	if err != nil {
		return nil
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			out = append(out, length{path + ":" + f.Name.Name, set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1})
		}
	}
	return out
}

func show(what string, all []length) {
	slices.SortFunc(all, func(a, b length) int { return cmp.Or(b.lines-a.lines, cmp.Compare(a.name, b.name)) })
	at := func(q float64) int { return all[min(len(all)-1, int((1-q)*float64(len(all))))].lines }
	fmt.Printf("%s: %d, median %d lines, p90 %d, longest %d\n", what, len(all), at(0.5), at(0.9), all[0].lines)
	for _, l := range all[:min(10, len(all))] {
		fmt.Printf("  %5d  %s\n", l.lines, l.name)
	}
}
