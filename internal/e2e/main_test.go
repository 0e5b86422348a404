package e2e

import (
	"os"
	"testing"
)

// TestMain prints the table of what ran, and fails a CI run in which every privileged facility was missing.
func TestMain(m *testing.M) {
	code := m.Run()
	code = max(code, ledger.close(os.Stdout))
	binaries.remove()
	os.Exit(code)
}
