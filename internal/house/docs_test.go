package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitectureIsTrue checks that every path that ARCHITECTURE.md puts in backticks exists.
func TestArchitectureIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`([a-z.][a-zA-Z0-9_./-]*/[a-zA-Z0-9_./-]*)`").FindAllStringSubmatch(string(text), -1) {
		name := m[1]
		if strings.HasPrefix(name, "go.") || strings.Contains(name, "...") {
			continue
		}
		if _, err := os.Stat(filepath.Join("../..", name)); err == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join("../../broker/internal", name)); err != nil {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", name)
		}
	}
}

// TestEachPlannedRoomIsInTheBook checks the other direction: a room that nobody drew.
func TestEachPlannedRoomIsInTheBook(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan {
		short := short(r.path)
		if !strings.Contains(string(text), "`"+short+"`") && !strings.Contains(string(text), "`"+r.path+"`") {
			t.Errorf("ARCHITECTURE.md does not name the room %s", short)
		}
	}
}
