// Package brokertest starts a real broker inside a test: the production code on a disk in memory, ready in
// milliseconds, safe to use from parallel tests.
//
//	func TestOrders(t *testing.T) {
//		b := brokertest.Start(t)
//		client := b.Client(t, kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation())
//		...
//	}
//
// The broker stops when the test ends, and the test fails if it did not stop cleanly. FailWrites, FailSyncs and Fill
// break its disk; Restart and PowerLoss end the process and start it again. With InMemoryNetwork it listens on no port
// and works inside a testing/synctest bubble.
package brokertest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Option changes how a broker is started.
type Option func(*Broker)

// Set sets a configuration key by Kafka's name.
func Set(key, value string) Option {
	return func(b *Broker) { b.values[key] = broker.Value{Text: value, Origin: "test"} }
}

// Logger hears what the broker logs; by default nobody does.
func Logger(l *slog.Logger) Option { return func(b *Broker) { b.logger = l } }

// Clock is the broker's wall clock; by default time.Now, which synctest fakes.
func Clock(now func() time.Time) Option { return func(b *Broker) { b.now = now } }

// Validate holds records against schemas; by default nothing does.
func Validate(v broker.Validator) Option { return func(b *Broker) { b.validator = v } }

// InMemoryNetwork makes the broker listen in memory instead of on a loopback port.
func InMemoryNetwork() Option { return func(b *Broker) { b.inMemory = true } }

// Broker is a broker under test.
type Broker struct {
	t        testing.TB
	values   map[string]broker.Value
	logger   *slog.Logger
	now      func() time.Time
	inMemory bool

	validator broker.Validator

	mu     sync.Mutex // guards the fields below, which a restart replaces
	node   *broker.Broker
	disk   *vfs.Mem
	pipe   *network.PipeListener
	addr   string
	cancel context.CancelFunc
	ended  chan error
}

// Start runs a broker until the test ends. It returns when the broker answers requests.
func Start(t testing.TB, opts ...Option) *Broker {
	t.Helper()
	b := &Broker{t: t, disk: vfs.NewMem(), values: map[string]broker.Value{}}
	for key, value := range map[string]string{
		"log.dirs": "/data", "listeners": "PLAINTEXT://127.0.0.1:0", "group.initial.rebalance.delay.ms": "0", "log.segment.delete.delay.ms": "0",
	} {
		Set(key, value)(b)
	}
	for _, o := range opts {
		o(b)
	}
	b.run()
	t.Cleanup(func() { b.Stop() })
	return b
}

// run starts a broker on the disk as it is.
func (b *Broker) run() {
	b.t.Helper()
	cfg := broker.Config{Values: maps.Clone(b.values), Logger: b.logger, Now: b.now, Version: "test", Validator: b.validator}.OnDisk(b.disk)
	var pipe *network.PipeListener
	if b.inMemory {
		pipe = network.NewPipeListener()
		cfg.Listen = func(string, string) (net.Listener, error) { return pipe, nil }
	}
	if b.addr != "" && !b.inMemory { // a restart keeps its address, which clients hold on to
		name, _, _ := strings.Cut(cfg.Values["listeners"].Text, "://")
		cfg.Values["listeners"] = broker.Value{Text: name + "://" + b.addr, Origin: "test"}
	}
	node, err := broker.New(cfg)
	if err != nil {
		b.t.Fatalf("brokertest: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the broker's end, read once
	go func() { ended <- node.Run(ctx) }()
	b.mu.Lock()
	b.node, b.pipe, b.addr, b.cancel, b.ended = node, pipe, node.Addr(), cancel, ended
	b.mu.Unlock()
	b.awaitReady(node, ended)
}

func (b *Broker) awaitReady(node *broker.Broker, ended chan error) {
	b.t.Helper()
	for node.Ready() != nil {
		select {
		case err := <-ended:
			ended <- err
			b.t.Fatalf("brokertest: the broker ended: %v", err)
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// Node is the broker itself, until the next restart.
func (b *Broker) Node() *broker.Broker {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.node
}

// Addr is where the broker listens, host:port.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addr
}

// Dial connects to the broker, whatever address is asked for: for clients that are given a dialer.
func (b *Broker) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	b.mu.Lock()
	pipe := b.pipe
	b.mu.Unlock()
	if pipe != nil {
		return pipe.Dial(ctx)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// Client makes a franz-go client of the broker, closed when the test ends.
func (b *Broker) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.MetadataMinAge(10 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatalf("brokertest: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Stop ends the broker cleanly; the test fails if it cannot. Stopping twice is fine.
func (b *Broker) Stop() {
	b.t.Helper()
	if err := b.end(); err != nil {
		b.t.Errorf("brokertest: the broker did not stop cleanly: %v", err)
	}
}

// end cancels the broker and waits.
func (b *Broker) end() error {
	b.mu.Lock()
	cancel, ended := b.cancel, b.ended
	b.cancel, b.ended = nil, nil
	b.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	return <-ended
}

// Restart stops the broker cleanly, unless it has ended by itself, and starts it again on its disk, at its address.
func (b *Broker) Restart() {
	b.t.Helper()
	b.Stop()
	b.run()
}

// PowerLoss ends the broker as a power cut would: what was not fsynced is gone, and torn or kept in part as seed says.
// Then it starts again at its address.
func (b *Broker) PowerLoss(seed uint64) {
	b.t.Helper()
	b.mu.Lock()
	b.disk.Fail(vfs.Fault{Op: vfs.OpSync, Err: syscall.EIO}) // from here on it must not acknowledge: clients still listen
	after := b.disk.CrashClone(vfs.Crash{Seed: seed, Data: vfs.KeepTorn, Names: vfs.KeepNothing})
	b.mu.Unlock()
	_ = b.end() // whatever it writes now goes to a disk that nobody will see
	b.mu.Lock()
	b.disk = after
	b.mu.Unlock()
	b.run()
}

// FailSyncs makes every fsync fail with err from now on, for example syscall.EIO. The broker goes offline rather than
// acknowledge anything after it, and Wait answers why.
func (b *Broker) FailSyncs(err syscall.Errno) { b.fault(vfs.OpSync, err) }

// FailWrites makes every write fail with err from now on.
func (b *Broker) FailWrites(err syscall.Errno) { b.fault(vfs.OpWrite, err) }

func (b *Broker) fault(op vfs.Op, err syscall.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disk.Fail(vfs.Fault{Op: op, Err: err})
}

// Fill leaves the disk with free bytes of room.
func (b *Broker) Fill(free int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disk.SetCapacity(b.disk.Used() + free)
}

// Repair takes every fault off the disk and gives it room again.
func (b *Broker) Repair() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disk.Heal()
	b.disk.SetCapacity(0)
}

// Wait answers why the broker ended by itself, after a fault for example; it fails the test when it does not within d.
func (b *Broker) Wait(d time.Duration) error {
	b.t.Helper()
	b.mu.Lock()
	ended := b.ended
	b.cancel, b.ended = nil, nil
	b.mu.Unlock()
	if ended == nil {
		return errors.New("brokertest: not running")
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(d):
		b.t.Fatalf("brokertest: the broker still runs after %v", d)
		return nil
	}
}
