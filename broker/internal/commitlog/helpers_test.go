package commitlog

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

const t0 = int64(1_750_000_000_000)

var testTopic = uuid{1, 2, 3}

// testStore is a store that runs until stop or crash.
type testStore struct {
	*Store
	t      testing.TB
	cancel context.CancelFunc
	done   chan error
	once   sync.Once
	err    error
}

func testConfig(fsys vfs.FS, dirs ...string) Config {
	if len(dirs) == 0 {
		dirs = []string{"/data"}
	}
	return Config{
		FS: fsys, Dirs: dirs, NodeID: 1, ClusterID: "cluster-0123456789abcd", JournalFileBytes: 1 << 20,
		CheckpointInterval: time.Hour, RetentionInterval: time.Hour, HighWatermarkEvery: time.Hour,
		Now:    func() time.Time { return time.UnixMilli(t0) },
		Logger: slog.New(slog.DiscardHandler),
	}
}

func openStore(t testing.TB, cfg Config) *testStore {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return serve(t, s)
}

func serve(t testing.TB, s *Store) *testStore {
	ctx, cancel := context.WithCancel(context.Background())
	ts := &testStore{Store: s, t: t, cancel: cancel, done: make(chan error, 1)}
	go func() { ts.done <- s.Run(ctx) }()
	t.Cleanup(func() { ts.stop() })
	return ts
}

func (s *testStore) stop() error {
	s.once.Do(func() {
		s.cancel()
		s.err = <-s.done
	})
	return s.err
}

func (s *testStore) create(p Partition, cfg LogConfig) *testLog {
	s.t.Helper()
	l, err := s.Create(p, testTopic, cfg)
	if err != nil {
		s.t.Fatalf("create: %v", err)
	}
	return watch(s.t, l)
}

// testLog knows how to wait for durability.
type testLog struct {
	*Log
	t    testing.TB
	mu   sync.Mutex
	cond sync.Cond
	err  error
}

func watch(t testing.TB, l *Log) *testLog {
	tl := &testLog{Log: l, t: t}
	tl.cond.L = &tl.mu
	l.OnDurable(func(end int64, err error) {
		tl.mu.Lock()
		defer tl.mu.Unlock()
		if err != nil && tl.err == nil {
			tl.err = err
		}
		tl.cond.Broadcast()
	})
	return tl
}

func (l *testLog) await(offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.DurableEnd() <= offset && l.err == nil {
		l.cond.Wait()
	}
	if l.DurableEnd() > offset {
		return nil
	}
	return l.err
}

func (l *testLog) append(b record.Batch, p AppendParams) Appended {
	l.t.Helper()
	a, err := l.Append(b, p)
	if err != nil {
		l.t.Fatalf("append: %v", err)
	}
	if err := l.await(a.LastOffset); err != nil {
		l.t.Fatalf("await %d: %v", a.LastOffset, err)
	}
	return a
}

func client() AppendParams { return AppendParams{LeaderEpoch: 0, AppendTime: -1} }

func batchOf(ts int64, values ...string) record.Batch {
	b := record.Builder{}
	for _, v := range values {
		b.Append(ts, nil, []byte(v), nil)
	}
	batch, err := b.Build()
	if err != nil {
		panic(err)
	}
	return batch
}

func produced(pid int64, epoch int16, seq int32, txn bool, values ...string) record.Batch {
	b := record.Builder{Producer: record.ProducerStamp{Set: true, ID: pid, Epoch: epoch, Sequence: seq}, Transactional: txn}
	for _, v := range values {
		b.Append(t0, nil, []byte(v), nil)
	}
	batch, err := b.Build()
	if err != nil {
		panic(err)
	}
	return batch
}

// readAll answers "offset=value" for every record from offset from on.
func readAll(t testing.TB, l *Log, from int64) []string {
	t.Helper()
	out, err := tryReadAll(l, from)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryReadAll(l *Log, from int64) (out []string, err error) {
	for at := from; at < l.EndOffset(); {
		c, err := l.Read(at, l.EndOffset(), 4096, true)
		if err != nil {
			return out, err
		}
		if len(c.Bytes) == 0 {
			if at < l.EndOffset() {
				return out, fmt.Errorf("nothing at %d, and the log ends at %d", at, l.EndOffset())
			}
			break
		}
		for rest := c.Bytes; len(rest) > 0; {
			var b record.Batch
			if b, rest, err = record.First(rest); err != nil {
				return out, err
			}
			it, err := b.Records(nil)
			if err != nil {
				return out, err
			}
			for it.Next() {
				if r := it.Record(); r.Offset >= from {
					out = append(out, fmt.Sprintf("%d=%s", r.Offset, r.Value))
				}
			}
		}
		at = c.NextOffset
		c.Release()
	}
	return out, nil
}

// difference shows the first lines in which two answers differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n got %.300s\nwant %.300s", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}
