package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Freeze stops the process and returns when every thread of it has left the system call that it was in. SIGCONT thaws it.
func (s *Server) Freeze() {
	s.t.Helper()
	s.Signal(syscall.SIGSTOP)
	if !Poll(10*time.Second, func() bool { return allStopped(s.Pid()) }) {
		s.t.Fatalf("10 s after SIGSTOP some thread of process %d still runs", s.Pid())
	}
}

// allStopped answers whether every thread of a process is in state T.
func allStopped(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		return false
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		if _, state, found := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" ")); !found || state[0] != 'T' {
			return false
		}
	}
	return true
}
