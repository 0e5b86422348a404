package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// system is what is measured.
type system struct{ name string }

// server is a running broker.
type server struct {
	address string
	tls     string // address of the TLS listener
	pid     int
	stop    func()
	took    time.Duration // from exec to ready
	log     string
}

func (b *bench) start(ctx context.Context, s system, dir string) (*server, error) {
	if s.name == "mainstem" {
		return b.startMainstem(ctx, dir)
	}
	return b.startKafka(ctx, dir)
}

var ready = regexp.MustCompile(`"msg":"broker is ready".*"address":"([^"]+)"`)

// startMainstem runs our broker, pinned to the first processor.
func (b *bench) startMainstem(ctx context.Context, dir string, extra ...string) (*server, error) {
	log, err := os.Create(dir + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	plain, err := freePort()
	if err != nil {
		return nil, err
	}
	address, secured := fmt.Sprintf("127.0.0.1:%d", plain), fmt.Sprintf("127.0.0.1:%d", plain+1)
	args := append([]string{
		"-c", "0", b.binary, "server", "--data-dir", dir, "--admin", "none", "--log-format", "json",
		"--set", "listeners=PLAINTEXT://" + address + ",SSL://" + secured, "--set", "ssl.keystore.type=PEM", "--set", "ssl.keystore.location=" + b.keyStore(),
		"--set", "group.initial.rebalance.delay.ms=0", "--set", "group.consumer.max.size=2000",
	}, extra...)
	cmd := exec.CommandContext(ctx, "taskset", args...)
	cmd.Stderr = log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	srv := &server{pid: cmd.Process.Pid, log: log.Name(), tls: secured}
	srv.stop = func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait(); _ = os.RemoveAll(dir) }
	for deadline := began.Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(log.Name())
		if m := ready.FindSubmatch(text); m != nil {
			srv.address, srv.took = string(m[1]), time.Since(began)
			return srv, nil
		}
	}
	srv.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("the broker did not get ready: %s", text)
}

// startKafka runs Apache Kafka by its starter, pinned to the first processor, with 1 GiB of heap.
func (b *bench) startKafka(ctx context.Context, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	script := filepath.Join(b.anchors, "kafka", "start.sh")
	cmd := exec.CommandContext(ctx, "taskset", "-c", "0", script, strconv.Itoa(port), dir)
	cmd.Env = append(os.Environ(), "KAFKA_HEAP=1g")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", script, err)
	}
	lines := strings.Fields(out.String())
	pid, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		return nil, fmt.Errorf("%s printed %q", script, out.String())
	}
	srv := &server{address: "127.0.0.1:" + strconv.Itoa(port), pid: pid, took: time.Since(began)}
	srv.stop = func() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
		for range 300 {
			if syscall.Kill(pid, 0) != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		_ = os.RemoveAll(dir)
	}
	return srv, nil
}

// freePort finds two neighbouring free ports: Kafka's controller takes the one above.
func freePort() (int, error) {
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		next, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port+1))
		_ = l.Close()
		if err == nil {
			_ = next.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no two neighbouring ports are free")
}
