package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/store/disk"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Statistics is what an instance counts.
type Statistics struct {
	Produced, Commits, Restored atomic.Int64
}

// opening is a task whose stores are restored off the processing path.
type opening struct {
	h         *handle
	gen       int64
	engine    store.Engine
	positions map[string]store.Position
	offsets   map[string]committed
	task      *task.Task
	err       error
}

// committed is a partition's committed offset.
type committed struct {
	offset int64 // -1: none
	epoch  int32
	time   int64
	times  map[string]int64
}

// startOpening opens a task that was assigned.
func (w *worker) startOpening(ctx context.Context, h *handle) {
	rt := &running{h: h}
	w.tasks[h] = rt
	w.reorder()
	w.reopen(ctx, rt)
}

// reopen restores a task's stores in the background; admit takes it up when that is done.
func (w *worker) reopen(ctx context.Context, rt *running) {
	o := &opening{h: rt.h, gen: rt.gen, positions: map[string]store.Position{}}
	w.openings.Go(func() {
		o.err = w.r.prepare(ctx, o)
		w.opened <- o
		w.send(command{}) // wakes the worker
	})
}

// prepare reads the committed offsets first, which waits for a pending transaction of the last owner, and only then asks for the
// end of the changelogs (streams.md 16.5).
func (r *Runtime) prepare(ctx context.Context, o *opening) (err error) {
	if o.offsets, err = r.fetchOffsets(ctx, o.h); err != nil {
		return taskError(o.h, "read the committed offsets", err)
	}
	if o.engine, err = r.openEngine(o.h); err != nil {
		return taskError(o.h, "open the stores", err)
	}
	// The first task's stores only take the changelogs in; those of the second start from the rows.
	loader, err := r.newTask(ctx, o.engine, o.h, o.offsets)
	if err != nil {
		return err
	}
	if err := r.restore(ctx, o, loader); err != nil {
		return taskError(o.h, "restore the stores", err)
	}
	o.task, err = r.newTask(ctx, o.engine, o.h, o.offsets)
	return err
}

func (r *Runtime) openEngine(h *handle) (store.Engine, error) {
	if r.dir.path == "" || len(r.layout.groups[h.id.Group].StoreNames(r.bp.Graph)) == 0 {
		return store.NewMemory(), nil
	}
	return disk.Open(r.dir.task(h.name()), r.cache)
}

// fetchOffsets is the stable committed offsets of a task's partitions.
func (r *Runtime) fetchOffsets(ctx context.Context, h *handle) (map[string]committed, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = r.cfg.AppID, true
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = r.cfg.AppID
	for topic, ps := range h.parts {
		t := kmsg.NewOffsetFetchRequestTopic()
		t.Topic, t.Partitions = topic, ps
		req.Topics = append(req.Topics, t)
		gt := kmsg.NewOffsetFetchRequestGroupTopic()
		gt.Topic, gt.TopicID, gt.Partitions = topic, r.layout.topicIDs[topic], ps
		g.Topics = append(g.Topics, gt)
	}
	req.Groups = append(req.Groups, g)
	ctx, cancel := context.WithTimeout(ctx, r.cfg.TaskTimeout)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		out, err := r.askOffsets(ctx, req)
		var ke *kerr.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &ke) || !ke.Retriable && !errors.Is(err, kerr.UnstableOffsetCommit) {
			return out, err
		}
		time.Sleep(wait)
	}
}

func (r *Runtime) askOffsets(ctx context.Context, req *kmsg.OffsetFetchRequest) (map[string]committed, error) {
	resp, err := req.RequestWith(ctx, r.consumer)
	if err != nil {
		return nil, err
	}
	out := map[string]committed{}
	note := func(topic string, code int16, offset int64, epoch int32, meta *string) error {
		if err := kerr.ErrorForCode(code); err != nil {
			return err
		}
		c := committed{offset: offset, epoch: epoch, time: task.None}
		if meta != nil && offset >= 0 {
			if c.time, c.times, err = task.DecodeMetadata(*meta); err != nil {
				r.cfg.Logger.Warn("the metadata of a commit is not ours: times begin anew", "topic", topic, "error", err)
			}
		}
		out[topic] = c
		return nil
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := note(t.Topic, p.ErrorCode, p.Offset, p.LeaderEpoch, p.Metadata); err != nil {
				return nil, err
			}
		}
	}
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, err
		}
		for _, t := range g.Topics {
			name := t.Topic
			if name == "" {
				name = r.topicName(t.TopicID)
			}
			for _, p := range t.Partitions {
				if err := note(name, p.ErrorCode, p.Offset, p.LeaderEpoch, p.Metadata); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

func (r *Runtime) topicName(id [16]byte) string {
	for name, have := range r.layout.topicIDs {
		if have == id {
			return name
		}
	}
	return ""
}

// admit takes up tasks whose stores are restored.
func (w *worker) admit(ctx context.Context) {
	for {
		select {
		case o := <-w.opened:
			w.admitOne(ctx, o)
		default:
			return
		}
	}
}

func (w *worker) admitOne(ctx context.Context, o *opening) {
	rt := w.tasks[o.h]
	if rt == nil || rt.gen != o.gen {
		if o.engine != nil {
			_ = o.engine.Close() // the task moved on meanwhile; nothing was written
		}
		return
	}
	if o.err == nil {
		rt.engine = o.engine
		o.err = w.bind(ctx, rt, o)
	}
	if o.err != nil {
		if ctx.Err() == nil {
			w.failed(o.err)
		}
		return
	}
	held := rt.held
	rt.held = nil
	for _, b := range held {
		w.receive(b)
	}
	o.h.opened.Store(true)
	w.r.consumer.ResumeFetchPartitions(o.h.parts)
}

// bind takes over a restored task and sets the consumer to where it goes on.
func (w *worker) bind(ctx context.Context, rt *running, o *opening) error {
	r, h := w.r, rt.h
	rt.task, rt.positions, rt.reached = o.task, o.positions, map[string]int64{}
	rt.expected = map[string]int64{}
	set := map[string]map[int32]kgo.EpochOffset{}
	for topic, c := range o.offsets {
		rt.expected[topic] = max(c.offset, 0)
		if c.offset >= 0 && rt.gen > 0 {
			set[topic] = map[int32]kgo.EpochOffset{h.id.Partition: {Epoch: c.epoch, Offset: c.offset}}
		}
	}
	if rt.gen > 0 {
		if err := r.startOffsets(ctx, h, o.offsets, set); err != nil {
			return err
		}
		r.consumer.SetOffsets(set)
	}
	return rt.task.Open()
}

// startOffsets adds the start of partitions that have no commit yet.
func (r *Runtime) startOffsets(ctx context.Context, h *handle, offsets map[string]committed, set map[string]map[int32]kgo.EpochOffset) error {
	var topics []string
	for topic, c := range offsets {
		if c.offset < 0 {
			topics = append(topics, topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	starts, err := r.adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("list the start of %v: %w", topics, err)
	}
	for _, topic := range topics {
		if o, ok := starts.Lookup(topic, h.id.Partition); ok && o.Err == nil {
			set[topic] = map[int32]kgo.EpochOffset{h.id.Partition: {Epoch: -1, Offset: o.Offset}}
		}
	}
	return nil
}

// newTask binds the operators of a task to its stores.
func (r *Runtime) newTask(ctx context.Context, engine store.Engine, h *handle, offsets map[string]committed) (*task.Task, error) {
	times, parts := map[string]int64{}, map[string]int64{}
	for topic, c := range offsets {
		if c.time != task.None {
			parts[topic] = c.time
		}
		for k, v := range c.times {
			if have, ok := times[k]; !ok || v > have {
				times[k] = v
			}
		}
	}
	t := task.New(task.Config{
		ID: h.name(), AppID: r.cfg.AppID, Partition: h.id.Partition, OnError: r.cfg.OnError, DeadLetter: r.cfg.DeadLetter,
		MaxIdle: r.cfg.MaxIdle.Milliseconds(), Timestamps: r.cfg.Timestamps, Engine: engine, Times: times, Partitions: parts,
		Now: func() int64 { return time.Now().UnixMilli() }, Globals: r.globals.stores(),
		Lag: func(topic string, _ int32) (int64, bool) {
			l := h.lag[topic]
			if l == nil || l.Load() < 0 {
				return 0, r.cfg.MaxIdle <= 0
			}
			return l.Load(), true
		},
	})
	_, err := r.bp.Bind(ctx, t, r.layout.groups[h.id.Group].Nodes, func(n *topology.Node) []string {
		var out []string
		for _, topic := range r.layout.topicsOf(n) {
			if _, ours := h.parts[topic]; ours {
				out = append(out, topic)
			}
		}
		return out
	})
	if err != nil {
		return nil, taskError(h, "bind the operators", err)
	}
	return t, nil
}
