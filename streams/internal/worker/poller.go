package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/internal/assign"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// handle is a task as the poller knows it.
type handle struct {
	id      assign.Task
	worker  *worker
	parts   map[string][]int32
	pending atomic.Int64 // records handed over and not processed
	gen     atomic.Int64 // records of an older generation are from before a reset
	lag     map[string]*atomic.Int64
	paused  bool // by back-pressure; only the poller's
	opened  atomic.Bool
}

func (h *handle) name() string { return fmt.Sprintf("%d_%d", h.id.Group, h.id.Partition) }

// owners maps each partition to its task.
func (r *Runtime) ownerOf(topic string, partition int32) (assign.Task, bool) {
	for i, gr := range r.layout.groups {
		for _, t := range r.layout.sources(gr) {
			if t == topic {
				return assign.Task{Group: i, Partition: partition}, true
			}
		}
	}
	return assign.Task{}, false
}

// byTask sorts partitions by the tasks that they belong to.
func (r *Runtime) byTask(m map[string][]int32) map[assign.Task]map[string][]int32 {
	out := map[assign.Task]map[string][]int32{}
	for topic, ps := range m {
		for _, p := range ps {
			if t, ok := r.ownerOf(topic, p); ok {
				if out[t] == nil {
					out[t] = map[string][]int32{}
				}
				out[t][topic] = append(out[t][topic], p)
			}
		}
	}
	return out
}

// assigned opens tasks; their partitions are paused until the stores are restored.
func (r *Runtime) assigned(m map[string][]int32) {
	if len(m) == 0 {
		return
	}
	r.consumer.PauseFetchPartitions(m)
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, parts := range r.byTask(m) {
		w := r.workers[0]
		for _, c := range r.workers {
			if c.load.Load() < w.load.Load() {
				w = c
			}
		}
		h := &handle{id: id, worker: w, parts: parts, lag: map[string]*atomic.Int64{}}
		for topic := range parts {
			h.lag[topic] = &atomic.Int64{}
			h.lag[topic].Store(-1)
		}
		w.load.Add(1)
		r.tasks[id] = h
		w.send(command{open: h})
	}
}

// revoked closes tasks. With commit what they processed is committed first; without, the group has given them away already.
func (r *Runtime) revoked(m map[string][]int32, commit bool) {
	r.mu.Lock()
	var hs []*handle
	for id := range r.byTask(m) {
		if h := r.tasks[id]; h != nil {
			hs = append(hs, h)
			delete(r.tasks, id)
		}
	}
	r.mu.Unlock()
	r.closeTasks(hs, commit)
}

func (r *Runtime) closeTasks(hs []*handle, commit bool) {
	byWorker := map[*worker][]*handle{}
	for _, h := range hs {
		byWorker[h.worker] = append(byWorker[h.worker], h)
	}
	var done []chan struct{}
	for w, hs := range byWorker {
		c := command{close: hs, commit: commit, done: make(chan struct{})}
		w.send(c)
		done = append(done, c.done)
	}
	for _, d := range done {
		<-d
	}
}

// poll fetches and hands over until ctx ends.
func (r *Runtime) poll(ctx context.Context) {
	for ctx.Err() == nil {
		pctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		fetches := r.consumer.PollRecords(pctx, 10_000)
		cancel()
		r.handOver(fetches)
		r.pressure()
		r.consumer.AllowRebalance()
	}
}

func (r *Runtime) handOver(fetches kgo.Fetches) {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			r.fetchFailed(p.Topic, p.Partition, p.Err)
		}
		if len(p.Records) == 0 {
			return
		}
		id, ok := r.ownerOf(p.Topic, p.Partition)
		r.mu.Lock()
		h := r.tasks[id]
		r.mu.Unlock()
		if !ok || h == nil {
			return
		}
		last := p.Records[len(p.Records)-1]
		if l := h.lag[p.Topic]; l != nil {
			l.Store(max(0, p.HighWatermark-last.Offset-1))
		}
		h.pending.Add(int64(len(p.Records)))
		h.worker.send(command{batch: &batch{h, h.gen.Load(), p.Topic, raws(p.Records)}})
	})
}

// fetchFailed decides about an error of a fetch: what the client retries by itself is not one.
func (r *Runtime) fetchFailed(topic string, partition int32, err error) {
	var loss *kgo.ErrDataLoss
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
	case errors.As(err, &loss):
		r.cfg.Logger.Warn("the broker lost records that were not read yet", "topic", topic, "partition", partition, "error", err)
	case kerr.IsRetriable(err):
		r.cfg.Logger.Debug("fetch", "topic", topic, "partition", partition, "error", err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		r.fail(fmt.Errorf("STRM-004: source topic %q was deleted or made anew: %w; stop all instances, reset the application, start again", topic, err))
	default:
		r.fail(fmt.Errorf("read %s-%d: %w", topic, partition, err))
	}
}

// pressure pauses the partitions of tasks that have enough to do, and resumes them at half of that.
func (r *Runtime) pressure() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.tasks {
		if !h.opened.Load() {
			continue
		}
		limit := int64(r.cfg.Buffered * len(h.parts))
		switch n := h.pending.Load(); {
		case n > limit && !h.paused:
			h.paused = true
			r.consumer.PauseFetchPartitions(h.parts)
		case n <= limit/2 && h.paused:
			h.paused = false
			r.consumer.ResumeFetchPartitions(h.parts)
		}
	}
}

// batch is records of one partition for a task.
type batch struct {
	h       *handle
	gen     int64
	topic   string
	records []task.Raw
}

func raws(records []*kgo.Record) []task.Raw {
	out := make([]task.Raw, len(records))
	for i, k := range records {
		out[i] = task.Raw{Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, LeaderEpoch: k.LeaderEpoch, Time: k.Timestamp.UnixMilli(), Key: k.Key, Value: k.Value}
		for _, h := range k.Headers {
			out[i].Headers = append(out[i].Headers, processor.Header{Key: h.Key, Value: h.Value})
		}
	}
	return out
}
