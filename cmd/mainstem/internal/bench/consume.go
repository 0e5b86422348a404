package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Consume reads a topic from its start to its present end.
func Consume(ctx context.Context, c Config) (Result, error) {
	ends, err := c.ends(ctx)
	if err != nil {
		return Result{}, err
	}
	left := int64(0)
	assign := map[int32]kgo.Offset{}
	for p, r := range ends {
		left += r.end - r.start
		assign[p] = kgo.NewOffset().At(r.start)
	}
	if left == 0 {
		return Result{}, fmt.Errorf("topic %s is empty: run bench produce first", c.Topic)
	}
	if c.Records > 0 {
		left = min(left, c.Records)
	}
	m := c.begin()
	cl, err := kgo.NewClient(append(append([]kgo.Opt{}, c.Client...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: assign}),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMaxBytes(50<<20), kgo.FetchMaxPartitionBytes(8<<20), kgo.DisableFetchCRCValidation())...)
	if err != nil {
		return Result{}, err
	}
	defer cl.Close()
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	stop, cancel := c.bounded(ctx)
	defer cancel()
	n, bytes := int64(0), int64(0)
	for n < left {
		f := cl.PollFetches(stop)
		if err := f.Err(); err != nil {
			if stop.Err() != nil && ctx.Err() == nil {
				break
			}
			return Result{}, err
		}
		f.EachRecord(func(r *kgo.Record) {
			n++
			bytes += int64(len(r.Value))
		})
	}
	return m.end("consume", n, bytes, 0), nil
}

// span is what a partition holds.
type span struct{ start, end int64 }

func (c Config) ends(ctx context.Context) (map[int32]span, error) {
	cl, err := kgo.NewClient(c.Client...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, c.Topic)
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, c.Topic)
	if err != nil {
		return nil, err
	}
	out := map[int32]span{}
	for p, e := range ends[c.Topic] {
		s, _ := starts.Lookup(c.Topic, p)
		if e.Err != nil {
			return nil, e.Err
		}
		out[p] = span{s.Offset, e.Offset}
	}
	return out, nil
}

// EndToEnd sends at a fixed rate and counts from the intended time of sending to the arrival at a consumer.
func EndToEnd(ctx context.Context, c Config) (Result, error) {
	if c.Rate <= 0 {
		return Result{}, fmt.Errorf("end to end needs a rate")
	}
	ends, err := c.ends(ctx)
	if err != nil {
		return Result{}, err
	}
	assign := map[int32]kgo.Offset{}
	for p, r := range ends {
		assign[p] = kgo.NewOffset().At(r.end)
	}
	m := c.begin()
	consumer, err := kgo.NewClient(append(append([]kgo.Opt{}, c.Client...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.Topic: assign}),
		kgo.FetchMaxWait(500*time.Millisecond))...)
	if err != nil {
		return Result{}, err
	}
	defer consumer.Close()
	producer, err := c.producer(&m.batches)
	if err != nil {
		return Result{}, err
	}
	defer producer.Close()
	c.Size = max(c.Size, 8)
	if err := producer.ProduceSync(ctx, &kgo.Record{Value: make([]byte, 8)}).FirstErr(); err != nil {
		return Result{}, err
	}
	return c.race(ctx, m, producer, consumer)
}

// race runs the sender and the receiver until everything sent has arrived, or a while after the last was sent.
func (c Config) race(ctx context.Context, m *meter, producer, consumer *kgo.Client) (Result, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex // guards sent, failed and finished
	sent, failed, finished := int64(0), int64(0), false
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	epoch := m.start
	var wg sync.WaitGroup
	wg.Go(func() {
		for reading.Err() == nil {
			poll, cancel := context.WithTimeout(reading, 200*time.Millisecond) // to look again whether all is here
			f := consumer.PollFetches(poll)
			cancel()
			now := time.Since(epoch)
			f.EachRecord(func(r *kgo.Record) {
				if at := int64(binary.BigEndian.Uint64(r.Value)); at > 0 {
					m.latencies = append(m.latencies, int64(now)-at)
				}
			})
			mu.Lock()
			over := finished && int64(len(m.latencies))+failed >= sent
			mu.Unlock()
			if over {
				return
			}
		}
	})
	pace(ctx, c, func(n int64, intended time.Time) {
		v := c.value()
		binary.BigEndian.PutUint64(v, uint64(max(1, intended.Sub(epoch))))
		mu.Lock()
		sent++
		mu.Unlock()
		producer.Produce(ctx, &kgo.Record{Value: v, Partition: int32(n) % c.Partitions}, func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	})
	if err := producer.Flush(ctx); err != nil {
		return Result{}, err
	}
	mu.Lock()
	finished = true
	mu.Unlock()
	late := time.AfterFunc(10*time.Second, stop)
	defer late.Stop()
	wg.Wait()
	n := int64(len(m.latencies))
	return m.end("end-to-end", n, n*int64(c.Size), sent-n), nil
}
