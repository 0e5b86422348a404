package task

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"github.com/mainstem-io/mainstem/streams/processor"
)

// Failure is an error that stops the task. It travels to the task's edge as a panic, so that nodes need no error results.
type Failure struct {
	Context processor.ErrorContext
	Err     error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s: %v", where(f.Context), f.Context.Stage, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }

// Panicked is a panic of a user's function.
type Panicked struct {
	Value any
	At    string // file:line
}

func (p *Panicked) Error() string { return fmt.Sprintf("panic at %s: %v", p.At, p.Value) }

// Handle asks the application what becomes of an error of the record at hand. It returns when the record is skipped at this
// node, and does not return when the task is to stop.
func (t *Task) Handle(stage processor.Stage, node string, err error) {
	t.handle(stage, node, t.current, err)
}

func (t *Task) handle(stage processor.Stage, node string, r *Raw, err error) {
	c := t.errorContext(stage, node, r)
	var d processor.Decision
	if t.cfg.OnError != nil {
		d = t.cfg.OnError(c, err)
	}
	letter := d.DeadLetter
	if letter == "" {
		letter = t.cfg.DeadLetter
	}
	if letter != "" && r != nil {
		t.deadLetter(letter, c, r, err)
	}
	if d.Action == processor.Skip {
		t.Drop("skipped-error")
		return
	}
	panic(&Failure{c, err})
}

// deadLetter is the source record with its own headers and six that say what happened (KIP-1034).
func (t *Task) deadLetter(topic string, c processor.ErrorContext, r *Raw, err error) {
	root := err
	for u := errors.Unwrap(root); u != nil; u = errors.Unwrap(root) {
		root = u
	}
	h := append([]processor.Header{}, r.Headers...)
	for _, kv := range [][2]string{
		{"exception", fmt.Sprintf("%T", root)}, {"message", err.Error()}, {"stacktrace", where(c) + ": " + err.Error()},
		{"topic", r.Topic}, {"partition", strconv.Itoa(int(r.Partition))}, {"offset", strconv.FormatInt(r.Offset, 10)},
	} {
		h = append(h, processor.Header{Key: "__streams.errors." + kv[0], Value: []byte(kv[1])})
	}
	t.Produce(Out{Topic: topic, Partition: ByKey, Key: r.Key, Value: r.Value, Time: r.Time, Headers: h})
}

// Stop ends the task with an error that no policy may skip: of a store, or of the library itself.
func (t *Task) Stop(node string, err error) {
	panic(&Failure{t.errorContext(processor.Process, node, t.current), err})
}

// Catch is deferred around a call of a user's function: a panic becomes an error of the record. ok is set to false when there
// was one and the record is skipped.
func (t *Task) Catch(stage processor.Stage, node string, ok *bool) {
	v := recover()
	if v == nil {
		return
	}
	if f, ours := v.(*Failure); ours {
		panic(f)
	}
	*ok = false
	t.Handle(stage, node, &Panicked{v, panicSite()})
}

// panicSite is the line of user code that panicked: the first frame below the runtime's.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if len(f.Function) < 8 || f.Function[:8] != "runtime." {
			return f.File + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

// guarded runs f and turns a failure into an error; after one the task is done for.
func (t *Task) guarded(f func()) (err error) {
	if t.failed != nil {
		return t.failed
	}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		fail, ours := v.(*Failure)
		if !ours {
			fail = &Failure{t.errorContext(processor.Process, "", t.current), &Panicked{v, panicSite()}}
		}
		t.failed, err = fail, fail
	}()
	f()
	return nil
}

// HandleOf is Handle for a record that is not the current one: one that is decoded ahead of its turn.
func (t *Task) HandleOf(stage processor.Stage, node string, r *Raw, err error) {
	t.handle(stage, node, r, err)
}
