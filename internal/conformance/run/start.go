package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startBroker runs a broker with its data and its log under a directory, until stop. The vectors want node 1 and
// auto-creation, which are defaults.
func startBroker(ctx context.Context, binary, dir string, args ...string) (stop func(), address string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, "", err
	}
	log, err := os.Create(filepath.Join(dir, "broker.log"))
	if err != nil {
		return nil, "", err
	}
	args = append([]string{"server", "--data-dir", filepath.Join(dir, "data"), "--admin", "none", "--log-format", "json"}, args...)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start the broker: %w", err)
	}
	stop = func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }
	ready := regexp.MustCompile(`"msg":"broker is ready".*"address":"([^"]+)"`)
	for range 500 {
		text, _ := os.ReadFile(log.Name())
		if m := ready.FindSubmatch(text); m != nil {
			return stop, string(m[1]), nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	stop()
	return nil, "", fmt.Errorf("the broker did not get ready:\n%s", text)
}

// startSecured runs a broker with the very file that configures Apache Kafka when answers are recorded: SASL with three
// mechanisms, ACLs, and users for tests. Ports are the system's choice.
func startSecured(ctx context.Context, binary, anchors, dir string) (stop func(), address string, err error) {
	text, err := os.ReadFile(filepath.Join(anchors, "kafka", "secured.properties"))
	if err != nil {
		return nil, "", fmt.Errorf("read the configuration of the secured broker: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, "", err
	}
	file := filepath.Join(dir, "secured.properties")
	filled := strings.NewReplacer("@PORT@", "0", "@CONTROLLER@", "0", "@DATA@", dir).Replace(string(text))
	if err := os.WriteFile(file, []byte(filled), 0o600); err != nil {
		return nil, "", err
	}
	return startBroker(ctx, binary, dir, "--config", file)
}
