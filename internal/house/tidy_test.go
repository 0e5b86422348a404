package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPurePackagesHoldNoWorld(t *testing.T) {
	pure := map[string]bool{}
	for _, r := range plan {
		pure[r.path] = r.pure
	}
	for _, p := range packages(t) {
		if !pure[p.ImportPath] {
			continue
		}
		for _, i := range p.Imports {
			if slices.Contains([]string{"os", "net", "math/rand", "math/rand/v2", "io/ioutil", "net/http", "os/exec"}, i) {
				t.Errorf("%s is pure and imports %s", p.ImportPath, i)
			}
		}
		for _, f := range p.GoFiles {
			checkPure(t, filepath.Join(p.Dir, f))
		}
	}
}

func checkPure(t *testing.T, file string) {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a pure package starts no goroutine", fset.Position(n.Pos()))
		case *ast.ChanType, *ast.SelectStmt, *ast.SendStmt:
			t.Errorf("%s: a pure package has no channel", fset.Position(n.Pos()))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Sleep", "After", "NewTimer", "NewTicker", "Since", "Until"}, n.Sel.Name) {
				t.Errorf("%s: a pure package has no clock (time.%s)", fset.Position(n.Pos()), n.Sel.Name)
			}
		}
		return true
	})
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if slices.Contains(forbidden, path.Base(p.ImportPath)) {
			t.Errorf("%s: the name says nothing about what it owns", p.ImportPath)
		}
	}
}

func TestRootIsTidy(t *testing.T) {
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		known := rootFiles
		if e.IsDir() {
			known = rootDirs
		}
		if !slices.Contains(known, e.Name()) && !strings.HasPrefix(e.Name(), ".git") {
			t.Errorf("%s lies loose in the root", e.Name())
		}
	}
}
