package commitlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestFilesOfKafkaAreRead opens a directory that Apache Kafka 4.3.1 wrote, as it is and without its marker and indexes.
func TestFilesOfKafkaAreRead(t *testing.T) {
	for name, spoil := range map[string]string{"as it is": "", "after a crash": "/*.kafka_cleanshutdown", "without indexes": "/*/*.index", "without snapshots": "/*/*.snapshot"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/kafka-4.3.1")); err != nil {
				t.Fatal(err)
			}
			remove(t, dir, spoil)
			cfg := testConfig(vfs.OS, dir)
			cfg.ClusterID = ""
			s := openStore(t, cfg)
			if s.ClusterID() != "5ptdyznDRdegcKm_y8YBww" || len(s.Logs()) != 6 {
				t.Fatalf("cluster %s, %d logs", s.ClusterID(), len(s.Logs()))
			}
			for topic, want := range map[string]int{"rolled": 300, "aborted": 2, "window": 6, "inside": 6, "gzip": 2, "zstd": 2} {
				l := s.Log(Partition{topic, 0})
				if got := readAll(t, l, 0); len(got) != want || l.EndOffset() != int64(want) || l.Unclean() || l.LatestEpoch() != 0 {
					t.Errorf("%s: %d records, end %d, unclean %v, epoch %d", topic, len(got), l.EndOffset(), l.Unclean(), l.LatestEpoch())
				}
			}
			kafkaState(t, s)
			l := watch(t, s.Log(Partition{"rolled", 0}))
			if a := l.append(batchOf(t0, "ours"), client()); a.BaseOffset != 300 {
				t.Fatalf("our append got offset %d", a.BaseOffset)
			}
		})
	}
}

func remove(t *testing.T, dir, pattern string) {
	t.Helper()
	if pattern == "" {
		return
	}
	names, err := filepath.Glob(dir + pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	for _, n := range names {
		if err := os.Remove(n); err != nil {
			t.Fatal(err)
		}
	}
}

// kafkaState looks at what is not in the records alone.
func kafkaState(t *testing.T, s *testStore) {
	t.Helper()
	long := time.UnixMilli(t0) // before they expire
	aborted := s.Log(Partition{"aborted", 0})
	if txns, err := aborted.AbortedTxns(0, 2); err != nil || len(txns) != 1 || txns[0].FirstOffset != 0 || txns[0].LastOffset != 1 || txns[0].LastStable != 2 {
		t.Errorf("aborted transactions %+v, %v", txns, err)
	}
	if p := s.Log(Partition{"window", 0}).Producers(long); len(p) != 1 || p[0].LastSequence != 5 || p[0].TxnStartOffset != -1 {
		t.Errorf("window's producers %+v", p)
	}
	if p := s.Log(Partition{"rolled", 0}).Producers(long); len(p) != 1 || p[0].LastSequence != 299 {
		t.Errorf("rolled's producers %+v", p)
	}
	rolled := s.Log(Partition{"rolled", 0})
	top, ok, err := rolled.MaxTimestamp(300)
	if err != nil || !ok {
		t.Errorf("largest timestamp: %v, %v", top, err)
	}
	if at, ok, err := rolled.OffsetForTime(top.Timestamp, 300); err != nil || !ok || at != top {
		t.Errorf("its offset: %+v, want %+v, %v", at, top, err)
	}
	if got := readAll(t, rolled, 250); len(got) != 50 || !strings.HasPrefix(got[0], "250=value number 251") {
		t.Errorf("from 250: %.100v", got)
	}
}
