package commitlog

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestFileLayouts holds the bytes of every file against what Kafka writes (storage.md 5.2, 5.3).
func TestFileLayouts(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	cfg := DefaultLogConfig()
	cfg.IndexIntervalBytes = 150
	l := s.create(Partition{"golden", 7}, cfg)
	for i := range 4 { // 69 bytes each; an index entry before the fourth
		l.append(batchOf(t0+int64(i), "v"), AppendParams{LeaderEpoch: int32(i / 2)})
	}
	l.append(produced(9, 3, 11, true, "a", "b"), AppendParams{LeaderEpoch: 1}) // offsets 4 and 5
	l.append(record.Marker{Type: record.Abort, ProducerID: 9, ProducerEpoch: 3, CoordinatorEpoch: 2, Timestamp: t0 + 9}.Batch(), AppendParams{Origin: FromCoordinator, LeaderEpoch: 1})
	if err := l.DeleteRecords(1); err != nil {
		t.Fatal(err)
	}
	l.SetHighWatermark(7)
	id := s.DirectoryID("/data")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		t.Helper()
		b, err := vfs.ReadFile(disk, "/data/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := func(name, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s\n got %q\nwant %q", name, got, want)
		}
	}
	hexed := func(name string) string { return hex.EncodeToString([]byte(read("golden-7/" + name))) }
	base := "00000000000000000000"
	want("index", hexed(base+indexSuffix), "00000003"+"000000cf")
	want("timeindex", hexed(base+timeIndexSuffix), fmt.Sprintf("%016x", t0+3)+"00000003"+fmt.Sprintf("%016x", t0+9)+"00000006")
	want("txnindex", hexed(base+txnIndexSuffix), "0000"+"0000000000000009"+"0000000000000004"+"0000000000000006"+"0000000000000007")
	entry := "0000000000000009" + "0003" + "0000000c" + "0000000000000005" + "00000001" + "%016x" + "00000002" + "ffffffffffffffff"
	snapshot := "00000002" + fmt.Sprintf(entry, t0) + fmt.Sprintf(entry, t0+9)
	raw, err := hex.DecodeString(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	want("snapshot", hexed("00000000000000000007"+snapshotSuffix), fmt.Sprintf("0001%08x", crc32.Checksum(raw, castagnoli))+snapshot)
	want("epochs", read("golden-7/leader-epoch-checkpoint"), "0\n2\n0 1\n1 2\n")
	want("partition.metadata", read("golden-7/partition.metadata"), "version: 0\ntopic_id: AQIDAAAAAAAAAAAAAAAAAA\n")
	want("recovery points", read("recovery-point-offset-checkpoint"), "0\n1\ngolden 7 7\n")
	want("log starts", read("log-start-offset-checkpoint"), "0\n1\ngolden 7 1\n")
	want("high watermarks", read("replication-offset-checkpoint"), "0\n1\ngolden 7 7\n")
	want("meta.properties", read("meta.properties"), "version=1\nnode.id=1\ncluster.id=cluster-0123456789abcd\ndirectory.id="+uuid(id).String()+"\n")
	want("clean shutdown", read(".kafka_cleanshutdown"), `{"version":0,"brokerEpoch":-1}`)
	if st := read("journal-state"); !strings.HasPrefix(st, "0\nring ") {
		t.Errorf("journal-state %q", st)
	}
	log := read("golden-7/" + base + logSuffix)
	if b, _, err := record.First([]byte(log)); err != nil || b.BaseOffset() != 0 || b.LeaderEpoch() != 0 || !b.CheckCRC() {
		t.Errorf("the log begins with % x: %v", log[:20], err)
	}
}

func TestNamesAreParsedStrictly(t *testing.T) {
	for name, want := range map[string]Partition{"a-0": {"a", 0}, "with-dash-12": {"with-dash", 12}, "a--1": {"a-", 1}, "a-01": {}, "a": {}, "-1": {}, "a-": {}, "a-2147483648": {}} {
		got, ok := parsePartition(name)
		if got != want && ok || ok != (want != Partition{}) {
			t.Errorf("%s: %v %v", name, got, ok)
		}
	}
	for name, ok := range map[string]bool{"00000000000000000012.log": true, "12.log": false, "0000000000000000001x.log": false, "-0000000000000000001.log": false, "00000000000000000012.index": false} {
		if _, got := parseOffsetName(name, logSuffix); got != ok {
			t.Errorf("%s: %v", name, got)
		}
	}
}
