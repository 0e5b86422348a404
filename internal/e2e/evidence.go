package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// keep copies a data directory and the broker's log out of a failing test's own directories and answers where to.
func keep(t testing.TB, s *Server) string {
	t.Helper()
	s.Kill()
	dir, err := os.MkdirTemp(os.Getenv("E2E_KEEP_DIR"), "mainstem-e2e-kept-")
	if err != nil {
		return err.Error()
	}
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(s.Dir())); err != nil {
		t.Logf("keep the data directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broker.log"), []byte(s.Log()), 0o600); err != nil {
		t.Logf("keep the broker's log: %v", err)
	}
	return dir
}
