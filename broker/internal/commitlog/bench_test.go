package commitlog

import (
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
