package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// copyWorkerVariable, when set, makes the test binary a copy worker: "address group id protocol", see copyWorker.
const copyWorkerVariable = "E2E_COPY_WORKER"

// The topics of the copy loop and what its workers work with.
const (
	copyFrom = "copy-in"
	copyTo   = "copy-out"

	copyPartitions  = 6
	copyTxnTimeout  = 10 * time.Second
	copySession     = 6 * time.Second
	copyPollRecords = 200
)

// runCopyWorker runs the worker that the environment asks for and answers true, or false when it asks for none.
func runCopyWorker(stderr io.Writer) (code int, asked bool) {
	text := os.Getenv(copyWorkerVariable)
	if text == "" {
		return 0, false
	}
	var address, group, id, protocol string
	if _, err := fmt.Sscan(text, &address, &group, &id, &protocol); err != nil {
		fmt.Fprintf(stderr, "%s=%q: %v\n", copyWorkerVariable, text, err)
		return 2, true
	}
	if err := copyWorker(context.Background(), address, group, id, protocol); err != nil {
		fmt.Fprintf(stderr, "copy worker %s: %v\n", id, err)
		return 1, true
	}
	return 0, true
}

// copyWorker copies records in transactions until the process is killed or a transaction cannot go on: a read_committed
// consumer in a group, and a producer whose transactions carry the offsets of what it copied (KIP-98, KIP-447). Each
// record keeps its partition, so that the order of each producer's records can be checked in the copy.
func copyWorker(ctx context.Context, address, group, id, protocol string) error {
	if protocol == "consumer" {
		ctx = context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true) //nolint:revive,staticcheck // the client's own key is a string
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.WithContext(ctx), kgo.SeedBrokers(address), kgo.ClientID(id),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.RetryBackoffFn(quick), kgo.DialTimeout(2*time.Second), kgo.AlwaysRetryEOF(),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(copyFrom), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(copySession), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.TransactionalID(id), kgo.TransactionTimeout(copyTxnTimeout), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	defer session.Close()
	for {
		if err := copyOnce(ctx, session); err != nil {
			return err
		}
	}
}

// copyOnce copies what one poll answers, in one transaction. An abort is no error: the records come again.
func copyOnce(ctx context.Context, session *kgo.GroupTransactSession) error {
	fetches := session.PollRecords(ctx, copyPollRecords)
	for _, f := range fetches.Errors() {
		var lost *kgo.ErrDataLoss
		if errors.As(f.Err, &lost) || errors.Is(f.Err, kgo.ErrClientClosed) {
			return fmt.Errorf("fetch %s-%d: %w", f.Topic, f.Partition, f.Err)
		}
	}
	if fetches.NumRecords() == 0 {
		return nil
	}
	if err := session.Begin(); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	var failed kgo.FirstErrPromise
	fetches.EachRecord(func(r *kgo.Record) {
		out := &kgo.Record{Topic: copyTo, Partition: r.Partition, Key: strconv.AppendInt(nil, r.Offset, 10), Value: r.Value}
		session.Produce(ctx, out, failed.Promise())
	})
	committed, err := session.End(ctx, failed.Err() == nil)
	switch {
	case err == nil && committed, err == nil, kerr.IsRetriable(err):
		return nil
	default:
		return fmt.Errorf("end a transaction: %w", err)
	}
}
