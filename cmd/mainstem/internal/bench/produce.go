package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// batchHook counts what leaves the client, so that a figure can say how large its batches were.
type batchHook struct{ batches, bytes atomic.Int64 }

func (h *batchHook) OnProduceBatchWritten(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.ProduceBatchMetrics) {
	h.batches.Add(1)
	h.bytes.Add(int64(m.UncompressedBytes))
}

// producer makes a client for producing.
func (c Config) producer(h *batchHook) (*kgo.Client, error) {
	opts := append([]kgo.Opt{}, c.Client...)
	opts = append(opts, kgo.DefaultProduceTopic(c.Topic), kgo.ProducerBatchMaxBytes(c.BatchBytes), kgo.MaxBufferedRecords(c.InFlight),
		kgo.ProducerLinger(0), kgo.WithHooks(h), kgo.RecordDeliveryTimeout(time.Minute),
		kgo.UnknownTopicRetries(50)) // Kafka may not know a topic for a moment after it was made
	if c.Producers == 0 && c.Rate == 0 {
		opts = append(opts, kgo.RecordPartitioner(kgo.UniformBytesPartitioner(min(1<<20, int(c.BatchBytes)), false, false, nil)))
	} else {
		opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	switch c.Codec {
	case "", "none":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.NoCompression()))
	case "lz4":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	case "snappy":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	case "zstd":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	case "gzip":
		opts = append(opts, kgo.ProducerBatchCompression(kgo.GzipCompression()))
	default:
		return nil, fmt.Errorf("unknown codec %q", c.Codec)
	}
	switch c.Acks {
	case "", "all":
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	}
	return kgo.NewClient(opts...)
}

// value is the payload: a repeating pattern, or bytes that do not compress.
func (c Config) value() []byte {
	v := make([]byte, c.Size)
	for i := range v {
		v[i] = byte('a' + i%26)
		if c.Random {
			v[i] = byte(rand.Uint32())
		}
	}
	return v
}

// key is one of the keys, at random.
func (c Config) key() []byte {
	if c.Keys == 0 {
		return nil
	}
	return strconv.AppendInt(nil, rand.Int64N(int64(c.Keys)), 10)
}

// Produce writes records: as fast as possible, by producers that wait for each acknowledgement, or at a fixed rate.
func Produce(ctx context.Context, c Config) (Result, error) {
	switch {
	case c.Rate > 0:
		return produceRate(ctx, c)
	case c.Producers > 0:
		return produceSync(ctx, c)
	}
	return produceMax(ctx, c)
}

func produceMax(ctx context.Context, c Config) (Result, error) {
	m := c.begin()
	cl, err := c.producer(&m.batches)
	if err != nil {
		return Result{}, err
	}
	defer cl.Close()
	if err := cl.Ping(ctx); err != nil {
		return Result{}, err
	}
	stop, cancel := c.bounded(ctx)
	defer cancel()
	value := c.value()
	var acked, failed atomic.Int64
	var once sync.Once
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Add(1)
			once.Do(func() { m.firstError = err })
			return
		}
		acked.Add(1)
	}
	*m = meter{cfg: c, start: time.Now(), client0: m.client0, server0: cpu(c.ServerPID)}
	for range c.Records {
		if stop.Err() != nil {
			break
		}
		cl.Produce(ctx, &kgo.Record{Key: c.key(), Value: value}, done)
	}
	if err := cl.Flush(ctx); err != nil {
		return Result{}, err
	}
	return m.end("produce", acked.Load(), acked.Load()*int64(c.Size), failed.Load()), m.firstError
}

// produceSync runs one client for each producer; each waits for an acknowledgement before the next record.
func produceSync(ctx context.Context, c Config) (Result, error) {
	m := c.begin()
	clients := make([]*kgo.Client, c.Producers)
	for i := range clients {
		cl, err := c.producer(&m.batches)
		if err != nil {
			return Result{}, err
		}
		defer cl.Close()
		if err := cl.ProduceSync(ctx, &kgo.Record{Value: c.value(), Partition: int32(i) % c.Partitions}).FirstErr(); err != nil {
			return Result{}, err // also opens the connections
		}
		clients[i] = cl
	}
	stop, cancel := c.bounded(ctx)
	defer cancel()
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	value := c.value()
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(c.Records)
	all, failed := make([][]int64, c.Producers), atomic.Int64{}
	for i, cl := range clients {
		wg.Go(func() {
			for stop.Err() == nil && left.Add(-1) >= 0 {
				sent := time.Now()
				if err := cl.ProduceSync(ctx, &kgo.Record{Value: value, Partition: int32(i) % c.Partitions}).FirstErr(); err != nil {
					failed.Add(1)
					continue
				}
				all[i] = append(all[i], int64(time.Since(sent)))
			}
		})
	}
	wg.Wait()
	n := int64(0)
	for _, l := range all {
		n += int64(len(l))
		m.latencies = append(m.latencies, l...)
	}
	return m.end("produce-sync", n, n*int64(c.Size), failed.Load()), nil
}

// produceRate sends at a fixed rate whatever comes back, and counts latency from the intended time of sending.
func produceRate(ctx context.Context, c Config) (Result, error) {
	m := c.begin()
	cl, err := c.producer(&m.batches)
	if err != nil {
		return Result{}, err
	}
	defer cl.Close()
	for p := range c.Partitions { // open the connections
		if err := cl.ProduceSync(ctx, &kgo.Record{Key: c.key(), Value: c.value(), Partition: p}).FirstErr(); err != nil {
			return Result{}, err
		}
	}
	var mu sync.Mutex // guards latencies and failed
	failed := int64(0)
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	pace(ctx, c, func(n int64, intended time.Time) {
		cl.Produce(ctx, &kgo.Record{Key: c.key(), Value: c.value(), Partition: int32(n) % c.Partitions}, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				return
			}
			m.latencies = append(m.latencies, int64(time.Since(intended)))
		})
	})
	if err := cl.Flush(ctx); err != nil {
		return Result{}, err
	}
	mu.Lock()
	defer mu.Unlock()
	n := int64(len(m.latencies))
	return m.end("produce-rate", n, n*int64(c.Size), failed), nil
}

// pace calls send at the times of the rate; when it is late it catches up at once, with the intended times.
func pace(ctx context.Context, c Config, send func(n int64, intended time.Time)) {
	start, gap := time.Now(), time.Duration(float64(time.Second)/c.Rate)
	for n := int64(0); n < c.Records && ctx.Err() == nil; n++ {
		intended := start.Add(time.Duration(n) * gap)
		if c.Duration > 0 && intended.Sub(start) >= c.Duration {
			return
		}
		if d := time.Until(intended); d > 0 {
			time.Sleep(d)
		}
		send(n, intended)
	}
}
