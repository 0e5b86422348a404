package commitlog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestReadersNeverSeeWhatIsNotThere reads from several goroutines while the log is appended to, rolled, truncated,
// retained and checkpointed. Every record carries the offset it was written at.
func TestReadersNeverSeeWhatIsNotThere(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	s.files.limit = 4 // so that files are closed under way
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.FileDeleteDelay, cfg.RetentionBytes = 2000, 200, 0, 6000
	l := s.create(Partition{"t", 0}, cfg)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				readOnce(t, l.Log)
			}
		})
	}
	deadline := time.Now().Add(1500 * time.Millisecond)
	for i := 0; time.Now().Before(deadline) && !t.Failed(); i++ {
		end := l.EndOffset()
		l.append(batchOf(t0, fmt.Sprint("offset ", end), fmt.Sprint("offset ", end+1)), client())
		l.SetHighWatermark(end)
		switch {
		case i%37 == 36:
			if err := l.Truncate(max(end-20, l.StartOffset())); err != nil {
				t.Fatal(err)
			}
		case i%23 == 22:
			s.retain(time.UnixMilli(t0))
			s.removeDue()
		case i%29 == 28:
			l.directory.mu.Lock()
			l.directory.rotate = true
			l.directory.mu.Unlock()
			signal(l.directory.wake)
		}
	}
	stop.Store(true)
	wg.Wait()
	if l.Unclean() {
		t.Fatal("the log is unclean")
	}
}

func readOnce(t *testing.T, l *Log) {
	for at := l.StartOffset(); ; {
		c, err := l.Read(at, l.EndOffset(), 1000, true)
		if errors.Is(err, ErrOffsetOutOfRange) || len(c.Bytes) == 0 && err == nil {
			return
		}
		if err != nil {
			t.Errorf("read at %d: %v", at, err)
			return
		}
		for rest := c.Bytes; len(rest) > 0; {
			var b record.Batch
			if b, rest, err = record.First(rest); err != nil {
				t.Error(err)
				return
			}
			it, err := b.Records(nil)
			if err != nil {
				t.Error(err)
				return
			}
			for it.Next() {
				if r := it.Record(); string(r.Value) != fmt.Sprint("offset ", r.Offset) {
					t.Errorf("offset %d holds %q", r.Offset, r.Value)
					return
				}
			}
		}
		at = c.NextOffset
		c.Release()
	}
}

func TestManyAppendersAndStopsLoseNothing(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	logs := make([]*testLog, 8)
	for i := range logs {
		logs[i] = s.create(Partition{"t", int32(i)}, DefaultLogConfig())
	}
	var wg sync.WaitGroup
	acked := make([]int64, len(logs))
	for i, l := range logs {
		wg.Go(func() {
			for {
				a, err := l.Append(batchOf(t0, "v"), client())
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				if l.await(a.LastOffset) != nil {
					return
				}
				acked[i] = a.LastOffset + 1
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s = openStore(t, testConfig(disk))
	for i := range logs {
		l := s.Log(Partition{"t", int32(i)})
		if l.EndOffset() != acked[i] || l.Unclean() {
			t.Errorf("log %d ends at %d, acknowledged were %d, unclean %v", i, l.EndOffset(), acked[i], l.Unclean())
		}
	}
}
