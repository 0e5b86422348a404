package security

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"testing"
)

// Comparing secrets byte by byte tells how many were right. The files that hold secrets compare with crypto/subtle, and
// with nothing that stops early.
func TestCVE_2021_38153_SecretsAreComparedInConstantTime(t *testing.T) {
	for _, name := range []string{"plain.go", "scram.go", "tokens.go"} {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		constant := false
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := call.X.(*ast.Ident)
			if pkg == nil {
				return true
			}
			switch pkg.Name + "." + call.Sel.Name {
			case "subtle.ConstantTimeCompare":
				constant = true
			case "bytes.Equal", "bytes.Compare", "slices.Equal", "reflect.DeepEqual", "strings.Compare":
				t.Errorf("%s calls %s.%s", name, pkg.Name, call.Sel.Name)
			}
			return true
		})
		if !constant {
			t.Errorf("%s compares nothing in constant time", name)
		}
	}
}
