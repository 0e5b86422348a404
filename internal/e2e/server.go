package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Options say how a server is started.
type Options struct {
	Binary   string            // default: the build without tags
	Dir      string            // data directory; default: one of the test's own
	Settings map[string]string // configuration by Kafka's names
	Roles    string            // default: broker alone
	Wrap     []string          // a command to run the server with, such as prlimit
}

// small makes files so small that journals rotate, segments roll and checkpoints are written within a second of load.
func small(more map[string]string) map[string]string {
	s := map[string]string{
		"journal.file.bytes": "1048576", "log.segment.bytes": "1048576", "log.flush.offset.checkpoint.interval.ms": "300",
		"replica.high.watermark.checkpoint.interval.ms": "200", "log.index.interval.bytes": "1024",
	}
	maps.Copy(s, more)
	return s
}

// Server is a process of the broker, on one address and one data directory over all its lives.
type Server struct {
	t       testing.TB
	o       Options
	address string

	cmd    *exec.Cmd
	log    *tail
	exited chan struct{} // closed when the process has ended
}

// NewServer prepares one on a free loopback port; Start runs it. What still runs when the test ends is killed.
func NewServer(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Binary == "" {
		o.Binary = Binary(t)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s := &Server{t: t, o: o, address: freeAddress(t)}
	t.Cleanup(func() {
		if t.Failed() && s.cmd != nil {
			text := s.Log()
			t.Logf("the broker: %s; the end of its log:\n%s", s.State(), text[max(0, len(text)-3000):])
		}
		s.Kill()
	})
	return s
}

// StartServer prepares a server and runs it.
func StartServer(t testing.TB, o Options) *Server {
	t.Helper()
	s := NewServer(t, o)
	s.Start()
	return s
}

// freeAddress finds a port below those that the system gives to clients: a client that connects again and again to a port of
// theirs while nobody listens there would one day meet itself, and take the broker's port away.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("1000 ports tried, none is free")
	return ""
}

// Addr is where it listens, host:port.
func (s *Server) Addr() string { return s.address }

// Dir is its data directory.
func (s *Server) Dir() string { return s.o.Dir }

// Set changes a setting for the next Start.
func (s *Server) Set(key, value string) {
	s.o.Settings = maps.Clone(s.o.Settings)
	if s.o.Settings == nil {
		s.o.Settings = map[string]string{}
	}
	s.o.Settings[key] = value
}

// Launch starts the process and does not wait until it is ready.
func (s *Server) Launch() {
	s.t.Helper()
	args := append(slices.Clone(s.o.Wrap), s.o.Binary, "server", "--data-dir", s.o.Dir, "--listen", s.address, "--admin", "none", "--log-format", "json")
	if s.o.Roles != "" {
		args = append(args, "--roles", s.o.Roles)
	}
	for _, key := range slices.Sorted(maps.Keys(s.o.Settings)) {
		args = append(args, "--set", key+"="+s.o.Settings[key])
	}
	s.cmd, s.log, s.exited = exec.Command(args[0], args[1:]...), &tail{}, make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = diesWithUs()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", strings.Join(args, " "), err)
	}
	cmd, exited := s.cmd, s.exited
	go func() {
		_ = cmd.Wait() // its state says how it ended
		close(exited)
	}()
}

// Start starts the process and waits until it says that it is ready.
func (s *Server) Start() {
	s.t.Helper()
	s.Launch()
	if !s.Ready(30 * time.Second) {
		kept := keep(s.t, s)
		s.t.Fatalf("the broker on %s is not ready; it ended with %s; kept: %s; its log:\n%s", s.o.Dir, s.State(), kept, s.Log())
	}
}

// Ready waits until the process says that it is ready, has ended, or d is over.
func (s *Server) Ready(d time.Duration) bool {
	return Poll(d, func() bool { return s.Logged("broker is ready") || !s.Running() }) && s.Logged("broker is ready")
}

// Running answers whether the process is there.
func (s *Server) Running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// Kill ends the process with SIGKILL, if it runs, and waits for its end.
func (s *Server) Kill() {
	if s.Running() {
		_ = s.cmd.Process.Kill() // it may have ended meanwhile
		<-s.exited
	}
}

// Signal sends the process a signal.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("send %v to the broker: %v", sig, err)
	}
}

// Exit waits for the process to end by itself and answers its exit code, -1 for a signal; false when d is over.
func (s *Server) Exit(d time.Duration) (int, bool) {
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode(), true
	case <-time.After(d):
		return 0, false
	}
}

// Stop ends the process with SIGTERM and answers how long that took. The test fails when the end is not clean.
func (s *Server) Stop() time.Duration {
	s.t.Helper()
	began := time.Now()
	s.Signal(syscall.SIGTERM)
	code, ended := s.Exit(30 * time.Second)
	if !ended {
		s.Signal(syscall.SIGQUIT) // Go prints its goroutines
		<-s.exited
		s.t.Fatalf("the broker still runs 30 s after SIGTERM; its log:\n%s", s.Log())
	}
	if code != 0 {
		s.t.Fatalf("SIGTERM ended the broker with %s; its log:\n%s", s.State(), s.Log())
	}
	return time.Since(began)
}

// State says how the process ended.
func (s *Server) State() string {
	if s.Running() {
		return "nothing yet"
	}
	return s.cmd.ProcessState.String()
}

// Pid is the process id.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Log is what the process has printed in this life.
func (s *Server) Log() string { return s.log.String() }

// Logged answers whether the process has printed text in this life.
func (s *Server) Logged(text string) bool { return s.log.contains(text) }

// Poll asks until yes or until d is over; it answers the last answer.
func Poll(d time.Duration, yes func() bool) bool {
	deadline := time.Now().Add(d)
	for pause := time.Millisecond; !yes(); pause = min(2*pause, 20*time.Millisecond) {
		if time.Now().After(deadline) {
			return yes()
		}
		<-time.After(pause)
	}
	return true
}

// tail keeps the output of a process; of too much the beginning and the end.
type tail struct {
	mu   sync.Mutex // guards the buffer
	text bytes.Buffer
}

const tailBytes = 256 << 10

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > tailBytes { // a broker that fails may say so a million times
		kept := slices.Concat(l.text.Bytes()[:tailBytes/4], []byte("\n...\n"), l.text.Bytes()[l.text.Len()-tailBytes/4:])
		l.text.Reset()
		l.text.Write(kept)
	}
	return l.text.Write(p)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *tail) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}
