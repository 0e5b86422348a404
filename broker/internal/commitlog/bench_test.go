package commitlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// BenchmarkAppend appends from as many goroutines as there are partitions, each waiting for its batch.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		for _, inFlight := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%dKiB/%dinflight", size>>10, inFlight), func(b *testing.B) {
				cfg := testConfig(vfs.OS, b.TempDir())
				cfg.JournalFileBytes, cfg.Now = 256<<20, nil
				s := openStore(b, cfg)
				logs := make([]*testLog, inFlight)
				for i := range logs {
					logs[i] = s.create(Partition{"bench", int32(i)}, DefaultLogConfig())
				}
				value := strings.Repeat("v", size-80)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				var n atomic.Int64
				for _, l := range logs {
					wg.Go(func() {
						batch := batchOf(t0, value)
						for n.Add(1) <= int64(b.N) {
							a, err := l.Append(batch, AppendParams{AppendTime: -1})
							if err != nil {
								b.Error(err)
								return
							}
							if err := l.await(a.LastOffset); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// BenchmarkAppendCall is the call alone: it neither waits nor syncs (flush.policy=os on a memory disk is left out too).
func BenchmarkAppendCall(b *testing.B) {
	s := openStore(b, testConfig(vfs.OS, b.TempDir()))
	cfg := DefaultLogConfig()
	cfg.FlushPolicy = FlushOS
	l := s.create(Partition{"bench", 0}, cfg)
	batch := batchOf(t0, strings.Repeat("v", 16<<10))
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(batch, AppendParams{AppendTime: -1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, chunk := range []int{16 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", chunk>>10), func(b *testing.B) {
			s := openStore(b, testConfig(vfs.OS, b.TempDir()))
			cfg := DefaultLogConfig()
			cfg.FlushPolicy = FlushOS
			l := s.create(Partition{"bench", 0}, cfg)
			batch := batchOf(t0, strings.Repeat("v", 4<<10))
			for range 8 << 10 {
				if _, err := l.Append(batch, AppendParams{AppendTime: -1}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(chunk))
			b.ReportAllocs()
			at := int64(0)
			for b.Loop() {
				c, err := l.Read(at, l.EndOffset(), chunk, true)
				if err != nil {
					b.Fatal(err)
				}
				if at = c.NextOffset; at >= l.EndOffset()-1000 {
					at = 0
				}
				c.Release()
			}
		})
	}
}

func TestAppendAndReadHardlyAllocate(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	cfg := DefaultLogConfig()
	cfg.FlushPolicy = FlushOS
	l, err := s.Create(Partition{"t", 0}, testTopic, cfg)
	if err != nil {
		t.Fatal(err)
	}
	batch := batchOf(t0, strings.Repeat("v", 1000))
	if n := testing.AllocsPerRun(500, func() {
		if _, err := l.Append(batch, AppendParams{AppendTime: -1}); err != nil {
			t.Fatal(err)
		}
	}); n > 1 { // the memory disk allocates blocks
		t.Errorf("append: %v allocations", n)
	}
	if n := testing.AllocsPerRun(500, func() {
		c, err := l.Read(100, 400, 16<<10, true)
		if err != nil || len(c.Bytes) == 0 {
			t.Fatal(err)
		}
		c.Release()
	}); n > 1 {
		t.Errorf("read: %v allocations", n)
	}
}

func TestOpeningIsQuick(t *testing.T) {
	dir := t.TempDir()
	begin := time.Now()
	s := openStore(t, testConfig(vfs.OS, dir))
	t.Logf("an empty store opens in %v", time.Since(begin))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	s = openStore(t, testConfig(vfs.OS, dir))
	t.Logf("and again in %v", time.Since(begin))
	_ = s.stop()
}

var _ = record.None

// BenchmarkClean compacts a log in which each key came four times; MB/s is of dirty log.
func BenchmarkClean(b *testing.B) {
	for _, codec := range []record.Codec{record.None, record.LZ4, record.Zstd} {
		for _, size := range []int{100, 1000} {
			b.Run(fmt.Sprintf("%v/%dB", codec, size), func(b *testing.B) { benchmarkClean(b, codec, size) })
		}
	}
}

func benchmarkClean(b *testing.B, codec record.Codec, size int) {
	const total = 128 << 20
	b.SetBytes(total)
	for range b.N {
		b.StopTimer()
		cfg := testConfig(vfs.OS, b.TempDir())
		cfg.JournalFileBytes = 64 << 20
		lc := DefaultLogConfig()
		lc.Delete, lc.Compact, lc.MinCleanableRatio, lc.SegmentBytes, lc.FlushPolicy = false, true, 0, 64<<20, FlushOS
		s := openStore(b, cfg)
		l := s.create(Partition{"bench", 0}, lc)
		n, keys := 0, total/size/4
		value := []byte(strings.Repeat("value ", size/6))
		for bytes := 0; bytes < total; {
			batch := record.Builder{Codec: codec}
			for batch.Size() < 64<<10 {
				batch.Append(t0+int64(n), fmt.Appendf(nil, "key-%d", n*7919%keys), value, nil)
				n++
			}
			bytes += batch.Size()
			built, err := batch.Build()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := l.Append(built, client()); err != nil {
				b.Fatal(err)
			}
		}
		l.SetHighWatermark(l.EndOffset())
		l.mu.Lock()
		err := l.roll(l.EndOffset(), time.UnixMilli(t0))
		l.mu.Unlock()
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(l.flush(false), l.directory.writeCheckpoints()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if s.clean(context.Background(), CleanerConfig{Threads: 1, DedupeBytes: 128 << 20, LoadFactor: 0.9, BytesPerSecond: 1e15}, time.UnixMilli(t0)) != 1 {
			b.Fatal("nothing was cleaned")
		}
		b.StopTimer()
		st := s.CleanerStats()
		b.ReportMetric(float64(st.Written)/float64(st.Read), "written/read")
		if err := s.stop(); err != nil {
			b.Fatal(err)
		}
	}
}
