package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestCopyLoop kills workers that copy a topic in transactions, and the broker under them, again and again: the copy must
// be the original, each record once, in order for each producer. The first half of the cycles uses the classic group
// protocol, the second one KIP-848. What a read_committed consumer sees is checked while it goes on.
func TestCopyLoop(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	cycles := Times(t, "E2E_COPY_CYCLES", 2, 100)
	var killed kills
	copied := 0
	for n, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			c := startCopy(t, Options{Settings: small(copySettings)}, protocol, seed+uint64(n))
			for cycle := range (cycles + 1 - n) / 2 {
				if err := c.cycle(t); err != nil {
					t.Fatalf("after cycle %d (%s): %v\nkept: %s", cycle+1, c.kills, err, keep(t, c.server))
				}
			}
			got, err := c.finish(t)
			if err != nil {
				t.Fatalf("at the end (%s): %v\nkept: %s", c.kills, err, keep(t, c.server))
			}
			copied += got
			killed.brokers += c.kills.brokers
			killed.workers += c.kills.workers
		})
	}
	Note(t, began, "%d cycles, %s, %d records copied once and in order", cycles, killed, copied)
}

// TestSeededLSOUnchecked: the bug shows read_committed consumers what open transactions wrote. Within 25 cycles
// TestCopyLoop must see a record in the copy twice, or out of order.
func TestSeededLSOUnchecked(t *testing.T) {
	skipSeeded(t)
	began, seed := time.Now(), Seed(t)
	c := startCopy(t, Options{Binary: Binary(t, "bug_lso_unchecked"), Settings: small(copySettings)}, "classic", seed)
	for cycle := range 25 {
		if err := c.cycle(t); err != nil && c.copy.anomaly() != nil {
			Note(t, began, "bug_lso_unchecked is found by TestCopyLoop in cycle %d: %v", cycle+1, err)
			return
		}
	}
	t.Fatal("TestCopyLoop does not find bug_lso_unchecked within 25 cycles")
}

// copySettings make a dead worker's place and transaction free soon. Coordinator logs roll and are compacted meanwhile.
var copySettings = map[string]string{
	"group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "1000",
	"group.consumer.session.timeout.ms": "6000", "group.consumer.min.session.timeout.ms": "1000",
	"group.consumer.heartbeat.interval.ms": "500", "group.consumer.min.heartbeat.interval.ms": "500",
	"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
	"offsets.topic.num.partitions":                                "3", "transaction.state.log.num.partitions": "3",
	"offsets.topic.segment.bytes": "1048576", "transaction.state.log.segment.bytes": "1048576", "log.cleaner.backoff.ms": "500",
}

type kills struct{ brokers, workers int }

func (k kills) String() string {
	return fmt.Sprintf("%d kills of the broker, %d of workers", k.brokers, k.workers)
}

// copyRun is a copy that goes on over many cycles.
type copyRun struct {
	server  *Server
	load    *Load
	workers []*copyProcess
	copy    *copyReader
	random  *rand.Rand
	kills   kills
}

const copyWorkers = 3

func startCopy(t *testing.T, o Options, protocol string, seed uint64) *copyRun {
	t.Helper()
	c := &copyRun{server: StartServer(t, o), random: Random(seed, 3)}
	from, to := Topic{Name: copyFrom, Partitions: copyPartitions}, Topic{Name: copyTo, Partitions: copyPartitions}
	CreateTopics(t, c.server.Addr(), from, to)
	c.load = StartLoad(t, LoadConfig{Address: c.server.Addr(), Topics: []Topic{from}, Producers: 2, Rate: 60, Burst: 8, MaxSize: 2000, Seed: seed})
	for n := range copyWorkers {
		w := &copyProcess{t: t, spec: fmt.Sprintf("%s copiers copier-%d %s", c.server.Addr(), n, protocol)}
		c.workers = append(c.workers, w)
		w.start()
		t.Cleanup(w.kill)
	}
	c.copy = readCopy(t, c.server.Addr())
	return c
}

// cycle waits until the copy has moved, kills something at a moment of its own, and starts it again.
func (c *copyRun) cycle(t *testing.T) error {
	t.Helper()
	if err := c.copy.await(c.copy.count()+30, 40*time.Second); err != nil {
		return fmt.Errorf("the copy does not go on: %w%s", err, c.complaints())
	}
	<-time.After(between(c.random, 0, 400*time.Millisecond))
	what := c.random.IntN(4)
	if what != 1 { // 0, 2, 3: one worker or some
		for _, n := range c.random.Perm(copyWorkers)[:1+c.random.IntN(2)] {
			c.workers[n].kill()
			c.kills.workers++
		}
	}
	if what <= 1 || what == 2 && c.random.IntN(2) == 0 {
		c.server.Kill()
		c.kills.brokers++
		<-time.After(between(c.random, 0, 100*time.Millisecond))
		c.server.Start()
	}
	for _, w := range c.workers {
		if !w.running() {
			w.start()
		}
	}
	return c.copy.anomaly()
}

// finish ends the load, lets the copy become complete and answers how many records it has.
func (c *copyRun) finish(t *testing.T) (int, error) {
	t.Helper()
	c.load.Stop(t, 30*time.Second)
	for _, err := range c.load.History.Failures() {
		t.Errorf("a client gave up: %v", err)
	}
	want := c.load.History.Count()
	stop := time.Now().Add(90 * time.Second)
	for c.copy.count() < want && time.Now().Before(stop) && c.copy.anomaly() == nil {
		for _, w := range c.workers {
			if !w.running() { // it met an error that ends a client: fenced, or a transaction that timed out
				w.start()
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	<-time.After(300 * time.Millisecond) // for a record too many
	if err := c.copy.anomaly(); err != nil {
		return 0, err
	}
	if got := c.copy.count(); got != want {
		return 0, fmt.Errorf("%d records were written and acknowledged, the copy has %d%s", want, got, c.complaints())
	}
	return want, nil
}

func (c *copyRun) complaints() string {
	var b strings.Builder
	for _, w := range c.workers {
		fmt.Fprintf(&b, "\n%s: running %v; %s", w.spec, w.running(), w.log)
	}
	return b.String()
}

// copyProcess is a worker in a process of its own: this test's binary, told by its environment what to be.
type copyProcess struct {
	t      testing.TB
	spec   string
	cmd    *exec.Cmd
	log    *tail
	exited chan struct{}
}

func (w *copyProcess) start() {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), copyWorkerVariable+"="+w.spec)
	w.cmd, w.log, w.exited = cmd, &tail{}, make(chan struct{})
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = w.log, w.log, diesWithUs()
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("start a copy worker: %v", err)
	}
	exited := w.exited
	go func() {
		_ = cmd.Wait() // most are killed
		close(exited)
	}()
}

func (w *copyProcess) kill() {
	_ = w.cmd.Process.Kill() // it may have ended by itself
	<-w.exited
}

func (w *copyProcess) running() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}

// copyReader reads the copy, read_committed, and checks each record as it comes: for each producer and partition the
// sequence is 0, 1, 2 and so on.
type copyReader struct {
	mu    sync.Mutex // guards the fields below
	next  map[series]int64
	seen  int
	fault error
}

func readCopy(t *testing.T, address string) *copyReader {
	t.Helper()
	all := map[int32]kgo.Offset{}
	for p := range int32(copyPartitions) {
		all[p] = kgo.NewOffset().At(0)
	}
	cl := NewClient(t, address, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{copyTo: all}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond))
	c := &copyReader{next: map[series]int64{}}
	go func() {
		for {
			f := cl.PollFetches(context.Background())
			if f.IsClientClosed() {
				return
			}
			c.saw(f.Records())
			for _, e := range f.Errors() {
				c.errored(e)
			}
		}
	}()
	return c
}

func (c *copyReader) saw(records []*kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		c.seen++
		v, err := ParseValue(r.Value)
		s := series{v.Partition, v.Producer}
		switch want := c.next[s]; {
		case c.fault != nil:
			return
		case err != nil:
			c.fault = fmt.Errorf("%s-%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		case v.Sequence < want:
			c.fault = fmt.Errorf("%s-%d offset %d: %s is there twice", r.Topic, r.Partition, r.Offset, v)
		case v.Sequence > want:
			c.fault = fmt.Errorf("%s-%d offset %d: %s, but %d was to come next: lost or out of order", r.Topic, r.Partition, r.Offset, v, want)
		}
		c.next[s] = v.Sequence + 1
	}
}

// errored notes an error that says that data are lost; others pass.
func (c *copyReader) errored(e kgo.FetchError) {
	if !strings.Contains(e.Err.Error(), "data loss") {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fmt.Errorf("read %s-%d: %w", e.Topic, e.Partition, e.Err)
}

func (c *copyReader) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

func (c *copyReader) anomaly() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// await waits until n records were seen, for d at most.
func (c *copyReader) await(n int, d time.Duration) error {
	Poll(d, func() bool { return c.count() >= n || c.anomaly() != nil })
	if err := c.anomaly(); err != nil {
		return err
	}
	if got := c.count(); got < n {
		return fmt.Errorf("%d records in %v, wanted %d", got, d, n)
	}
	return nil
}
