package commitlog

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestAFailedWriteTakesTheDirectoryOffline fails each kind of write once, sees that nothing is acknowledged any more, and
// that a start on the healed disk has all that was (P11).
func TestAFailedWriteTakesTheDirectoryOffline(t *testing.T) {
	for _, f := range []vfs.Fault{
		{Op: vfs.OpWrite, Pattern: "*.log", Err: syscall.EIO},
		{Op: vfs.OpWrite, Pattern: "*.log", Err: syscall.ENOSPC, Partial: 17},
		{Op: vfs.OpWrite, Pattern: "*.ring", Err: syscall.ENOSPC, Partial: 5},
		{Op: vfs.OpSync, Pattern: "*.ring", Err: syscall.EIO},
		{Op: vfs.OpWrite | vfs.OpSync | vfs.OpCreate | vfs.OpRename, Err: syscall.EROFS},
	} {
		t.Run(fmt.Sprint(f.Op, " ", f.Pattern, " ", f.Err), func(t *testing.T) {
			disk := vfs.NewMem()
			s := openStore(t, testConfig(disk))
			l := s.create(Partition{"t", 0}, DefaultLogConfig())
			for i := range 20 {
				l.append(batchOf(t0, fmt.Sprint("v", i)), client())
			}
			disk.Fail(f)
			a, err := l.Append(batchOf(t0, "lost"), client())
			if err == nil {
				err = l.await(a.LastOffset)
			}
			if !errors.Is(err, ErrStorage) || !errors.Is(err, f.Err) {
				t.Fatalf("append: %v", err)
			}
			disk.Heal() // nothing is retried: it stays offline
			if _, err := l.Append(batchOf(t0, "later"), client()); !errors.Is(err, ErrStorage) {
				t.Fatalf("a later append: %v", err)
			}
			if _, err := l.Read(0, 100, 100, true); !errors.Is(err, ErrStorage) {
				t.Fatalf("a later read: %v", err)
			}
			if l.Offline() == nil || s.Dirs()[0].Offline == nil {
				t.Fatal("the directory is online")
			}
			if err := <-s.done; !errors.Is(err, f.Err) {
				t.Fatalf("Run: %v", err)
			}
			s.once.Do(func() {})
			s2 := openStore(t, testConfig(disk))
			got := readAll(t, s2.Log(Partition{"t", 0}), 0)
			if len(got) < 20 || got[19] != "19=v19" || s2.Log(Partition{"t", 0}).Unclean() {
				t.Fatalf("after the restart: %v", got)
			}
		})
	}
}

func TestALackOfDescriptorsIsAnErrorAndNothingMore(t *testing.T) {
	disk := vfs.NewMem()
	cfg := DefaultLogConfig()
	cfg.SegmentBytes = 100
	s := openStore(t, testConfig(disk))
	l := s.create(Partition{"t", 0}, cfg)
	l.append(batchOf(t0, "a"), client())
	disk.Fail(vfs.Fault{Op: vfs.OpOpen | vfs.OpCreate, Err: syscall.EMFILE, Pattern: "*.log"})
	if _, err := l.Append(batchOf(t0, "needs a roll"), client()); !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("append: %v", err)
	}
	disk.Heal()
	if a := l.append(batchOf(t0, "b"), client()); a.BaseOffset != 1 {
		t.Fatalf("appended at %d", a.BaseOffset)
	}
}

func TestTheOtherDirectoryGoesOn(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk, "/a", "/b"))
	la, lb := s.create(Partition{"t", 0}, DefaultLogConfig()), s.create(Partition{"t", 1}, DefaultLogConfig())
	if la.Dir() != "/a" || lb.Dir() != "/b" {
		t.Fatalf("the logs lie in %s and %s", la.Dir(), lb.Dir())
	}
	disk.Fail(vfs.Fault{Op: vfs.OpWrite, Pattern: "/b/*/*", Err: syscall.EIO})
	if _, err := lb.Append(batchOf(t0, "x"), client()); !errors.Is(err, ErrStorage) {
		t.Fatalf("append: %v", err)
	}
	la.append(batchOf(t0, "y"), client())
	if err := s.stop(); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

// TestDamageIsNeverServed flips bits in closed and open segments of a running store and of a stopped one (P5).
func TestDamageIsNeverServed(t *testing.T) {
	for _, running := range []bool{true, false} {
		for _, name := range []string{logSuffix, indexSuffix, timeIndexSuffix, snapshotSuffix, leaderEpochFile, recoveryPointFile, logStartFile, partitionMetaFile} {
			for flip := range 8 {
				t.Run(fmt.Sprint(running, name, flip), func(t *testing.T) { damage(t, running, name, flip) })
			}
		}
	}
}

func damage(t *testing.T, running bool, suffix string, flip int) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 600, 150
	p := Partition{"t", 0}
	l := s.create(p, cfg)
	for i := range 40 {
		l.append(produced(3, 0, int32(i), false, fmt.Sprint("v", i)), AppendParams{LeaderEpoch: int32(i / 10)})
	}
	l.SetHighWatermark(40)
	want := strings.Join(readAll(t, l.Log, 0), " ")
	if !running {
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if !flipBit(t, disk, suffix, flip) {
		t.Skip("no such file while running")
	}
	if !running {
		again, err := Open(testConfig(disk))
		if err != nil {
			return // refused
		}
		defer again.Close()
		l = &testLog{Log: again.Log(p), t: t}
	}
	got, err := tryReadAll(l.Log, 0)
	if !strings.HasPrefix(want, strings.Join(got, " ")) {
		t.Fatalf("served %v", got)
	}
	whole := err == nil && len(got) == 40
	if !whole && !l.Unclean() {
		t.Fatalf("%d records, %v, and the log is not unclean", len(got), err)
	}
	if suffix != logSuffix && suffix != recoveryPointFile && !whole {
		t.Fatalf("a broken %s lost records: %d of 40, %v", suffix, len(got), err)
	}
	l.OffsetForTime(t0, 40)
	l.MaxTimestamp(40)
	if whole && suffix == snapshotSuffix {
		if st := l.Producers(time.UnixMilli(t0)); len(st) != 1 || st[0].LastSequence != 39 {
			t.Fatalf("producers %+v", st)
		}
	}
}

// flipBit flips a bit of a file with the suffix, in the partition's directory or the data directory.
func flipBit(t *testing.T, disk *vfs.Mem, suffix string, flip int) bool {
	for _, dir := range []string{"/data/t-0", "/data"} {
		entries, err := disk.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), suffix) && info.Size() > 0 {
				names = append(names, path.Join(dir, e.Name()))
			}
		}
		if len(names) == 0 {
			continue
		}
		name := names[flip*7%len(names)]
		data, err := vfs.ReadFile(disk, name)
		if err != nil {
			t.Fatal(err)
		}
		at := flip * 131 % len(data)
		f, err := disk.Open(name, vfs.ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte{data[at] ^ 1<<(flip%8)}, int64(at)); err != nil {
			t.Fatal(err)
		}
		return true
	}
	return false
}
