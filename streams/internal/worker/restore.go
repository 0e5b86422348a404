package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

// replay is a changelog partition that a store is filled from.
type replay struct {
	store     string
	topic     string
	partition int32
	restorer  task.Restorer
	next, end int64
	id        [16]byte
}

// restore fills a task's stores from their changelogs, from where each store is to the last stable offset.
func (r *Runtime) restore(ctx context.Context, o *opening, loader *task.Task) error {
	todo, err := r.replays(ctx, o, loader)
	if err != nil {
		return err
	}
	began, n := time.Now(), int64(0)
	if len(todo) > 0 {
		if n, err = r.replayAll(ctx, o, todo); err != nil {
			return err
		}
	}
	if n > 0 {
		r.statistic.Restored.Add(n)
		r.cfg.Logger.Info("stores restored", "task", o.h.name(), "records", n, "took", time.Since(began).Round(time.Millisecond))
	}
	return o.engine.Commit(o.positions)
}

// replays is what has to be read: a store whose position its changelog does not have any more starts over.
func (r *Runtime) replays(ctx context.Context, o *opening, loader *task.Task) ([]*replay, error) {
	l := r.layout
	var todo []*replay
	for _, name := range l.groups[o.h.id.Group].StoreNames(l.graph) {
		st := l.graph.Store(name)
		topic := l.changelog(name)
		if st.Source != "" {
			topic = l.full(st.Source)
		} else if !st.Logged {
			continue
		}
		p := &replay{store: name, topic: topic, partition: o.h.id.Partition, restorer: loader.Restorer(name), id: l.topicIDs[topic]}
		if p.restorer == nil {
			continue
		}
		start, end, err := r.bounds(ctx, o, p, st.Source != "")
		if err != nil {
			return nil, err
		}
		p.next, p.end = start, end
		if at, ok := o.engine.Offset(name); ok {
			switch {
			case at.TopicID != p.id, at.Next < start, at.Next > end:
				r.cfg.Logger.Warn("the store starts over: its changelog does not reach back to it, or is another one", "task", o.h.name(), "store", name, "position", at.Next, "start", start, "end", end)
				if err := o.engine.Clear(name); err != nil {
					return nil, err
				}
			default:
				p.next = at.Next
			}
		}
		o.positions[name] = store.Position{TopicID: p.id, Next: p.next}
		if p.next < p.end {
			todo = append(todo, p)
		}
	}
	return todo, nil
}

// bounds is the first offset of a changelog and the one to stop at: the end, the last stable one, or for a source topic the committed
// one.
func (r *Runtime) bounds(ctx context.Context, o *opening, p *replay, source bool) (start, end int64, err error) {
	starts, err := r.adm.ListStartOffsets(ctx, p.topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list the start of %q: %w", p.topic, err)
	}
	list := r.adm.ListEndOffsets
	if r.cfg.ExactlyOnce {
		list = r.adm.ListCommittedOffsets
	}
	ends, err := list(ctx, p.topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list the end of %q: %w", p.topic, err)
	}
	s, ok := starts.Lookup(p.topic, p.partition)
	e, ok2 := ends.Lookup(p.topic, p.partition)
	if !ok || !ok2 || s.Err != nil || e.Err != nil {
		return 0, 0, fmt.Errorf("offsets of %s-%d: %w", p.topic, p.partition, errors.Join(s.Err, e.Err))
	}
	if source {
		return s.Offset, max(s.Offset, min(e.Offset, max(0, o.offsets[p.topic].offset))), nil
	}
	return s.Offset, e.Offset, nil
}

// replayAll reads changelogs with a consumer of its own until each has reached its end.
func (r *Runtime) replayAll(ctx context.Context, o *opening, todo []*replay) (n int64, err error) {
	from := map[string]map[int32]kgo.Offset{}
	byTopic := map[string]*replay{}
	for _, p := range todo {
		from[p.topic] = map[int32]kgo.Offset{p.partition: kgo.NewOffset().At(p.next)}
		byTopic[p.topic] = p
	}
	isolation := kgo.ReadUncommitted()
	if r.cfg.ExactlyOnce {
		isolation = kgo.ReadCommitted()
	}
	cl, err := kgo.NewClient(r.cfg.options(kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxWait(100*time.Millisecond))...)
	if err != nil {
		return 0, fmt.Errorf("configure the restore consumer: %w", err)
	}
	defer cl.Close()
	moved := time.Now()
	for left := len(todo); left > 0; {
		pctx, cancel := context.WithTimeout(ctx, time.Second)
		fetches := cl.PollFetches(pctx)
		cancel()
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		for _, fe := range fetches.Errors() {
			if !errors.Is(fe.Err, context.DeadlineExceeded) {
				return n, fmt.Errorf("read %s-%d: %w", fe.Topic, fe.Partition, fe.Err)
			}
		}
		got := int64(0)
		fetches.EachPartition(func(ft kgo.FetchTopicPartition) {
			p := byTopic[ft.Topic]
			for _, k := range ft.Records {
				if err == nil && p.next < p.end {
					err = p.apply(k)
					got++
				}
			}
		})
		if err != nil {
			return n, err
		}
		if n += got; got > 0 {
			moved = time.Now()
		}
		left = r.advance(o, todo, moved)
		if err := o.engine.Commit(o.positions); err != nil {
			return n, err
		}
	}
	return n, nil
}

// advance notes how far the stores are and counts those that are not at their end. A changelog that ends in records that are gone
// (compacted, or of aborted transactions) is at its end when nothing comes for a while.
func (r *Runtime) advance(o *opening, todo []*replay, moved time.Time) (left int) {
	quiet := time.Since(moved) > 3*time.Second
	for _, p := range todo {
		if quiet && p.next < p.end {
			p.next = p.end
		}
		if p.next < p.end {
			left++
		}
		o.positions[p.store] = store.Position{TopicID: p.id, Next: p.next}
	}
	return left
}

func (p *replay) apply(k *kgo.Record) error {
	if k.Offset >= p.end {
		p.next = p.end
		return nil
	}
	p.next = k.Offset + 1
	if k.Attrs.IsControl() {
		return nil
	}
	var hs []processor.Header
	for _, h := range k.Headers {
		hs = append(hs, processor.Header{Key: h.Key, Value: h.Value})
	}
	if err := p.restorer.Restore(k.Key, k.Value, k.Timestamp.UnixMilli(), hs); err != nil {
		return fmt.Errorf("apply %s-%d@%d: %w", k.Topic, k.Partition, k.Offset, err)
	}
	return nil
}
