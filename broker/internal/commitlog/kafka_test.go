package commitlog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// kafkaDump runs Kafka's DumpLogSegments over files. KAFKA_JARS is the directory with Kafka's jars.
func kafkaDump(t *testing.T, args ...string) string {
	t.Helper()
	jars := os.Getenv("KAFKA_JARS")
	if jars == "" {
		t.Skip("KAFKA_JARS is not set: OUR FILES WERE NOT READ BY KAFKA'S DUMP TOOL")
	}
	cmd := exec.Command("java", append([]string{"-cp", filepath.Join(jars, "*"), "org.apache.kafka.tools.DumpLogSegments"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("dump: %v\n%s", err, out)
	}
	return string(out)
}

// writeSample makes a directory with several segments, codecs, producers and an aborted transaction, and shuts it down.
func writeSample(t *testing.T, dir string) (partition string) {
	t.Helper()
	cfg := testConfig(vfs.OS, dir)
	s := openStore(t, cfg)
	lc := DefaultLogConfig()
	lc.SegmentBytes, lc.IndexIntervalBytes = 6<<10, 512
	l := s.create(Partition{"sample", 3}, lc)
	for i := range 120 {
		b := record.Builder{Codec: record.Codec(i % 5)}
		for j := range 3 {
			b.Append(t0+int64(i*100+j), []byte(fmt.Sprint("k", i)), []byte(strings.Repeat("v", 100)), []record.Header{{Key: []byte("h"), Value: []byte("x")}})
		}
		batch, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		l.append(batch, AppendParams{LeaderEpoch: int32(i / 50), AppendTime: -1})
	}
	for i := range 7 {
		l.append(produced(77, 2, int32(2*i), false, "a", "b"), AppendParams{LeaderEpoch: 3})
	}
	l.append(produced(88, 0, 0, true, "doomed"), AppendParams{LeaderEpoch: 3})
	l.append(record.Marker{Type: record.Abort, ProducerID: 88, CoordinatorEpoch: 4, Timestamp: t0}.Batch(), AppendParams{Origin: FromCoordinator, LeaderEpoch: 3})
	l.append(produced(88, 0, 1, true, "open"), AppendParams{LeaderEpoch: 3})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "sample-3")
}

func TestKafkasDumpToolReadsOurFiles(t *testing.T) {
	dir := writeSample(t, t.TempDir())
	glob := func(suffix string) []string {
		names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s in %s: %v", suffix, dir, err)
		}
		return names
	}
	logs := glob(logSuffix)
	if len(logs) < 3 {
		t.Fatalf("%d segments", len(logs))
	}
	out := kafkaDump(t, "--deep-iteration", "--print-data-log", "--files", strings.Join(logs, ","))
	for _, want := range []string{"baseOffset: 0 ", "partitionLeaderEpoch: 2", "compresscodec: zstd", "endTxnMarker: ABORT coordinatorEpoch: 4", "isvalid: true", "keySize", "payload: doomed"} {
		if !strings.Contains(out, want) {
			t.Errorf("the dump lacks %q", want)
		}
	}
	if strings.Contains(out, "isvalid: false") || strings.Contains(out, "Mismatch") || strings.Contains(out, "invalid") && strings.Contains(out, "Found") {
		t.Errorf("the dump finds faults:\n%s", out)
	}
	for _, suffix := range []string{indexSuffix, timeIndexSuffix, txnIndexSuffix, snapshotSuffix} {
		args := []string{"--files", strings.Join(glob(suffix), ",")}
		if suffix == indexSuffix || suffix == timeIndexSuffix {
			args = append([]string{"--verify-index-only"}, args...)
		}
		out := kafkaDump(t, args...)
		t.Logf("%s", out)
		for _, fault := range []string{"Mismatches in", "non-consecutive", "Found", "Exception", "not the same", "Out of order", "out of order"} {
			if strings.Contains(out, fault) {
				t.Errorf("%s: %s\n%s", suffix, fault, out)
			}
		}
	}
}
