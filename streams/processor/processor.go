package processor

import (
	"context"
	"time"
)

// Processor handles the records of a stream one by one; there is one instance per task, called by one goroutine.
// It may implement Initializer and Closer.
type Processor[KIn, VIn, KOut, VOut any] interface {
	Process(c *Context[KOut, VOut], r Record[KIn, VIn]) error
}

// Initializer is a processor that wants to be told before its first record: the place to schedule punctuations.
type Initializer[KOut, VOut any] interface {
	Init(c *Context[KOut, VOut]) error
}

// Closer is a processor that holds something to be let go of when its task closes.
type Closer interface {
	Close() error
}

// TableProcessor computes the value of a table's row. It is called for deletes too, with NullValue set; null says that the row
// goes.
type TableProcessor[K, V, W any] interface {
	Process(c *Context[K, W], r Record[K, V]) (w W, null bool, err error)
}

// Clock names the time that a punctuation follows.
type Clock int

// The two clocks: stream time moves with the timestamps of records, wall-clock time by itself.
const (
	StreamTime Clock = iota
	WallClock
)

// Punctuation is a running schedule.
type Punctuation interface {
	// Cancel ends the schedule; it may be called from within the punctuation.
	Cancel()
}

// ScheduleOption changes when a punctuation is due.
type ScheduleOption func(*Schedule)

// Schedule is when a punctuation is due.
type Schedule struct {
	Interval time.Duration
	Clock    Clock
	Anchor   *time.Time
}

// AnchoredAt aligns a schedule: it is due at start + n * interval, never in the past (KIP-1146).
func AnchoredAt(start time.Time) ScheduleOption {
	return func(s *Schedule) { s.Anchor = &start }
}

// Runtime is what a context speaks to. The library implements it; a test of a processor may.
type Runtime[K, V any] interface {
	Context() context.Context
	Forward(child string, r Record[K, V])
	Schedule(s Schedule, f func(at time.Time) error) Punctuation
	RequestCommit()
	StreamTime() (time.Time, bool)
	Now() time.Time
	Source() (Source, bool)
	Store(name string) any
}

// Context is what a processor acts through. It is valid during a call of the processor or of one of its punctuations only.
type Context[K, V any] struct {
	rt Runtime[K, V]
}

// NewContext makes a context over a runtime.
func NewContext[K, V any](rt Runtime[K, V]) *Context[K, V] { return &Context[K, V]{rt: rt} }

// Context is cancelled when the task closes.
func (c *Context[K, V]) Context() context.Context { return c.rt.Context() }

// Forward hands a record to all that follow. A timestamp before 1970 is an error of the processor.
func (c *Context[K, V]) Forward(r Record[K, V]) { c.rt.Forward("", r) }

// ForwardTo hands a record to the one node of this name that follows.
func (c *Context[K, V]) ForwardTo(child string, r Record[K, V]) { c.rt.Forward(child, r) }

// Every calls f once per interval of the clock; a gap of many intervals calls it once.
//
// On stream time it is first due with the first record, and at is the stream time then; on the wall clock first after one interval.
func (c *Context[K, V]) Every(interval time.Duration, clock Clock, f func(at time.Time) error, opts ...ScheduleOption) Punctuation {
	s := Schedule{Interval: interval, Clock: clock}
	for _, o := range opts {
		o(&s)
	}
	return c.rt.Schedule(s, f)
}

// RequestCommit asks for a commit soon; it is a request only.
func (c *Context[K, V]) RequestCommit() { c.rt.RequestCommit() }

// StreamTime is the highest timestamp that the task has seen; false before the first record.
func (c *Context[K, V]) StreamTime() (time.Time, bool) { return c.rt.StreamTime() }

// Now is the wall clock, which a test moves by hand.
func (c *Context[K, V]) Now() time.Time { return c.rt.Now() }

// Source says where the record came from; false in a punctuation.
func (c *Context[K, V]) Source() (Source, bool) { return c.rt.Source() }

// StoreNamed is the task's instance of a store; handles use it.
func (c *Context[K, V]) StoreNamed(name string) any { return c.rt.Store(name) }
