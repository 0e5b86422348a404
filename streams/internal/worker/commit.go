package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
)

// point is what is committed for one partition.
type point struct {
	topic     string
	partition int32
	offset    int64
	epoch     int32
	metadata  string
}

// points is how far the worker's tasks are.
func (w *worker) points() (out []point) {
	for _, h := range w.order {
		rt := w.tasks[h]
		if rt == nil || rt.task == nil {
			continue
		}
		times := rt.task.Times()
		for _, p := range rt.task.Progress() {
			meta, fits := task.EncodeMetadata(p.PartitionTime, times)
			if !fits {
				w.r.cfg.Logger.Warn("the times of the operators do not fit into a commit; after a restart they begin at the stream time of the task", "task", h.name(), "times", len(times))
			}
			out = append(out, point{p.Topic, h.id.Partition, p.Offset, p.LeaderEpoch, meta})
		}
	}
	return out
}

// commitAll makes everything that the worker's tasks did since the last commit durable: effects, offsets, stores, in this order.
func (w *worker) commitAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.r.cfg.TaskTimeout)
	defer cancel()
	if err := w.flush(ctx); err != nil {
		return err
	}
	points := w.points()
	if w.inTxn {
		if err := w.commitTransaction(ctx, points); err != nil {
			return err
		}
	} else if len(points) > 0 {
		if err := w.commitOffsets(ctx, points); err != nil {
			return err
		}
	}
	w.r.statistic.Commits.Add(1)
	return w.commitStores(ctx, points)
}

func (w *worker) commitStores(ctx context.Context, points []point) error {
	w.inTxn, w.produced, w.txnBytes, w.lastCommit = false, 0, 0, time.Now()
	for _, h := range w.order {
		rt := w.tasks[h]
		if rt == nil || rt.task == nil {
			continue
		}
		w.mu.Lock()
		for name, next := range rt.reached {
			rt.positions[name] = store.Position{TopicID: w.r.layout.topicIDs[w.r.layout.changelog(name)], Next: next}
		}
		clear(rt.reached)
		w.mu.Unlock()
		w.sourcePositions(rt)
		if err := rt.engine.Commit(rt.positions); err != nil {
			return taskError(h, "commit the stores", err)
		}
		rt.task.Committed()
	}
	w.purge(ctx, points)
	return nil
}

// sourcePositions notes how far stores are filled whose changelog is their source topic.
func (w *worker) sourcePositions(rt *running) {
	l := w.r.layout
	for _, name := range l.groups[rt.h.id.Group].StoreNames(l.graph) {
		st := l.graph.Store(name)
		if st.Source == "" {
			continue
		}
		for _, p := range rt.task.Progress() {
			if p.Topic == l.full(st.Source) {
				rt.positions[name] = store.Position{TopicID: l.topicIDs[p.Topic], Next: p.Offset}
			}
		}
	}
}

// commitTransaction adds the offsets to the transaction and ends it. Any error leaves its outcome open.
func (w *worker) commitTransaction(ctx context.Context, points []point) error {
	if len(points) > 0 {
		if err := w.txnOffsets(ctx, points); err != nil {
			return err
		}
	}
	if err := w.producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("end the transaction: %w", err)
	}
	return nil
}

func (w *worker) txnOffsets(ctx context.Context, points []point) error {
	id, epoch, err := w.producer.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("producer id: %w", err)
	}
	txn := fmt.Sprintf("%s-%s-%d", w.r.cfg.AppID, w.r.dir.process, w.index)
	if !w.r.txnV2 {
		add := kmsg.NewPtrAddOffsetsToTxnRequest()
		add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = txn, id, epoch, w.r.cfg.AppID
		err := w.again(ctx, func() error {
			resp, err := add.RequestWith(ctx, w.producer)
			if err != nil {
				return err
			}
			return kerr.ErrorForCode(resp.ErrorCode)
		})
		if err != nil {
			return fmt.Errorf("add the group to the transaction: %w", err)
		}
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = txn, id, epoch
	req.Group = w.r.cfg.AppID
	byTopic := map[string]int{}
	for _, p := range points {
		i, ok := byTopic[p.topic]
		if !ok {
			t := kmsg.NewTxnOffsetCommitRequestTopic()
			t.Topic, t.TopicID = p.topic, w.r.layout.topicIDs[p.topic]
			i = len(req.Topics)
			byTopic[p.topic], req.Topics = i, append(req.Topics, t)
		}
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = p.partition, p.offset, p.epoch, kmsg.StringPtr(p.metadata)
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, rp)
	}
	err = w.again(ctx, func() error {
		req.MemberID, req.Generation = w.r.consumer.GroupMetadata() // a rebalance may have ended since the last attempt
		resp, err := req.RequestWith(ctx, w.producer)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit offsets in the transaction: %w", err)
	}
	return nil
}

// commitOffsets commits without a transaction, as the member that the group knows.
func (w *worker) commitOffsets(ctx context.Context, points []point) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = w.r.cfg.AppID
	byTopic := map[string]int{}
	for _, p := range points {
		i, ok := byTopic[p.topic]
		if !ok {
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic, t.TopicID = p.topic, w.r.layout.topicIDs[p.topic]
			i = len(req.Topics)
			byTopic[p.topic], req.Topics = i, append(req.Topics, t)
		}
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = p.partition, p.offset, p.epoch, kmsg.StringPtr(p.metadata)
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, rp)
	}
	err := w.again(ctx, func() error {
		req.MemberID, req.Generation = w.r.consumer.GroupMetadata() // a rebalance may have ended since the last attempt
		resp, err := req.RequestWith(ctx, w.r.consumer)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	return nil
}

// again repeats a request while the coordinator is on its way, for 10 s.
func (w *worker) again(ctx context.Context, f func() error) error {
	deadline := time.Now().Add(10 * time.Second)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		_, before := w.r.consumer.GroupMetadata()
		err := f()
		var ke *kerr.Error
		if errors.Is(err, kerr.IllegalGeneration) && w.newGeneration(ctx, before) {
			continue
		}
		if err == nil || !errors.As(err, &ke) || !ke.Retriable && !errors.Is(err, kerr.RebalanceInProgress) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(wait)
	}
}

// newGeneration waits a moment for the generation to be another: a join may have ended on the broker and its answer be on the way.
func (w *worker) newGeneration(ctx context.Context, before int32) bool {
	for range 100 {
		if _, now := w.r.consumer.GroupMetadata(); now > before {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// purge deletes what was read and committed of repartition topics, now and then.
func (w *worker) purge(ctx context.Context, points []point) {
	if w.r.cfg.PurgeInterval <= 0 || time.Since(w.purged) < w.r.cfg.PurgeInterval {
		return
	}
	w.purged = time.Now()
	del := kadm.Offsets{}
	for _, p := range points {
		for name := range w.r.layout.internal {
			if w.r.layout.full(name) == p.topic {
				del.AddOffset(p.topic, p.partition, p.offset, p.epoch)
			}
		}
	}
	if len(del) == 0 {
		return
	}
	if _, err := w.r.adm.DeleteRecords(ctx, del); err != nil {
		w.r.cfg.Logger.Debug("repartition topics are purged later", "error", err)
	}
}
