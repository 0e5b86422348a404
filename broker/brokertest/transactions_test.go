package brokertest_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// TestExactlyOnceAcrossPowerLosses copies a topic in transactions, offsets and records together, while the power fails.
// A reader of what is committed sees every record once.
func TestExactlyOnceAcrossPowerLosses(t *testing.T) {
	t.Parallel()
	const records, cuts = 400, 6
	b := brokertest.Start(t, brokertest.Set("offsets.topic.num.partitions", "4"), brokertest.Set("transaction.state.log.num.partitions", "4"))
	feeder := b.Client(t, kgo.DefaultProduceTopic("in"), kgo.AllowAutoTopicCreation())
	for i := range records {
		feeder.Produce(t.Context(), kgo.StringRecord(strconv.Itoa(i)), nil)
	}
	if err := feeder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	copied := make(chan error, 1) // the copier's end
	go func() { copied <- copyAll(ctx, b, records) }()
	for cut := range cuts {
		time.Sleep(150 * time.Millisecond)
		b.PowerLoss(uint64(cut) + 1)
	}
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	reader := b.Client(t, kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	for n := 0; n < records; {
		f := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d records of %d arrived", n, records)
		}
		f.EachRecord(func(r *kgo.Record) {
			if string(r.Value) != strconv.Itoa(n) {
				t.Fatalf("record %d is %s", n, r.Value)
			}
			n++
		})
	}
	quiet, done := context.WithTimeout(ctx, 300*time.Millisecond)
	defer done()
	if f := reader.PollFetches(quiet); f.NumRecords() > 0 {
		t.Fatalf("%d records came twice", f.NumRecords())
	}
}

// copyAll runs copiers, each until it fails, until one has committed the last record.
func copyAll(ctx context.Context, b *brokertest.Broker, records int) error {
	for life := 0; ctx.Err() == nil; life++ {
		if done, _ := copyOnce(ctx, b, records, life); done {
			return nil
		}
	}
	return errors.New("not all was copied in time")
}

func copyOnce(ctx context.Context, b *brokertest.Broker, records, life int) (done bool, err error) {
	s, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(b.Addr()), kgo.Dialer(b.Dial), kgo.MetadataMinAge(10*time.Millisecond), kgo.AllowAutoTopicCreation(),
		kgo.TransactionalID("copier"), kgo.TransactionTimeout(10*time.Second), kgo.ConsumerGroup("copiers"), kgo.ConsumeTopics("in"),
		kgo.SessionTimeout(6*time.Second), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.DefaultProduceTopic("out"), kgo.FetchMaxPartitionBytes(600), kgo.FetchMaxBytes(600),
	)
	if err != nil {
		return false, err
	}
	defer s.Close()
	for n := life; ctx.Err() == nil; n++ {
		f := s.PollRecords(ctx, 15)
		if errs := f.Errors(); len(errs) > 0 {
			return false, errs[0].Err
		}
		if err := s.Begin(); err != nil {
			return false, err
		}
		last := false
		f.EachRecord(func(r *kgo.Record) {
			last = last || string(r.Value) == strconv.Itoa(records-1)
			s.Produce(ctx, kgo.SliceRecord(r.Value), nil)
		})
		time.Sleep(10 * time.Millisecond) // so that the power fails amid transactions
		commit := kgo.TransactionEndTry(n%4 != 3)
		committed, err := s.End(ctx, commit)
		if err != nil {
			return false, err
		}
		if committed && last {
			return true, nil
		}
	}
	return false, ctx.Err()
}
