// Package task runs one task: the nodes of a sub-topology over one partition of each of its topics. It holds the queues, picks
// the next record, keeps the times, runs punctuations and collects what is to be produced.
//
// A task is called by one goroutine, does no I/O and reads no clock: records come in by Enqueue, effects go out by Take.
package task

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// None is a time that is not known.
const None = store.None

// Raw is a record as it came from a topic; a nil key or value is Kafka's null.
type Raw struct {
	Topic       string
	Partition   int32
	Offset      int64
	LeaderEpoch int32
	Time        int64
	Key, Value  []byte
	Headers     []processor.Header
}

// ByKey asks for the partition that the key's hash gives.
const ByKey = int32(-1)

// Out is a record to produce.
type Out struct {
	Topic      string
	Partition  int32 // ByKey, or a number
	Key, Value []byte
	Time       int64 // None: the producer's clock
	Headers    []processor.Header
	Store      string // the store whose changelog this goes to
}

// Source is a source node over one partition: it decodes a record ahead of time, because its timestamp decides whose turn it is.
type Source interface {
	// Decode keeps the record as the head. ok is false when it is skipped, which was handled and counted.
	Decode(r *Raw, partitionTime int64) (ts int64, ok bool)
	// Process forwards the head.
	Process()
}

// Restorer is a store that a changelog fills.
type Restorer interface {
	Restore(key, value []byte, ts int64, headers []processor.Header) error
}

// Config is what a task needs to know of its application.
type Config struct {
	ID         string
	AppID      string
	Partition  int32
	OnError    func(processor.ErrorContext, error) processor.Decision // nil: fail
	DeadLetter string
	MaxIdle    int64 // ms that a task waits for an empty partition; -1 never
	Now        func() int64
	Lag        func(topic string, partition int32) (lag int64, known bool)
	Engine     store.Engine
	Timestamps int              // the application's policy for timestamps before 1970; 0 fails
	Times      map[string]int64 // of operators and stores, as of the last commit
	Partitions map[string]int64 // partition times by topic, as of the last commit
	Globals    map[string]any   // stores of global tables
}

// Task is one task. Its exported methods are for the worker that owns it and for the nodes bound to it.
type Task struct {
	cfg        Config
	queues     []*queue
	byTopic    map[string]*queue
	streamTime int64
	current    *Raw // nil in a punctuation
	out        []Out
	times      map[string]*int64
	stores     map[string]any
	restorers  map[string]Restorer
	closers    []func() error
	inits      []func()
	flushers   []func()
	stream     schedule
	wall       schedule
	dropped    map[string]int64
	enforced   int64
	commit     bool
	dirty      bool
	failed     error
}

// New makes an empty task; the topology's nodes are bound to it, then it is opened.
func New(cfg Config) *Task {
	t := &Task{
		cfg: cfg, byTopic: map[string]*queue{}, streamTime: None, times: map[string]*int64{},
		stores: map[string]any{}, restorers: map[string]Restorer{}, dropped: map[string]int64{},
	}
	for _, v := range cfg.Partitions {
		t.streamTime = max(t.streamTime, v)
	}
	return t
}

// ID is "<sub-topology>_<partition>".
func (t *Task) ID() string { return t.cfg.ID }

// Engine is where the task's rows lie.
func (t *Task) Engine() store.Engine { return t.cfg.Engine }

// Internal is the full name of one of the application's own topics.
func (t *Task) Internal(name string) string { return t.cfg.AppID + "-" + name }

// StreamTime is the highest timestamp processed, None before the first record.
func (t *Task) StreamTime() int64 { return t.streamTime }

// Timestamps is the application's policy for timestamps before 1970.
func (t *Task) Timestamps() int { return t.cfg.Timestamps }

// Now is the wall clock in milliseconds.
func (t *Task) Now() int64 { return t.cfg.Now() }

// Current is the record being processed; nil in a punctuation.
func (t *Task) Current() *Raw { return t.current }

// Time is a time that an operator keeps under a name; it is part of the commit, so a restart goes on where it was.
func (t *Task) Time(name string) *int64 {
	p := t.times[name]
	if p == nil {
		v, ok := t.cfg.Times[name]
		if !ok {
			v = None
		}
		p = &v
		t.times[name] = p
	}
	return p
}

// Times is every time that is known, for the commit.
func (t *Task) Times() map[string]int64 {
	out := map[string]int64{}
	for k, p := range t.times {
		if *p != None {
			out[k] = *p
		}
	}
	return out
}

// Drop counts a record that goes nowhere.
func (t *Task) Drop(reason string) { t.dropped[reason]++ }

// Dropped is the counts by reason.
func (t *Task) Dropped() map[string]int64 { return t.dropped }

// Produce adds an effect.
func (t *Task) Produce(o Out) {
	t.dirty = true
	t.out = append(t.out, o)
}

// Log adds a record to a store's changelog.
func (t *Task) Log(name string, key, value []byte, ts int64, headers []processor.Header) {
	t.Produce(Out{Topic: t.Internal(name + "-changelog"), Partition: t.cfg.Partition, Key: key, Value: value, Time: ts, Headers: headers, Store: name})
}

// Take is the effects since the last call; the slice is valid until the next Step.
func (t *Task) Take() []Out {
	out := t.out
	t.out = t.out[:0]
	return out
}

// Dirty says whether anything happened since the last commit.
func (t *Task) Dirty() bool { return t.dirty }

// CommitRequested says whether a processor asked for a commit.
func (t *Task) CommitRequested() bool { return t.commit }

// RequestCommit asks for one.
func (t *Task) RequestCommit() { t.commit = true }

// Committed says that all effects taken so far and the offsets are durable together.
func (t *Task) Committed() { t.dirty, t.commit = false, false }

// SetStore registers a store of the task.
func (t *Task) SetStore(name string, s any) {
	t.stores[name] = s
	if r, ok := s.(Restorer); ok {
		t.restorers[name] = r
	}
}

// Store is a store of the task, or a global one; nil when there is none.
func (t *Task) Store(name string) any {
	if s, ok := t.stores[name]; ok {
		return s
	}
	return t.cfg.Globals[name]
}

// Restorer is the store that a changelog fills.
func (t *Task) Restorer(name string) Restorer { return t.restorers[name] }

// AddSource binds a source node to a partition of a topic. The order of calls breaks ties between records of one timestamp.
func (t *Task) AddSource(topic string, s Source) {
	q := &queue{task: t, source: s, topic: topic, partitionTime: None, emptySince: None}
	if v, ok := t.cfg.Partitions[topic]; ok {
		q.partitionTime = v
	}
	t.queues = append(t.queues, q)
	t.byTopic[topic] = q
}

// OnInit runs f when the task opens; OnClose when it closes.
func (t *Task) OnInit(f func()) { t.inits = append(t.inits, f) }

// OnClose runs f when the task closes.
func (t *Task) OnClose(f func() error) { t.closers = append(t.closers, f) }

// OnFlush runs f before each commit.
func (t *Task) OnFlush(f func()) { t.flushers = append(t.flushers, f) }

// Flush lets what is held back for a commit out: more effects may follow.
func (t *Task) Flush() error {
	return t.guarded(func() {
		for _, f := range t.flushers {
			f()
		}
	})
}

// Open lets processors initialise, once stores are restored.
func (t *Task) Open() error {
	return t.guarded(func() {
		for _, f := range t.inits {
			f()
		}
	})
}

// Close lets processors close. It does not close the engine.
func (t *Task) Close() error {
	var first error
	for _, f := range t.closers {
		if err := f(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// errorContext is the coordinates of the record at hand, for messages.
func (t *Task) errorContext(stage processor.Stage, node string, r *Raw) processor.ErrorContext {
	c := processor.ErrorContext{Stage: stage, Task: t.cfg.ID, Node: node, Partition: -1, Offset: -1}
	if r != nil {
		c.Topic, c.Partition, c.Offset, c.Time = r.Topic, r.Partition, r.Offset, time.UnixMilli(r.Time)
		c.Key, c.Value, c.Headers = r.Key, r.Value, r.Headers
	}
	return c
}

func where(c processor.ErrorContext) string {
	if c.Topic == "" {
		return fmt.Sprintf("task %s, node %q", c.Task, c.Node)
	}
	return fmt.Sprintf("task %s, node %q, record %s-%d@%d", c.Task, c.Node, c.Topic, c.Partition, c.Offset)
}

// Partition is the number of the partitions that the task reads.
func (t *Task) Partition() int32 { return t.cfg.Partition }
