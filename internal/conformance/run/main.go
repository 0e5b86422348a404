// Command run asks a broker the recorded questions of Apache Kafka 4.3.1 and compares the answers. It builds the probe
// from the vectors' directory, starts the broker's binary in a temporary directory, and closes with a line
// 'N passed, N failed'. Probes of APIs that are not served yet are left out and counted.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/internal/conformance"
)

func main() {
	dir := flag.String("dir", os.Getenv("CONFORMANCE_DIR"), "directory of the vectors (CONFORMANCE_DIR)")
	binary := flag.String("binary", "bin/mainstem", "the broker")
	only := flag.String("run", "", "only probes that match this regular expression")
	var at target
	flag.StringVar(&at.plain, "brokers", "", "a running broker to ask instead of starting one")
	flag.StringVar(&at.secured, "secured", "", "a running broker with SASL and ACLs to ask instead of starting one")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	code, err := run(ctx, *dir, *binary, at, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 1
	}
	os.Exit(code)
}

// target is the brokers that are asked.
type target struct{ plain, secured string }

func run(ctx context.Context, dir, binary string, at target, only string) (int, error) {
	vectors := filepath.Join(dir, "broker")
	if _, err := os.Stat(filepath.Join(vectors, "probe", "go.mod")); err != nil {
		if os.Getenv("CI") != "" {
			return 1, fmt.Errorf("no vectors in %s: CI needs them (CONFORMANCE_DIR)", vectors)
		}
		fmt.Printf("SKIPPED: no vectors in %s (CONFORMANCE_DIR); nothing was compared\n0 passed, 0 failed, 1 skipped\n", vectors)
		return 0, nil
	}
	work, err := os.MkdirTemp("", "mainstem-conformance-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(work)
	probe, err := buildProbe(ctx, filepath.Join(vectors, "probe"), work)
	if err != nil {
		return 1, err
	}
	if at.plain == "" {
		stop, address, err := startBroker(ctx, binary, filepath.Join(work, "plain"), "--listen", "127.0.0.1:0", "--set", "group.initial.rebalance.delay.ms=0")
		if err != nil {
			return 1, err
		}
		defer stop()
		at.plain = address
	}
	if at.secured == "" {
		stop, address, err := startSecured(ctx, binary, filepath.Join(dir, "..", "anchors"), filepath.Join(work, "secured"))
		if err != nil {
			return 1, err
		}
		defer stop()
		at.secured = address
	}
	names, skipped, err := choose(ctx, probe, only)
	if err != nil {
		return 1, err
	}
	for reason, n := range skipped {
		fmt.Printf("left out: %3d probes, %s\n", n, reason)
	}
	return check(ctx, probe, at, filepath.Join(vectors, "goldens", "probes.jsonl"), names)
}

// buildProbe builds the program of the vectors in a copy: their directory may be read-only.
func buildProbe(ctx context.Context, source, work string) (string, error) {
	copied, out := filepath.Join(work, "probe-source"), filepath.Join(work, "probe")
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		return "", fmt.Errorf("copy the probe: %w", err)
	}
	if err := addMain(copied); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-o", out, "./mainstem")
	cmd.Dir = copied
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the probe: %w\n%s", err, text)
	}
	return out, nil
}

// addMain adds a main of its own beside the probe's: the probe's begins by using share groups, which are not served yet;
// this one only makes the internal topics, and takes the producer id 0, which recordings show as no id at all. Probes
// and comparison are the probe's, untouched.
func addMain(copied string) error {
	for name, text := range map[string]string{"engine/mainstem.go": engineEntry, "mainstem/main.go": probeMain} {
		path := filepath.Join(copied, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("add to the copy of the probe: %w", err)
		}
	}
	return nil
}

const probeMain = `package main

import (
	"os"

	"conformance/broker/probe/cases"
	"conformance/broker/probe/engine"
)

func main() { os.Exit(engine.MainServed(cases.All())) }
`

const engineEntry = `package engine

import (
	"flag"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// MainServed is Main with a warm-up that needs no share groups.
func MainServed(cases []Case) int {
	o := &Options{}
	flag.StringVar(&o.Brokers, "brokers", "127.0.0.1:9092", "host:port of the broker")
	flag.StringVar(&o.Secured, "secured", "", "host:port of the broker with SASL and ACLs")
	flag.StringVar(&o.check, "check", "", "compare with the goldens in this file")
	flag.StringVar(&o.run, "run", ".", "regular expression of probe names")
	flag.IntVar(&o.workers, "j", 6, "probes at a time")
	flag.BoolVar(&o.list, "list", false, "list the probes and stop")
	flag.Parse()
	cases = o.pick(cases)
	if o.list {
		for _, c := range cases {
			fmt.Println(c.Name)
		}
		return 0
	}
	warm := Probe("warm-up", "", func(t *T) {
		for kind := range 2 {
			t.Until(R("FindCoordinator", 6, F{"CoordinatorType": kind, "CoordinatorKeys": Strings("warm-up")}),
				func(r kmsg.Response) bool { return r.(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode == 0 })
		}
		t.Must(R("InitProducerID", 4, F{"TransactionTimeoutMillis": 1000, "ProducerID": -1, "ProducerEpoch": -1}))
	})
	if r := o.runOne(warm, "warm-"); r.Failed != "" {
		return exit(fmt.Errorf("warm-up: %s", r.Failed))
	}
	return o.compare(o.runAll(cases))
}
`

// choose lists the probes to run, and counts those that are left out by reason.
func choose(ctx context.Context, probe, only string) (names []string, skipped map[string]int, err error) {
	list, err := exec.CommandContext(ctx, probe, "-list", "-secured", "somewhere").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("list the probes: %w", err)
	}
	want, err := regexp.Compile(only)
	if err != nil {
		return nil, nil, err
	}
	skipped = map[string]int{}
	for sc := bufio.NewScanner(bytes.NewReader(list)); sc.Scan(); {
		name, _, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		switch d := conformance.Find(name); {
		case name == "" || !strings.Contains(name, "/") || !want.MatchString(name):
		case d != nil && d.Later:
			skipped[d.Reason]++
		default:
			names = append(names, name)
		}
	}
	return names, skipped, nil
}

// check runs the probes and sorts what failed into what is known and what is new.
func check(ctx context.Context, probe string, at target, goldens string, names []string) (int, error) {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	cmd := exec.CommandContext(ctx, probe, "-brokers", at.plain, "-secured", at.secured, "-check", goldens, "-run", "^("+strings.Join(quoted, "|")+")$")
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out)
	cmd.Stderr = os.Stderr
	_ = cmd.Run() // its exit status says only that something differs
	closing := regexp.MustCompile(`(?m)^(\d+) passed, (\d+) failed`).FindSubmatch(out.Bytes())
	if closing == nil {
		return 1, fmt.Errorf("the probe did not finish:\n%s", out.String())
	}
	passed, _ := strconv.Atoi(string(closing[1]))
	failed, known := 0, 0
	current := ""
	for sc := bufio.NewScanner(bytes.NewReader(out.Bytes())); sc.Scan(); {
		line := sc.Text()
		if m := regexp.MustCompile(`^--- (\S+)`).FindStringSubmatch(line); m != nil {
			current = strings.TrimSuffix(m[1], ":")
			if d := conformance.Find(current); d != nil {
				known++
				fmt.Printf("differs on purpose: %s: %s\n", current, d.Reason)
				current = ""
				continue
			}
			failed++
		}
		if current != "" && !closingLine(line) {
			fmt.Println(line)
		}
	}
	fmt.Printf("%d differ on purpose (docs/compatibility.md)\n%d passed, %d failed\n", known, passed, failed)
	if failed > 0 || passed == 0 {
		return 1, nil
	}
	return 0, nil
}

func closingLine(line string) bool { return strings.Contains(line, " passed, ") }
