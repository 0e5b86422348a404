package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
)

// command is something for a worker to do: one of its fields.
type command struct {
	batch  *batch
	open   *handle
	close  []*handle
	commit bool // with close
	query  func(tasks map[*handle]*running)
	done   chan struct{}
}

// running is a task at work; only its worker touches it.
type running struct {
	h         *handle
	gen       int64
	task      *task.Task
	engine    store.Engine
	held      []*batch                  // what came while the stores were restored
	positions map[string]store.Position // changelogs, as of the last commit
	reached   map[string]int64          // by store: the next offset of its changelog, set by produce promises
	expected  map[string]int64          // by topic: records below were processed before
}

// worker runs tasks on one goroutine.
type worker struct {
	r     *Runtime
	index int
	load  atomic.Int64
	tasks map[*handle]*running
	order []*handle

	inbox struct {
		sync.Mutex
		list []command
		wake chan struct{}
	}
	opened   chan *opening
	openings sync.WaitGroup

	producer   *kgo.Client
	inTxn      bool
	produced   int64 // records since the last commit
	txnBytes   int64
	mu         sync.Mutex // over what promises write
	produceErr error
	lastCommit time.Time
	purged     time.Time // repartition topics, last
}

func newWorker(r *Runtime, i int) (*worker, error) {
	w := &worker{r: r, index: i, tasks: map[*handle]*running{}, opened: make(chan *opening, 1024), lastCommit: time.Now()}
	w.inbox.wake = make(chan struct{}, 1)
	return w, w.newProducer()
}

// send hands a command over; it never blocks.
func (w *worker) send(c command) {
	w.inbox.Lock()
	w.inbox.list = append(w.inbox.list, c)
	w.inbox.Unlock()
	select {
	case w.inbox.wake <- struct{}{}:
	default:
	}
}

func (w *worker) received() []command {
	w.inbox.Lock()
	defer w.inbox.Unlock()
	list := w.inbox.list
	w.inbox.list = nil
	return list
}

// run works until ctx ends; the tasks were closed before.
func (w *worker) run(ctx context.Context) error {
	defer w.close()
	for ctx.Err() == nil {
		for _, c := range w.received() {
			w.do(ctx, c)
		}
		w.admit(ctx)
		busy := w.work(ctx)
		w.maybeCommit(ctx)
		if !busy {
			w.idle(ctx)
		}
	}
	return nil
}

// close waits for tasks that are being opened and lets them go.
func (w *worker) close() {
	w.openings.Wait()
	for len(w.opened) > 0 {
		if o := <-w.opened; o.engine != nil {
			if err := o.engine.Close(); err != nil {
				w.r.cfg.Logger.Warn("close the stores", "task", o.h.name(), "error", err)
			}
		}
	}
	w.producer.Close()
}

// idle waits for something to do.
func (w *worker) idle(ctx context.Context) {
	wait := 20 * time.Millisecond
	if due := time.Until(w.lastCommit.Add(w.r.cfg.CommitInterval)); w.dirty() && due < wait {
		wait = max(due, time.Millisecond)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.inbox.wake:
	case o := <-w.opened:
		w.opened <- o
	case <-timer.C:
	}
}

func (w *worker) do(ctx context.Context, c command) {
	switch {
	case c.batch != nil:
		w.receive(c.batch)
	case c.open != nil:
		w.startOpening(ctx, c.open)
	case c.close != nil:
		w.closeTasks(ctx, c.close, c.commit)
	case c.query != nil:
		c.query(w.tasks)
	}
	if c.done != nil {
		close(c.done)
	}
}

// receive queues records; those of a task that was reset since are dropped, the consumer reads them again.
func (w *worker) receive(b *batch) {
	rt := w.tasks[b.h]
	switch {
	case rt == nil, b.gen != rt.gen:
		b.h.pending.Add(-int64(len(b.records)))
		return
	case rt.task == nil:
		rt.held = append(rt.held, b)
		return
	}
	records := b.records
	for len(records) > 0 && records[0].Offset < rt.expected[b.topic] {
		records = records[1:]
	}
	b.h.pending.Add(-int64(len(b.records) - len(records)))
	if len(records) > 0 {
		if err := rt.task.Enqueue(b.topic, records); err != nil {
			w.failed(err)
		}
	}
}

// work processes a slice of each task's records; false when there was nothing to do.
func (w *worker) work(ctx context.Context) (busy bool) {
	for _, h := range w.order {
		rt := w.tasks[h]
		if rt == nil || rt.task == nil {
			continue
		}
		if err := rt.task.Punctuate(); err != nil {
			w.failed(err)
			return false
		}
		for range 256 {
			did, err := rt.task.Step()
			if err != nil {
				w.failed(err)
				return false
			}
			if !did {
				break
			}
			busy = true
			h.pending.Add(-1)
		}
		if err := w.produce(ctx, rt); err != nil {
			w.recover(ctx, err)
			return true
		}
	}
	return busy
}

// failed ends the application: a task failed and its policy is to stop.
func (w *worker) failed(err error) { w.r.fail(err) }

func (w *worker) dirty() bool {
	for _, rt := range w.tasks {
		if rt.task != nil && rt.task.Dirty() {
			return true
		}
	}
	return false
}

func (w *worker) maybeCommit(ctx context.Context) {
	asked := false
	for _, rt := range w.tasks {
		asked = asked || rt.task != nil && rt.task.CommitRequested()
	}
	due := time.Since(w.lastCommit) >= w.r.cfg.CommitInterval || asked || w.txnBytes > 16<<20
	if !due {
		return
	}
	if !w.dirty() {
		w.lastCommit = time.Now()
		return
	}
	if err := w.commitAll(ctx); err != nil {
		w.recover(ctx, err)
	}
}

// closeTasks ends tasks of this worker.
func (w *worker) closeTasks(ctx context.Context, hs []*handle, commit bool) {
	if commit && w.dirty() {
		if err := w.commitAll(ctx); err != nil {
			w.r.cfg.Logger.Warn("the last commit of closing tasks failed; the next owner processes their records again", "error", err)
			w.abort(ctx)
		}
	} else if !commit {
		w.abort(ctx)
	}
	for _, h := range hs {
		rt := w.tasks[h]
		if rt == nil {
			continue
		}
		w.release(rt)
		delete(w.tasks, h)
		w.load.Add(-1)
	}
	w.reorder()
}

// release closes a task's processors and its stores, without what was not committed.
func (w *worker) release(rt *running) {
	var errs []error
	if rt.task != nil {
		errs = append(errs, rt.task.Close())
	}
	if rt.engine != nil {
		errs = append(errs, rt.engine.Rollback(), rt.engine.Close())
	}
	if err := errors.Join(errs...); err != nil {
		w.r.cfg.Logger.Warn("close task", "task", rt.h.name(), "error", err)
	}
	rt.task, rt.engine = nil, nil
}

func (w *worker) reorder() {
	w.order = w.order[:0]
	for h := range w.tasks {
		w.order = append(w.order, h)
	}
	sortHandles(w.order)
}

// recover takes all tasks of the worker back to the last commit, after an error of the broker that is not the application's.
func (w *worker) recover(ctx context.Context, err error) {
	if fatal(err) {
		w.failed(err)
		w.abort(ctx)
		return
	}
	w.r.cfg.Logger.Warn("going back to the last commit", "worker", w.index, "error", err)
	w.abort(ctx)
	for _, h := range w.order {
		rt := w.tasks[h]
		if rt == nil || rt.task == nil {
			continue
		}
		w.release(rt)
		rt.gen = h.gen.Add(1)
		rt.held = nil
		h.opened.Store(false)
		w.r.consumer.PauseFetchPartitions(h.parts)
		w.reopen(ctx, rt)
	}
}

func taskError(h *handle, what string, err error) error {
	return fmt.Errorf("task %s: %s: %w", h.name(), what, err)
}
