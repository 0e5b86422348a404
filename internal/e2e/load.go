package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Topic is a topic that a load writes to.
type Topic struct {
	Name       string
	Partitions int32
	Configs    map[string]string
}

// LoadConfig says what a load does.
type LoadConfig struct {
	Address   string
	Topics    []Topic
	Producers int     // idempotent ones, acks=all; default 4
	Records   int64   // in all; 0: until it is stopped
	Rate      float64 // bursts a second and producer; default 200
	Burst     int     // at most so many records a burst; default 16
	MaxSize   int     // largest value; default 100,000 bytes
	Seed      uint64
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
}

// Load is producers at work. What they send and what is acknowledged goes to the history.
type Load struct {
	History *History

	cfg        LoadConfig
	partitions []Partition
	stop       context.CancelFunc
	producers  sync.WaitGroup
	left       atomic.Int64 // records that may still be sent, of Records
	dark       atomic.Int64 // not 0 while nothing may be acknowledged that is sent from now on
	darkAcks   atomic.Int64
	names      string
}

// CreateTopics makes topics, which must not exist.
func CreateTopics(t testing.TB, address string, topics ...Topic) {
	t.Helper()
	cl := NewClient(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, topic := range topics {
		configs := map[string]*string{}
		for k, v := range topic.Configs {
			configs[k] = &v
		}
		if _, err := kadm.NewClient(cl).CreateTopic(ctx, topic.Partitions, 1, configs, topic.Name); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			t.Fatalf("create topic %s: %v", topic.Name, err)
		}
	}
}

// NewClient makes a client that does not wait long between its tries; it is closed when the test ends.
func NewClient(t testing.TB, address string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(address), kgo.MetadataMinAge(10 * time.Millisecond), kgo.RetryBackoffFn(quick), kgo.DialTimeout(2 * time.Second), kgo.AlwaysRetryEOF(),
	}, opts...)...)
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// quick is how long a client waits before its n-th try.
func quick(n int) time.Duration {
	return min(time.Duration(n)*10*time.Millisecond, 100*time.Millisecond)
}

// StartLoad starts producers that go on through every death of the broker. Stop ends them; so does the end of the test.
func StartLoad(t testing.TB, cfg LoadConfig) *Load {
	t.Helper()
	cfg.Producers, cfg.Burst, cfg.MaxSize = cmp.Or(cfg.Producers, 4), cmp.Or(cfg.Burst, 16), cmp.Or(cfg.MaxSize, 100_000)
	cfg.Rate = cmp.Or(cfg.Rate, 200)
	ctx, stop := context.WithCancel(t.Context())
	l := &Load{History: NewHistory(), cfg: cfg, stop: stop, names: fmt.Sprintf("%x", cfg.Seed&0xffff)}
	l.left.Store(cfg.Records)
	for _, topic := range cfg.Topics {
		for i := range topic.Partitions {
			l.partitions = append(l.partitions, Partition{topic.Name, i})
		}
	}
	for n := range cfg.Producers {
		p := l.producer(t, n)
		l.producers.Go(func() { p.run(ctx) })
	}
	t.Cleanup(stop)
	return l
}

// Partitions are all that the load writes to.
func (l *Load) Partitions() []Partition { return l.partitions }

// producer is one client and its manner.
type producer struct {
	load   *Load
	name   string
	client *kgo.Client
	random *rand.Rand
	window chan struct{} // its capacity bounds the records on their way
}

// codecs and lingers go round, so that batches of all kinds meet.
var (
	codecs  = []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.GzipCompression()}
	lingers = []time.Duration{0, time.Millisecond, 5 * time.Millisecond}
	batches = []int32{1 << 20, 16 << 10, 200 << 10}
)

func (l *Load) producer(t testing.TB, n int) *producer {
	t.Helper()
	opts := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.StopProducerOnDataLossDetected(),
		kgo.ProducerBatchCompression(codecs[n%len(codecs)]), kgo.ProducerLinger(lingers[n%len(lingers)]),
		kgo.ProducerBatchMaxBytes(max(batches[n%len(batches)], int32(2*l.cfg.MaxSize))), kgo.ProduceRequestTimeout(10 * time.Second),
	}
	if l.cfg.Dial != nil {
		opts = append(opts, kgo.Dialer(l.cfg.Dial))
	}
	return &producer{
		load: l, name: fmt.Sprintf("p%d-%s", n, l.names), client: NewClient(t, l.cfg.Address, opts...),
		random: rand.New(rand.NewPCG(l.cfg.Seed, uint64(n))), window: make(chan struct{}, 300),
	}
}

// run sends bursts until ctx ends or enough was sent; then it waits for what is on its way, unless ctx ended hard.
func (p *producer) run(ctx context.Context) {
	pace := time.NewTicker(time.Duration(float64(time.Second) / p.load.cfg.Rate))
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		at := p.load.partitions[p.random.IntN(len(p.load.partitions))]
		for range 1 + p.random.IntN(p.load.cfg.Burst) {
			if p.load.cfg.Records > 0 && p.load.left.Add(-1) < 0 {
				return
			}
			select {
			case <-ctx.Done():
				return
			case p.window <- struct{}{}:
				p.send(at)
			}
		}
	}
}

// send hands one record to the client; the client's own retries are all there are.
func (p *producer) send(at Partition) {
	l := p.load
	v := l.History.Next(at, p.name)
	night := l.dark.Load()
	r := &kgo.Record{Topic: at.Topic, Partition: at.Index, Value: v.Encode(p.size())}
	p.client.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		<-p.window
		switch {
		case err != nil:
			l.History.Failed(v, err)
		default:
			if night != 0 && l.dark.Load() == night {
				l.darkAcks.Add(1)
			}
			l.History.Acked(v, r.Offset)
		}
	})
}

// size is mostly small, sometimes a few kilobytes, rarely large.
func (p *producer) size() int {
	n := 20 + p.random.IntN(300)
	switch p.random.IntN(100) {
	case 0:
		n = p.random.IntN(100_000)
	case 1, 2, 3, 4, 5, 6, 7, 8:
		n = p.random.IntN(8_000)
	}
	return min(n, p.load.cfg.MaxSize)
}

// Await waits until n more records are acknowledged; the test fails when that takes longer than d.
func (l *Load) Await(t testing.TB, n int, d time.Duration) {
	t.Helper()
	from := l.History.Count()
	if !Poll(d, func() bool { return l.History.Count() >= from+n }) {
		t.Fatalf("%d records acknowledged in %v, wanted %d; failures: %v", l.History.Count()-from, d, n, l.History.Failures())
	}
}

// Dark begins a time in which no record may be acknowledged that is sent from now on; Light ends it and answers how many
// were acknowledged all the same.
func (l *Load) Dark() { l.dark.Store(time.Now().UnixNano()) }

// Light ends what Dark began.
func (l *Load) Light() int64 {
	l.dark.Store(0)
	return l.darkAcks.Swap(0)
}

// Wait lets a load of so many records come to its end; the test fails when that takes longer than d.
func (l *Load) Wait(t testing.TB, d time.Duration) {
	t.Helper()
	if !Poll(d, func() bool { return int64(l.History.Count()+len(l.History.Failures())) >= l.cfg.Records }) {
		t.Fatalf("%d of %d records acknowledged in %v; failures: %v", l.History.Count(), l.cfg.Records, d, l.History.Failures())
	}
	l.producers.Wait()
}

// Stop ends the producers and waits, up to d, until all that they sent is acknowledged.
func (l *Load) Stop(t testing.TB, d time.Duration) {
	t.Helper()
	l.stop()
	l.producers.Wait()
	if !Poll(d, func() bool { return l.History.Settled() }) {
		t.Errorf("%d records sent, %d acknowledged %v after the load's end; failures: %v", l.History.Given(), l.History.Count(), d, l.History.Failures())
	}
}
