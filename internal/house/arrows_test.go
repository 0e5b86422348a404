package house

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath, Dir, Doc string
	Imports              []string
	GoFiles              []string
	Standard             bool
}

// packages lists every package of the module, relative to its root.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list ./...: %v\n%s", err, stderr.String())
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = relative(p.ImportPath)
		list = append(list, p)
	}
	return list
}

func relative(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

// ours are the imports of p inside the module, without leaves.
func ours(p pkg) []string {
	var out []string
	for _, i := range p.Imports {
		if r := relative(i); r != i && !slices.Contains(leaves, r) {
			out = append(out, r)
		}
	}
	return out
}

func TestArrowsPointDown(t *testing.T) {
	rows := map[string]room{}
	for _, r := range plan {
		rows[r.path] = r
	}
	for _, p := range packages(t) {
		row, found := rows[p.ImportPath]
		wing, _, _ := strings.Cut(p.ImportPath, "/")
		if slices.Contains(planned, wing) && !found && !nested(p.ImportPath, rows) {
			t.Errorf("%s has no row in internal/house/plan_test.go: say which floor it stands on and what it owns", p.ImportPath)
			continue
		}
		for _, to := range ours(p) {
			if found {
				checkArrow(t, row, to, rows)
			}
		}
	}
}

// short is a room's name inside of its wing.
func short(path string) string {
	if _, inner, ok := strings.Cut(path, "/internal/"); ok {
		return inner
	}
	return path
}

// nested packages (a generator, an inner internal) belong to the room above them.
func nested(path string, rows map[string]room) bool {
	i := strings.LastIndex(path, "/internal/")
	if i <= 0 {
		return false
	}
	_, ok := rows[path[:i]]
	return ok
}

func checkArrow(t *testing.T, from room, to string, rows map[string]room) {
	t.Helper()
	target, ok := rows[to]
	switch {
	case !ok && slices.Contains(from.may, "*"):
		return
	case !ok:
		t.Errorf("%s imports %s, which is no room of the plan", from.path, to)
	case target.floor >= from.floor:
		t.Errorf("%s (floor %d) imports %s (floor %d): arrows point down", from.path, from.floor, to, target.floor)
	case !slices.Contains(from.may, "*") && !slices.Contains(from.may, short(to)):
		t.Errorf("%s imports %s: not an allowed arrow (plan_test.go, architecture 4.2)", from.path, to)
	}
}

func TestEdgeWingsSeeKafkaOnlyThroughTheClient(t *testing.T) {
	for _, p := range packages(t) {
		wing, _, _ := strings.Cut(p.ImportPath, "/")
		for _, to := range ours(p) {
			toBroker := to == "broker" || strings.HasPrefix(to, "broker/")
			switch {
			case !slices.Contains(edge, wing):
			case to == "broker/brokertest" && p.ImportPath == "connect/connecttest":
			case toBroker:
				t.Errorf("%s imports %s: an edge wing sees Kafka only through the client", p.ImportPath, to)
			}
		}
	}
}

func TestLeavesStandAlone(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(leaves, p.ImportPath) {
			continue
		}
		for _, to := range p.Imports {
			if strings.Contains(to, ".") {
				t.Errorf("leaf %s imports %s: leaves import the standard library only", p.ImportPath, to)
			}
		}
	}
}

func TestSupportIsForTests(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(support, p.ImportPath) || under(p.ImportPath, support) || strings.HasPrefix(p.ImportPath, "connect/connecttest") {
			continue
		}
		for _, to := range ours(p) {
			if slices.Contains(support, to) {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, to)
			}
		}
	}
}

func under(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(path, r+"/") })
}

func TestExamplesArePublic(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, "examples/") {
			continue
		}
		for _, to := range ours(p) {
			if strings.Contains(to, "internal") {
				t.Errorf("%s imports %s: no outsider could compile it", p.ImportPath, to)
			}
		}
	}
}

// TestDraw prints the house by floors; run with -v (make arch).
func TestDraw(t *testing.T) {
	rows := slices.Clone(plan)
	slices.SortStableFunc(rows, func(a, b room) int { return cmp.Compare(b.floor, a.floor) })
	for _, r := range rows {
		pure := " "
		if r.pure {
			pure = "pure"
		}
		t.Logf("%2d  %-44s %-4s %s", r.floor, r.path, pure, r.owns)
	}
}
