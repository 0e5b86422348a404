package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// cpuTime is the processor time that a process has used.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	var user, system int64
	fields := strings.Fields(rest)
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatalf("read /proc/%d/stat: %v", pid, err)
	}
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ is 100 for user space
}

// dialMany opens connections and says nothing on them; those that are not accepted wait in the listener's queue.
func dialMany(t testing.TB, address string, n int) []net.Conn {
	t.Helper()
	var out []net.Conn
	for range n {
		c, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			break // the queue is full
		}
		t.Cleanup(func() { c.Close() })
		out = append(out, c)
	}
	return out
}
