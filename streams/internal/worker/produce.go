package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/internal/task"
)

// newProducer makes the worker's producer. Its transactional id is the application's, the process's and the worker's: a restarted
// process fences what it left open.
func (w *worker) newProducer() (err error) {
	cfg := w.r.cfg
	opts := []kgo.Opt{
		kgo.RecordPartitioner(partitioner{kgo.StickyKeyPartitioner(nil)}), kgo.ProducerBatchMaxBytes(1 << 20), kgo.MaxBufferedRecords(100_000),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.RecordDeliveryTimeout(cfg.TaskTimeout),
	}
	if cfg.ExactlyOnce {
		opts = append(opts, kgo.TransactionalID(fmt.Sprintf("%s-%s-%d", cfg.AppID, w.r.dir.process, w.index)), kgo.TransactionTimeout(cfg.TransactionTimeout))
	}
	if w.producer, err = kgo.NewClient(cfg.options(opts...)...); err != nil {
		return fmt.Errorf("configure the producer: %w", err)
	}
	return nil
}

// partitioner honours a partition that is set and hashes keys as Kafka does otherwise.
type partitioner struct{ byKey kgo.Partitioner }

type topicPartitioner struct{ byKey kgo.TopicPartitioner }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	return &topicPartitioner{p.byKey.ForTopic(topic)}
}

func (p *topicPartitioner) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || p.byKey.RequiresConsistency(r)
}

func (p *topicPartitioner) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return p.byKey.Partition(r, n)
}

func (p *topicPartitioner) OnNewBatch() {
	if b, ok := p.byKey.(kgo.TopicPartitionerOnNewBatch); ok {
		b.OnNewBatch()
	}
}

// produce sends a task's effects. Errors of earlier ones surface here or at the commit.
func (w *worker) produce(ctx context.Context, rt *running) error {
	outs := rt.task.Take()
	if len(outs) == 0 {
		return w.takeProduceErr()
	}
	if w.r.cfg.ExactlyOnce && !w.inTxn {
		if err := w.producer.BeginTransaction(); err != nil {
			return fmt.Errorf("begin a transaction: %w", err)
		}
		w.inTxn = true
	}
	for _, o := range outs {
		rec := &kgo.Record{Topic: o.Topic, Partition: o.Partition, Key: o.Key, Value: o.Value}
		if o.Time != task.None {
			rec.Timestamp = time.UnixMilli(o.Time)
		}
		for _, h := range o.Headers {
			rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		w.produced++
		w.txnBytes += int64(len(o.Key) + len(o.Value))
		w.r.statistic.Produced.Add(1)
		w.producer.Produce(ctx, rec, func(k *kgo.Record, err error) { w.acknowledged(rt, o.Store, k, err) })
	}
	return w.takeProduceErr()
}

func (w *worker) acknowledged(rt *running, store string, k *kgo.Record, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil && w.produceErr == nil:
		w.produceErr = fmt.Errorf("produce to %q: %w", k.Topic, err)
	case err == nil && store != "":
		rt.reached[store] = max(rt.reached[store], k.Offset+1)
	}
}

func (w *worker) takeProduceErr() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.produceErr
}

// flush sends everything and waits for the acknowledgements.
func (w *worker) flush(ctx context.Context) error {
	for _, h := range w.order {
		rt := w.tasks[h]
		if rt == nil || rt.task == nil {
			continue
		}
		if err := rt.task.Flush(); err != nil {
			return err
		}
		if err := w.produce(ctx, rt); err != nil {
			return err
		}
	}
	if err := w.producer.Flush(ctx); err != nil {
		return fmt.Errorf("flush the producer: %w", err)
	}
	return w.takeProduceErr()
}

// abort drops what was produced since the last commit: within a transaction by aborting it, otherwise by forgetting what waits.
func (w *worker) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if w.inTxn {
		err := w.producer.AbortBufferedRecords(ctx)
		if err == nil {
			err = w.producer.EndTransaction(ctx, kgo.TryAbort)
		}
		if err != nil {
			w.r.cfg.Logger.Warn("the transaction could not be aborted; a new producer fences it", "worker", w.index, "error", err)
			w.renew()
		}
		w.inTxn = false
	} else if w.takeProduceErr() != nil {
		w.renew()
	}
	w.mu.Lock()
	w.produceErr = nil
	w.mu.Unlock()
	w.produced, w.txnBytes = 0, 0
	w.lastCommit = time.Now()
}

// renew replaces a producer that is of no more use.
func (w *worker) renew() {
	w.producer.Close()
	if err := w.newProducer(); err != nil {
		w.failed(err)
	}
}

// fatal says whether an error is one that trying again cannot mend.
func fatal(err error) bool {
	var f *task.Failure
	if errors.As(err, &f) {
		return true
	}
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.UnsupportedVersion, kerr.MessageTooLarge, kerr.InvalidTopicException, kerr.PolicyViolation, kerr.SaslAuthenticationFailed, kerr.InvalidTransactionTimeout,
		kerr.UnsupportedForMessageFormat,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func sortHandles(hs []*handle) {
	slices.SortFunc(hs, func(a, b *handle) int {
		return cmp.Or(cmp.Compare(a.id.Group, b.id.Group), cmp.Compare(a.id.Partition, b.id.Partition))
	})
}
