package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// binaries are the builds of this run, one for each list of build tags.
var binaries = &builds{made: map[string]func() (string, error){}}

type builds struct {
	mu   sync.Mutex // guards the fields below
	dir  string
	made map[string]func() (string, error)
}

// Binary builds cmd/mainstem with build tags, once in a run for each list of them, and answers its path.
func Binary(t testing.TB, tags ...string) string {
	t.Helper()
	path, err := binaries.get(strings.Join(tags, ","))
	if err != nil {
		t.Fatalf("build the broker: %v", err)
	}
	return path
}

func (b *builds) get(tags string) (string, error) {
	b.mu.Lock()
	if b.made[tags] == nil {
		b.made[tags] = sync.OnceValues(func() (string, error) { return b.build(tags) })
	}
	build := b.made[tags]
	b.mu.Unlock()
	return build()
}

func (b *builds) build(tags string) (string, error) {
	b.mu.Lock()
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "mainstem-e2e-bin-")
		if err != nil {
			b.mu.Unlock()
			return "", err
		}
		b.dir = dir
	}
	out := filepath.Join(b.dir, "mainstem-"+strings.ReplaceAll("with,"+tags, ",", "-"))
	b.mu.Unlock()
	cmd := exec.Command("go", "build", "-trimpath", "-tags", tags, "-ldflags", "-X main.version=e2e", "-o", out, "github.com/mainstem-io/mainstem/cmd/mainstem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build -tags %q: %w\n%s", tags, err, text)
	}
	return out, nil
}

// remove deletes them when the run is over.
func (b *builds) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}
