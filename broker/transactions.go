package broker

import (
	"context"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/marker"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// transactionTopic is where transactional ids are.
const transactionTopic = "__transaction_state"

// transactions are the transaction coordinators of this broker and who writes their markers.
type transactions struct {
	*runtime.Runtime[txn.Event, txn.Record]
	markers *marker.Writer
	image   atomic.Pointer[metadata.Image] // whose partitions are open; set before anything is led
}

// newTransactions makes both.
func (b *Broker) newTransactions(replicas *replica.Replicas, groups *groupRuntime, layers func() *config.Broker) *transactions {
	s := b.static
	cfg := txn.Config{
		MaxTimeout: s.Milliseconds("transaction.max.timeout.ms"), Expiration: s.Milliseconds("transactional.id.expiration.ms"),
		AbortCheck:    s.Milliseconds("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
		ExpireCheck:   s.Milliseconds("transaction.remove.expired.transaction.cleanup.interval.ms"),
		MaxBatchBytes: layers().Topic(nil, 1).MaxMessageBytes,
	}
	t := &transactions{}
	t.Runtime = runtime.New(runtime.Config[txn.Event, txn.Record]{
		Topic: transactionTopic, Now: b.cfg.Now, Logger: b.logger,
		Machine: func(int32) coordinator.Machine[txn.Event, txn.Record] { return txn.New(cfg) },
		Partition: func(index int32) runtime.Partition {
			if p := replicas.Partition(transactionTopic, index); p != nil {
				return p
			}
			return nil
		},
	})
	t.markers = marker.New(marker.Config{
		Coordinators: t.Runtime, OffsetsTopic: offsetsTopic, Offsets: groups.EndTransaction,
		Partition: func(topic string, index int32) (marker.Partition, bool) {
			if p := replicas.Partition(topic, index); p != nil {
				return p, false
			}
			return nil, t.image.Load().Topic(topic).Partition(index) == nil
		},
		Now: b.cfg.Now, Logger: b.logger,
	})
	return t
}

// follow takes what the cluster is now.
func (t *transactions) follow(self int32, next *metadata.Image) {
	t.image.Store(next)
	topic := next.Topic(transactionTopic)
	leadPartitions(self, topic, t.Runtime)
	leadPartitions(self, topic, t.markers)
	t.Publish(txn.Features{TransactionVersion: next.Feature("transaction.version")})
}

// Run runs both until ctx ends: the coordinators outlive the markers that report to them.
func (t *transactions) Run(ctx context.Context) error {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1) // one value: the runtime's end
	go func() { done <- t.Runtime.Run(own) }()
	err := t.markers.Run(ctx)
	stop()
	if runtimeErr := <-done; err == nil {
		err = runtimeErr
	}
	return err
}
