package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
	"github.com/mainstem-io/mainstem/internal/invariant"
)

func TestRaftRecordsComeBackUntilSomebodyTookThem(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	for i := range 5 {
		if err := <-s.AppendRaft([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		l.append(batchOf(t0, "v"), client())
	}
	disk = disk.CrashClone(vfs.Crash{})
	for range 2 { // a crash right after the recovery finds them again
		s2, err := Open(testConfig(disk))
		if err != nil {
			t.Fatal(err)
		}
		if got := s2.ReplayedRaft(); !bytes.Equal(bytes.Join(got, nil), []byte{0, 1, 2, 3, 4}) {
			t.Fatalf("replayed %v", got)
		}
		disk = disk.CrashClone(vfs.Crash{})
	}
	s = openStore(t, testConfig(disk))
	calls := 0
	s.OnRaftCheckpoint(func() error { calls++; return nil })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if calls == 0 {
		t.Fatal("nobody was asked to take the records over")
	}
	s = openStore(t, testConfig(disk))
	if got := s.ReplayedRaft(); len(got) != 0 {
		t.Fatalf("replayed %v", got)
	}
}

func TestRaftRecordsThatNobodyTakesAreNotReleased(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	s.OnRaftCheckpoint(func() error { return errors.New("not now") })
	if err := <-s.AppendRaft([]byte("entry")); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err == nil {
		t.Fatal("the store shut down cleanly")
	}
	s = openStore(t, testConfig(disk))
	if got := s.ReplayedRaft(); len(got) != 1 || string(got[0]) != "entry" {
		t.Fatalf("replayed %v", got)
	}
}

func TestJournalEngineChanges(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(vfs.OS, dir)
	for i, engine := range []string{"ring", "tidwall", "ring"} {
		cfg.JournalEngine = engine
		s := openStore(t, cfg)
		l := s.create(Partition{"t", 0}, DefaultLogConfig())
		l.append(batchOf(t0, fmt.Sprint(i)), client())
		if got := readAll(t, l.Log, 0); len(got) != i+1 {
			t.Fatalf("with %s: %v", engine, got)
		}
		if i == 1 { // leave the journal unreleased
			s.cancelUncleanly()
			continue
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// cancelUncleanly ends the store as if its process had been killed.
func (s *testStore) cancelUncleanly() {
	for _, d := range s.directories {
		d.fail(errors.New("killed"))
	}
	_ = s.stop()
}

func TestALostJournalIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	l.append(batchOf(t0, "v"), client())
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, testConfig(disk))
	watch(t, s.Log(Partition{"t", 0})).append(batchOf(t0, "w"), client())
	crashed := disk.CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll})
	if err := crashed.RemoveAll("/data/journal"); err != nil {
		t.Fatal(err)
	}
	var damage *journal.DamageError
	if _, err := Open(testConfig(crashed)); !errors.As(err, &damage) {
		t.Fatalf("open: %v", err)
	}
	cfg := testConfig(crashed)
	cfg.DamageAccept = true
	s2, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !s2.Log(Partition{"t", 0}).Unclean() {
		t.Fatal("the log is not unclean")
	}
}

func TestADirectoryOfAnotherNodeOrClusterIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	if err := openStore(t, testConfig(disk)).stop(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*Config){func(c *Config) { c.NodeID = 2 }, func(c *Config) { c.ClusterID = "other" }} {
		cfg := testConfig(disk)
		change(&cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), metaFile) {
			t.Errorf("open: %v", err)
		}
	}
	s := openStore(t, testConfig(disk))
	if _, err := Open(testConfig(disk)); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("a second store: %v", err)
	}
	if s.DirectoryID("/data") == [16]byte{} || s.ClusterID() != "cluster-0123456789abcd" {
		t.Errorf("directory id %v, cluster id %s", s.DirectoryID("/data"), s.ClusterID())
	}
}

func TestFlushPolicyOS(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	cfg := DefaultLogConfig()
	cfg.FlushPolicy, cfg.SegmentBytes = FlushOS, 300
	p := Partition{"t", 0}
	l := s.create(p, cfg)
	told := int64(-1)
	l.OnDurable(func(end int64, err error) { told = end })
	for i := range 10 {
		a, err := l.Append(batchOf(t0, fmt.Sprint(i)), client())
		if err != nil || told != a.LastOffset+1 || l.DurableEnd() != told {
			t.Fatalf("append: %+v, %v; told %d", a, err, told)
		}
	}
	for _, keep := range []vfs.Keep{vfs.KeepAll, vfs.KeepNothing, vfs.KeepTorn} {
		s2, err := Open(testConfig(disk.CrashClone(vfs.Crash{Data: keep, Names: vfs.KeepAll})))
		if err != nil {
			t.Fatal(err)
		}
		again, err := s2.Create(p, testTopic, cfg)
		if err != nil {
			t.Fatal(err)
		}
		got := readAll(t, again, 0)
		if keep == vfs.KeepAll && len(got) != 10 || int64(len(got)) != again.EndOffset() {
			t.Fatalf("kept %v: %v, end %d", keep, got, again.EndOffset())
		}
		if !again.Unclean() {
			t.Fatalf("kept %v: an os log is clean after a crash", keep)
		}
	}
	cfg.FlushMessages = 1
	l.SetConfig(cfg)
	if _, err := l.Append(batchOf(t0, "synced"), client()); err != nil {
		t.Fatal(err)
	}
	s2, err := Open(testConfig(disk.CrashClone(vfs.Crash{})))
	if err != nil {
		t.Fatal(err)
	}
	if end := s2.Log(p).EndOffset(); end != 11 {
		t.Fatalf("flush.messages=1 and the log ends at %d", end)
	}
	cfg = DefaultLogConfig()
	l.SetConfig(cfg) // to the journal
	a, err := l.Append(batchOf(t0, "journaled"), client())
	if err != nil {
		t.Fatal(err)
	}
	for l.DurableEnd() <= a.LastOffset {
		time.Sleep(time.Millisecond)
	}
	s2, err = Open(testConfig(disk.CrashClone(vfs.Crash{})))
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s2.Log(p), 0); len(got) != 12 {
		t.Fatalf("after the change of policy: %v", got)
	}
}

// TestAppendsWaitForCheckpoints holds up the checkpoints and sees the appends wait (storage.md 4.7).
func TestAppendsWaitForCheckpoints(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	l.append(batchOf(t0, "v"), client())
	l.directory.behind.Store(maxBehind)
	done := make(chan error, 1)
	go func() {
		_, err := l.Append(batchOf(t0, "w"), client())
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("the append did not wait: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	l.directory.mu.Lock()
	l.directory.rotate = true
	l.directory.mu.Unlock()
	signal(l.directory.wake)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestTenThousandPartitionsAreCheap(t *testing.T) {
	if testing.Short() || invariant.Enabled {
		t.Skip("takes long")
	}
	const n = 10_000
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	begin := time.Now()
	var last *testLog
	for i := range n {
		last = s.create(Partition{"t", int32(i)}, DefaultLogConfig())
		if _, err := last.Append(batchOf(t0, "v"), client()); err != nil {
			t.Fatal(err)
		}
	}
	if err := last.await(0); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d partitions made and written to in %v", n, time.Since(begin))
	s.files.mu.Lock()
	if s.files.open > maxOpenFiles+checkpointSyncs+1 {
		t.Errorf("%d files are open", s.files.open)
	}
	s.files.mu.Unlock()
	begin = time.Now()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped in %v", time.Since(begin))
	begin = time.Now()
	s = openStore(t, testConfig(disk))
	t.Logf("opened again in %v", time.Since(begin))
	if got := len(s.Logs()); got != n {
		t.Fatalf("%d logs", got)
	}
}
