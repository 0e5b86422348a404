package e2e

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger collects a line of each test for the table at the end, and what was skipped for want of a facility.
var ledger = &book{}

type book struct {
	mu       sync.Mutex // guards the fields below
	lines    []string
	missing  []string
	provided int
	held     map[string]func() // what a run that is told to stop must give back
}

// Hold notes how to give something back that outlives this process, such as a mount; the answer forgets it again.
func Hold(name string, back func()) (release func()) {
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	if ledger.held == nil {
		ledger.held = map[string]func(){}
	}
	ledger.held[name] = back
	return func() {
		ledger.mu.Lock()
		defer ledger.mu.Unlock()
		delete(ledger.held, name)
	}
}

// giveBack gives everything back that is held. What it belongs to may still be running: this process is about to end.
func (b *book) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, back := range b.held {
		back()
	}
}

// Note adds a line to the table at the end: what a test did, counted.
func Note(t testing.TB, began time.Time, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf("%-34s %6.1f s  %s", t.Name(), time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	t.Log(line)
	ledger.mu.Lock()
	defer ledger.mu.Unlock()
	ledger.lines = append(ledger.lines, line)
}

// Need skips t, loudly and counted, when have says that a facility is missing here.
func Need(t testing.TB, facility string, have func() error) {
	t.Helper()
	err := have()
	ledger.mu.Lock()
	if err == nil {
		ledger.provided++
	} else {
		ledger.missing = append(ledger.missing, fmt.Sprintf("%s needs %s: %v", t.Name(), facility, err))
	}
	ledger.mu.Unlock()
	if err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is missing here: %v", facility, err)
	}
}

// close prints the table. It answers 1 when this is CI and no facility that was asked for was there.
func (b *book) close(w io.Writer) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(b.lines, "\n"))
	}
	for _, m := range b.missing {
		fmt.Fprintf(w, "SKIPPED, NOT PASSED: %s\n", m)
	}
	if len(b.missing) > 0 {
		fmt.Fprintf(w, "%d skipped for want of a facility, %d had theirs\n", len(b.missing), b.provided)
	}
	if len(b.missing) > 0 && b.provided == 0 && os.Getenv("CI") != "" {
		fmt.Fprintln(w, "FAIL: every privileged facility is missing, and this is CI")
		return 1
	}
	return 0
}
