package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// A served API that asks for nothing and is not known to is a hole.
func TestEveryServedAPIAsksForSomething(t *testing.T) {
	asks := map[int16]bool{}
	for _, r := range needs {
		asks[r.api.Int16()] = true
	}
	for key := range handlers {
		if k := kmsg.Key(key); !asks[key] && !open[k] {
			t.Errorf("%s asks for nothing: it needs a row in needs, or a place among the open ones", k.Name())
		}
		if asks[key] && open[kmsg.Key(key)] {
			t.Errorf("%s is said to be open and has a row", kmsg.Key(key).Name())
		}
	}
}

// A row that no handler names protects nothing.
func TestHandlersNameTheRowsOfTheirAPI(t *testing.T) {
	text, err := os.ReadFile("needs.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t([a-zA-Z]+): +\{kmsg\.`).FindAllStringSubmatch(string(text), -1)
	if len(names) != int(needCount) {
		t.Fatalf("%d rows were found in needs.go, want %d", len(names), needCount)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, f := range files {
		if f != "needs.go" && !strings.HasSuffix(f, "_test.go") {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(b)
		}
	}
	for i, name := range names { // rows are written in the order of their numbers
		if r := needs[i]; Serves(r.api.Int16()) && !later[need(i)] && !regexp.MustCompile(`\b`+name[1]+`\b`).MatchString(code.String()) {
			t.Errorf("no handler of %s names the row %s", r.api.Name(), name[1])
		}
	}
}

// later are rows of served APIs whose part of the API is not served yet.
var later = map[need]bool{
	findShare:    true, // share groups
	initTwoPhase: true, // KIP-939
}

func TestCVE_2018_1288_And_2026_41115_OperationsAreWhatKafkaAsksFor(t *testing.T) {
	for _, c := range []struct {
		cve      string
		row      need
		op       security.Operation
		resource security.ResourceType
	}{
		{"CVE-2018-1288", fetchReplica, security.ClusterAction, security.ClusterResource},
		{"CVE-2026-41115", consumerDescribeGroup, security.Describe, security.GroupResource},
	} {
		if r := needs[c.row]; r.operation != c.op || r.resource != c.resource {
			t.Errorf("%s: %s asks for %v on %v", c.cve, r.api.Name(), r.operation, r.resource)
		}
	}
}
