package schemaregistry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// errStale says that an append did not land where it was expected: somebody else has written. The state is to be read and the
// decision taken again.
var errStale = errors.New("the log has moved on")

// topicLog is the _schemas topic: it is followed from its beginning, and written by one registry at a time.
type topicLog struct {
	cfg    Config
	apply  func(r store.Record) // of committed records, in the order of the log
	abort  func(r store.Record)
	logger *slog.Logger
	reader *kgo.Client
	open   map[int64][]store.Record // of transactions that are not decided, by producer; the follower's alone

	mu       sync.Mutex // guards the fields below
	position int64      // behind the last record or marker that was followed
	moved    chan struct{}

	writing sync.Mutex // one append at a time; guards writer
	writer  *kgo.Client
}

// transactionalID is the same for every registry of a topic: a new writer fences the old one.
func (l *topicLog) transactionalID() string { return "mainstem-schema-registry-" + l.cfg.Topic }

func newTopicLog(cfg Config, logger *slog.Logger, apply, abort func(store.Record)) *topicLog {
	return &topicLog{cfg: cfg, apply: apply, abort: abort, logger: logger, open: map[int64][]store.Record{}, moved: make(chan struct{})}
}

func (l *topicLog) options(more ...kgo.Opt) []kgo.Opt {
	opts := append([]kgo.Opt{kgo.SeedBrokers(l.cfg.Brokers...), kgo.ClientID("mainstem-schema-registry"), kgo.MetadataMinAge(100 * time.Millisecond)}, l.cfg.Client...)
	return append(opts, more...)
}

// ensure makes the topic, or checks that it is one that loses no schema.
func (l *topicLog) ensure(ctx context.Context) error {
	cl, err := kgo.NewClient(l.options()...)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	compact := "compact"
	if _, err := adm.CreateTopic(ctx, 1, l.cfg.ReplicationFactor, map[string]*string{"cleanup.policy": &compact}, l.cfg.Topic); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("make topic %s: %w", l.cfg.Topic, err)
	}
	topics, err := adm.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return fmt.Errorf("look at topic %s: %w", l.cfg.Topic, err)
	}
	if n := len(topics[l.cfg.Topic].Partitions); n != 1 {
		return fmt.Errorf("topic %s has %d partitions; a registry's has one: choose another topic, or make it anew", l.cfg.Topic, n)
	}
	configs, err := adm.DescribeTopicConfigs(ctx, l.cfg.Topic)
	if err != nil {
		return fmt.Errorf("look at topic %s: %w", l.cfg.Topic, err)
	}
	for _, c := range configs {
		for _, entry := range c.Configs {
			if entry.Key == "cleanup.policy" && entry.MaybeValue() != "compact" {
				return fmt.Errorf("topic %s has cleanup.policy=%s: schemas would be lost; set it to compact", l.cfg.Topic, entry.MaybeValue())
			}
		}
	}
	return nil
}

// start makes the client that follows the topic; follow ends it.
func (l *topicLog) start() (err error) {
	l.reader, err = kgo.NewClient(l.options(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.cfg.Topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(500*time.Millisecond),
	)...)
	return err
}

// follow reads the topic until ctx ends.
func (l *topicLog) follow(ctx context.Context) error {
	defer l.reader.Close()
	for {
		fetches := l.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range fetches.Errors() {
			l.logger.Warn("the schemas topic could not be read; it is tried again", "topic", e.Topic, "error", e.Err)
		}
		end := int64(0)
		fetches.EachRecord(func(r *kgo.Record) {
			l.take(r)
			end = r.Offset + 1 // of the one partition there is
		})
		l.advance(end)
	}
}

// take applies a record, keeps it until its transaction is decided, or decides one.
func (l *topicLog) take(r *kgo.Record) {
	rec := store.Record{Key: r.Key, Value: r.Value}
	switch {
	case r.Attrs.IsControl():
		decided := l.open[r.ProducerID]
		delete(l.open, r.ProducerID)
		do := l.abort
		if len(r.Key) >= 4 && r.Key[3] == 1 { // version, then type: 0 abort, 1 commit
			do = l.apply
		}
		for _, d := range decided {
			do(d)
		}
	case r.Attrs.IsTransactional():
		l.open[r.ProducerID] = append(l.open[r.ProducerID], rec)
	default:
		l.apply(rec)
	}
}

func (l *topicLog) advance(to int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to > l.position {
		l.position = to
		close(l.moved)
		l.moved = make(chan struct{})
	}
}

// await waits until everything below an offset was followed.
func (l *topicLog) await(ctx context.Context, offset int64) error {
	for {
		l.mu.Lock()
		at, moved := l.position, l.moved
		l.mu.Unlock()
		if at >= offset {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("read %s up to offset %d, at %d: %w", l.cfg.Topic, offset, at, ctx.Err())
		}
	}
}

func (l *topicLog) at() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position
}

// catchUp follows the log to where it ends now.
func (l *topicLog) catchUp(ctx context.Context, cl *kgo.Client) error {
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, l.cfg.Topic)
	if err != nil {
		return fmt.Errorf("ask where %s ends: %w", l.cfg.Topic, err)
	}
	end, ok := ends.Lookup(l.cfg.Topic, 0)
	if !ok || end.Err != nil {
		return fmt.Errorf("ask where %s ends: %w", l.cfg.Topic, end.Err)
	}
	return l.await(ctx, end.Offset)
}

// lead makes this registry the writer: older ones are fenced, the log is read to its end, and a NOOP that lands there shows that
// nobody else writes. The caller holds writing.
func (l *topicLog) lead(ctx context.Context) error {
	if l.writer != nil {
		return nil
	}
	w, err := kgo.NewClient(l.options(
		kgo.TransactionalID(l.transactionalID()), kgo.DefaultProduceTopic(l.cfg.Topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.TransactionTimeout(10*time.Second), kgo.RecordDeliveryTimeout(10*time.Second),
	)...)
	if err != nil {
		return err
	}
	for range 5 {
		if err = l.tryLead(ctx, w); !errors.Is(err, errStale) {
			break
		}
	}
	if err != nil {
		w.Close()
		return fmt.Errorf("become the writer of %s: %w", l.cfg.Topic, err)
	}
	l.writer = w
	return nil
}

func (l *topicLog) tryLead(ctx context.Context, w *kgo.Client) error {
	if _, _, err := w.ProducerID(ctx); err != nil { // InitProducerId: fences, and aborts what was open
		return err
	}
	if err := l.catchUp(ctx, w); err != nil {
		return err
	}
	return l.write(ctx, w, []store.Record{store.Noop()})
}

// append writes records as one transaction at the end of what was followed, and answers when they were applied. With
// errStale nothing was written, or it is not known, and this registry writes no more until it leads again.
func (l *topicLog) append(ctx context.Context, records []store.Record) error {
	err := l.write(ctx, l.writer, records)
	if err != nil {
		l.writer.Close()
		l.writer = nil
	}
	return err
}

func (l *topicLog) write(ctx context.Context, w *kgo.Client, records []store.Record) error {
	expected := l.at()
	if err := w.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	var out []*kgo.Record
	for _, r := range records {
		out = append(out, &kgo.Record{Key: r.Key, Value: r.Value})
	}
	results := w.ProduceSync(ctx, out...)
	if err := results.FirstErr(); err != nil {
		return fmt.Errorf("%w: write to %s: %w", errStale, l.cfg.Topic, err)
	}
	if at := results[0].Record.Offset; at != expected { // the open transaction is aborted by who leads next
		return fmt.Errorf("%w: offset %d was expected and is %d", errStale, expected, at)
	}
	if err := w.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("%w: commit to %s: %w", errStale, l.cfg.Topic, err)
	}
	return l.await(ctx, results[len(results)-1].Record.Offset+2) // the marker is one
}

func (l *topicLog) close() {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.writer != nil {
		l.writer.Close()
		l.writer = nil
	}
}
