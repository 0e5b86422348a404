// Package streamstest runs a topology without Kafka: records go in one by one, each to its end through repartition topics too, and
// come out where a test can look at them. Caches are off, stores are in memory, the wall clock moves by hand.
//
//	d := streamstest.New(t, topology)
//	in := streamstest.Input[string, string](d, "lines")
//	in.At(time.UnixMilli(1)).Send("k", "a b a")
//	for _, r := range streamstest.Output(d, counts).All() { ... }
package streamstest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/streams"
	"github.com/mainstem-io/mainstem/streams/internal/blueprint"
	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// App is the application id of a driver: internal topics are called app-<name>.
const App = "app"

// Driver is one task that holds the whole topology. It is for one goroutine.
type Driver struct {
	t        testing.TB
	bp       *blueprint.Blueprint
	task     *task.Task
	global   *task.Task
	extend   func(n *topology.Node, topic string)
	patterns map[*topology.Node]*regexp.Regexp
	sources  map[string]bool
	globals  map[string]bool
	offsets  map[string]int64
	out      map[string][]Raw
	read     map[string]int
	now      int64
	cfg      streams.Config
}

// Raw is a record as bytes; a nil key or value is a null. Time is -1 where the producer's clock decides.
type Raw struct {
	Topic      string
	Key, Value []byte
	Time       int64
	Headers    []streams.Header
}

// Option changes a driver.
type Option func(*Driver)

// Config sets the handlers, dead letters, task idle time and timestamp policy of the application.
func Config(c streams.Config) Option { return func(d *Driver) { d.cfg = c } }

// StartAt sets the wall clock, which stands at 1970 otherwise.
func StartAt(at time.Time) Option { return func(d *Driver) { d.now = at.UnixMilli() } }

// New starts a topology; a failure fails the test.
func New(t testing.TB, topo *streams.Topology, opts ...Option) *Driver {
	t.Helper()
	d, err := Try(topo, opts...)
	if err != nil {
		t.Fatalf("start the topology: %v", err)
	}
	d.t = t
	return d
}

// Try starts a topology and answers the error of a failed start.
func Try(topo *streams.Topology, opts ...Option) (*Driver, error) {
	d := &Driver{
		bp: topo.Blueprint(), patterns: map[*topology.Node]*regexp.Regexp{}, sources: map[string]bool{}, globals: map[string]bool{},
		offsets: map[string]int64{}, out: map[string][]Raw{}, read: map[string]int{},
	}
	for _, o := range opts {
		o(d)
	}
	if err := d.start(); err != nil {
		return nil, err
	}
	return d, d.run()
}

func (d *Driver) start() (err error) {
	var local, global []*topology.Node
	for _, g := range d.bp.Graph.Groups() {
		if g.Global {
			global = append(global, g.Nodes...)
		} else {
			local = append(local, g.Nodes...)
		}
	}
	shared := map[string]any{}
	if d.global, _, err = d.make(global, "global", shared, d.globals); err != nil {
		return err
	}
	for _, s := range d.bp.Graph.Stores() {
		if s.Global {
			shared[s.Name] = d.global.Store(s.Name)
		}
	}
	if d.task, d.extend, err = d.make(local, "0_0", shared, d.sources); err != nil {
		return err
	}
	if err := d.global.Open(); err != nil {
		return err
	}
	return d.task.Open()
}

func (d *Driver) make(nodes []*topology.Node, id string, globals map[string]any, sources map[string]bool) (*task.Task, func(*topology.Node, string), error) {
	idle := d.cfg.MaxTaskIdle.Milliseconds()
	t := task.New(task.Config{
		ID: id, AppID: App, OnError: d.cfg.OnError, DeadLetter: d.cfg.DeadLetter, MaxIdle: idle, Timestamps: int(d.cfg.Timestamps),
		Now: func() int64 { return d.now }, Lag: func(string, int32) (int64, bool) { return 0, true },
		Engine: store.NewMemory(), Globals: globals,
	})
	extend, err := d.bp.Bind(context.Background(), t, nodes, func(n *topology.Node) []string {
		if n.Pattern != "" {
			d.patterns[n] = regexp.MustCompile("^(?:" + n.Pattern + ")$")
		}
		var out []string
		for _, topic := range n.Topics {
			out = append(out, d.full(topic))
		}
		for _, topic := range out {
			sources[topic] = true
		}
		return out
	})
	return t, extend, err
}

// full is a topic's name on the broker.
func (d *Driver) full(topic string) string {
	if d.bp.Graph.IsRepartition(topic) {
		return App + "-" + topic
	}
	return topic
}

// SendRaw hands bytes to a source topic and runs until nothing is left to do.
func (d *Driver) SendRaw(topic string, key, value []byte, at int64, headers ...streams.Header) error {
	if err := d.enqueue(Raw{topic, key, value, at, headers}); err != nil {
		return err
	}
	return d.run()
}

func (d *Driver) enqueue(r Raw) error {
	raw := task.Raw{Topic: r.Topic, Offset: d.offsets[r.Topic], Time: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers}
	switch {
	case d.globals[r.Topic]:
		d.offsets[r.Topic]++
		if err := d.global.Enqueue(r.Topic, []task.Raw{raw}); err != nil {
			return err
		}
		_, err := d.global.Step()
		d.global.Take()
		return err
	case !d.sources[r.Topic] && !d.discover(r.Topic):
		return fmt.Errorf("no source of the topology reads topic %q; it reads %s", r.Topic, strings.Join(slices.Sorted(maps.Keys(d.sources)), ", "))
	}
	d.offsets[r.Topic]++
	err := d.task.Enqueue(r.Topic, []task.Raw{raw})
	if e := d.collect(); err == nil {
		err = e
	}
	return err
}

// discover binds a topic to the pattern that it matches.
func (d *Driver) discover(topic string) bool {
	for n, re := range d.patterns {
		if re.MatchString(topic) {
			d.extend(n, topic)
			d.sources[topic] = true
			return true
		}
	}
	return false
}

// run processes until the task is not ready, committing after every record.
func (d *Driver) run() error {
	for {
		did, err := d.task.Step()
		if err == nil && did {
			err = d.task.Flush()
		}
		if e := d.collect(); err == nil {
			err = e
		}
		if err != nil || !did {
			return err
		}
	}
}

// collect takes what was produced; what the topology reads itself goes back in.
func (d *Driver) collect() error {
	for _, o := range slices.Clone(d.task.Take()) {
		r := Raw{o.Topic, o.Key, o.Value, o.Time, o.Headers}
		if o.Time == task.None {
			r.Time = -1
		}
		d.out[o.Topic] = append(d.out[o.Topic], r)
		if d.sources[o.Topic] || d.globals[o.Topic] {
			if err := d.enqueue(r); err != nil {
				return err
			}
		}
	}
	d.task.Committed()
	return nil
}

// Advance moves the wall clock and fires the punctuations that this makes due.
func (d *Driver) Advance(by time.Duration) {
	d.helper()
	if err := d.TryAdvance(by); err != nil {
		d.fatalf("advance the wall clock: %v", err)
	}
}

// TryAdvance is Advance for tests of failures.
func (d *Driver) TryAdvance(by time.Duration) error {
	d.now += by.Milliseconds()
	err := d.task.Punctuate()
	if err == nil {
		err = d.task.Flush()
	}
	if e := d.collect(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return d.run()
}

func (d *Driver) helper() {
	if d.t != nil {
		d.t.Helper()
	}
}

func (d *Driver) fatalf(format string, args ...any) {
	if d.t == nil {
		panic(fmt.Sprintf(format, args...))
	}
	d.t.Helper()
	d.t.Fatalf(format, args...)
}

// Raw is everything that went to a topic so far, internal ones included (app-<name>-changelog).
func (d *Driver) Raw(topic string) []Raw { return d.out[topic] }

// Topics is the topics that anything went to.
func (d *Driver) Topics() []string { return slices.Sorted(maps.Keys(d.out)) }

// Dropped is how many records went nowhere.
func (d *Driver) Dropped() (n int64) {
	for _, t := range []*task.Task{d.task, d.global} {
		for _, c := range t.Dropped() {
			n += c
		}
	}
	return n
}

// Row is a row of a store as bytes.
type Row = store.Dumped

// StoreRows is the rows of a store in its order; nil when there is no such store.
func (d *Driver) StoreRows(name string) []Row {
	s, ok := d.task.Store(name).(interface{ Dump(func(store.Dumped)) })
	if !ok {
		return nil
	}
	var rows []Row
	s.Dump(func(r store.Dumped) {
		r.Key, r.Value = slices.Clone(r.Key), slices.Clone(r.Value)
		rows = append(rows, r)
	})
	return rows
}

// StoreNamed is the driver as the context of a store's handle: seen.Get(d, "k").
func (d *Driver) StoreNamed(name string) any { return d.task.Store(name) }
