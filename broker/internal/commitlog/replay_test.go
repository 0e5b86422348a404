package commitlog

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestReplayOfAFullJournal fills the journal, kills the store and times the recovery. REPLAY_MIB=1024 is the figure of
// storage.md 4.7; the default is small.
func TestReplayOfAFullJournal(t *testing.T) {
	mib := 16
	if s := os.Getenv("REPLAY_MIB"); s != "" {
		var err error
		if mib, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, shape := range []struct{ partitions, size int }{{16, 16 << 10}, {2000, 1 << 10}} {
		dir := t.TempDir()
		cfg := testConfig(vfs.OS, dir)
		cfg.JournalFileBytes = 1 << 30
		s := openStore(t, cfg)
		logs := make([]*testLog, shape.partitions)
		for i := range logs {
			logs[i] = s.create(Partition{"t", int32(i)}, DefaultLogConfig())
		}
		value := strings.Repeat("v", shape.size-75)
		total := 0
		for i := 0; total < mib<<20; i++ {
			b := batchOf(t0, value)
			if _, err := logs[i%len(logs)].Append(b, AppendParams{}); err != nil {
				t.Fatal(err)
			}
			total += len(b)
		}
		for _, l := range logs {
			if err := l.await(l.EndOffset() - 1); err != nil {
				t.Fatal(err)
			}
		}
		s.cancelUncleanly()
		begin := time.Now()
		s2, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		t.Logf("%d MiB over %d partitions in batches of %d bytes: recovered in %v, heap in use %d MiB", mib, shape.partitions, shape.size, time.Since(begin).Round(time.Millisecond), mem.HeapInuse>>20)
		for i, l := range logs {
			if again := s2.Log(Partition{"t", int32(i)}); again.EndOffset() != l.EndOffset() || again.Unclean() {
				t.Fatalf("log %d ends at %d, want %d", i, again.EndOffset(), l.EndOffset())
			}
		}
		if err := s2.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
