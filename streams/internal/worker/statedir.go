package worker

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stateDir is an application's directory, held by one process at a time.
type stateDir struct {
	path    string
	lock    *os.File
	process string // an id that survives restarts: of transactional ids and client ids
}

// openStateDir locks the directory of an application. An empty root keeps everything in memory.
func openStateDir(root, app string) (*stateDir, error) {
	if root == "" {
		return &stateDir{process: newID()}, nil
	}
	d := &stateDir{path: filepath.Join(root, app)}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(d.path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the state directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("STRM-003: another process holds %s: give each instance of %q a state directory of its own", d.path, app), f.Close())
	}
	d.lock = f
	file := filepath.Join(d.path, "process")
	if b, err := os.ReadFile(file); err == nil && len(strings.TrimSpace(string(b))) == 16 {
		d.process = strings.TrimSpace(string(b))
		return d, nil
	}
	d.process = newID()
	if err := os.WriteFile(file, []byte(d.process+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the process id: %w", err), f.Close())
	}
	return d, nil
}

func newID() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the system has no randomness
	}
	return hex.EncodeToString(b[:])
}

func (d *stateDir) close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

// task is the directory of a task's stores.
func (d *stateDir) task(id string) string { return filepath.Join(d.path, id) }
