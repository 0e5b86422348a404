package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Transactions runs producers with a transactional id each, one transaction after the other: begin, TxnRecords records,
// commit. A latency is a whole transaction's.
func Transactions(ctx context.Context, c Config) (Result, error) {
	m := c.begin()
	c.Producers = max(1, c.Producers)
	clients := make([]*kgo.Client, c.Producers)
	for i := range clients {
		one := c
		one.Client = append(append([]kgo.Opt{}, c.Client...), kgo.TransactionalID(fmt.Sprintf("%s-bench-%d", c.Topic, i)))
		cl, err := one.producer(&m.batches)
		if err != nil {
			return Result{}, err
		}
		defer cl.Close()
		if err := one.transaction(ctx, cl, i); err != nil { // also opens the connections
			return Result{}, err
		}
		clients[i] = cl
	}
	stop, cancel := c.bounded(ctx)
	defer cancel()
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	var wg sync.WaitGroup
	var left, failed atomic.Int64
	var once sync.Once
	left.Store(c.Records)
	all := make([][]int64, c.Producers)
	for i, cl := range clients {
		wg.Go(func() {
			for stop.Err() == nil && left.Add(-int64(c.TxnRecords)) >= 0 {
				began := time.Now()
				if err := c.transaction(ctx, cl, i); err != nil {
					failed.Add(1)
					once.Do(func() { m.firstError = err })
					continue
				}
				all[i] = append(all[i], int64(time.Since(began)))
			}
		})
	}
	wg.Wait()
	for _, l := range all {
		m.latencies = append(m.latencies, l...)
	}
	m.operations = int64(len(m.latencies))
	n := m.operations * int64(c.TxnRecords)
	if failed.Load() == 0 || m.operations > 0 {
		return m.end("txn", n, n*int64(c.Size), failed.Load()), nil
	}
	return Result{}, m.firstError
}

// transaction is one of a producer, all in one partition.
func (c Config) transaction(ctx context.Context, cl *kgo.Client, producer int) error {
	if err := cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	var failed kgo.FirstErrPromise
	for range max(1, c.TxnRecords) {
		cl.Produce(ctx, &kgo.Record{Value: c.value(), Partition: int32(producer) % c.Partitions}, failed.Promise())
	}
	if err := failed.Err(); err != nil {
		_ = cl.EndTransaction(ctx, kgo.TryAbort) // the first error is the one to tell
		return fmt.Errorf("produce in a transaction: %w", err)
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit a transaction: %w", err)
	}
	return nil
}
