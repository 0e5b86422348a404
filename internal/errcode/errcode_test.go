package errcode

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
)

func TestEveryCodeHasANextStep(t *testing.T) {
	form, seen := regexp.MustCompile(`^[A-Z]+-\d{3}$`), map[string]bool{}
	for _, c := range All() {
		if !form.MatchString(c.ID) || seen[c.ID] {
			t.Errorf("%s: malformed or given twice", c.ID)
		}
		seen[c.ID] = true
		if c.Summary == "" || len(c.Causes) == 0 || len(c.Next) == 0 || c.Exit < 1 {
			t.Errorf("%s lacks a summary, a cause, a next step or an exit code", c.ID)
		}
	}
}

func TestACodeIsFoundBehindWrapping(t *testing.T) {
	err := fmt.Errorf("create orders: %w", Wrap(TopicExists, errors.New("exists")))
	if e, ok := Of(err); !ok || e.Code.ID != "TOPIC-002" || len(e.Steps()) == 0 {
		t.Fatalf("%v", e)
	}
}
