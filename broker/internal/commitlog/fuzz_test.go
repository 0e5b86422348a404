package commitlog

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// FuzzCheckpointFiles: no bytes make a parser panic, and what it takes it writes back alike.
func FuzzCheckpointFiles(f *testing.F) {
	for _, s := range []string{"0\n0\n", "0\n2\nt 0 5\nu 1 6\n", "0\n1\n3 7\n", "1\n0\n", "0\nring 4 17\n", "version=1\nnode.id=1\ncluster.id=x\ndirectory.id=AQIDAAAAAAAAAAAAAAAAAA\n", "version: 0\ntopic_id: AQIDAAAAAAAAAAAAAAAAAA\n"} {
		f.Add([]byte(s))
	}
	f.Add((&producers{}).snapshot())
	f.Fuzz(func(t *testing.T, b []byte) {
		if offsets, err := parseOffsets(b); err == nil {
			if again, err := parseOffsets(formatOffsets(offsets)); err != nil || len(again) != len(offsets) {
				t.Fatalf("offsets %v come back as %v, %v", offsets, again, err)
			}
		}
		if es, err := parseEpochs(b); err == nil {
			if again, err := parseEpochs(formatEpochs(es)); err != nil || !slices.Equal(again, es) {
				t.Fatalf("epochs %v come back as %v, %v", es, again, err)
			}
		}
		if st, err := parseJournalState(b); err == nil {
			if again, err := parseJournalState(st.format()); err != nil || again != st {
				t.Fatalf("journal-state %v comes back as %v, %v", st, again, err)
			}
		}
		if s, err := parseSnapshot(b); err == nil {
			if again, err := parseSnapshot(s.snapshot()); err != nil || len(again.byID) != len(s.byID) {
				t.Fatalf("snapshot comes back with %d producers of %d, %v", len(again.byID), len(s.byID), err)
			}
		}
		_, _ = parseMeta(b)
		_, _ = parsePartitionMeta(b)
		_, _, _ = parseDescription(b)
	})
}

// FuzzMutatedDirectory changes one place in one file of a stopped or crashed store: opening neither panics nor hangs, and
// what is served is a valid prefix of what was written, or ends at reported damage.
func FuzzMutatedDirectory(f *testing.F) {
	disks := map[bool]*vfs.Mem{true: mutable(f, true), false: mutable(f, false)}
	want := map[string]bool{}
	for i := range 30 {
		want[fmt.Sprintf("%d=v%d", i, i)] = true
	}
	for i := range uint16(24) {
		f.Add(i%2 == 0, i, i*37, []byte{byte(i)}, i%5 == 0)
	}
	f.Fuzz(func(t *testing.T, clean bool, file, at uint16, bytes []byte, cut bool) {
		disk := disks[clean].CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll})
		mutate(t, disk, int(file), int(at), bytes, cut)
		begin := time.Now()
		s, err := Open(testConfig(disk))
		if err != nil {
			return // refused
		}
		defer s.Close()
		if took := time.Since(begin); took > 5*time.Second {
			t.Fatalf("open took %v", took)
		}
		l := s.Log(Partition{"t", 0})
		if l == nil {
			return
		}
		got, err := tryReadAll(l, l.StartOffset())
		for _, r := range got {
			if !want[r] {
				t.Fatalf("served %q", r)
			}
		}
		if start := l.StartOffset(); start == 0 && (err != nil || len(got) < 30) && !l.Unclean() {
			t.Fatalf("%d of 30 records, %v, and the log is not unclean", len(got), err)
		}
		l.Producers(time.UnixMilli(t0))
		_, _, _ = l.OffsetForTime(t0, 100)
		_, _, _ = l.MaxTimestamp(100)
		_, _ = l.AbortedTxns(0, 100)
	})
}

// mutable makes a store's disk with 30 records in several segments.
func mutable(f *testing.F, clean bool) *vfs.Mem {
	disk := vfs.NewMem()
	s := openStore(f, testConfig(disk))
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 600, 150
	l := s.create(Partition{"t", 0}, cfg)
	for i := range 30 {
		l.append(produced(5, 0, int32(i), false, fmt.Sprint("v", i)), AppendParams{LeaderEpoch: int32(i / 10)})
	}
	if !clean {
		return disk.CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll})
	}
	if err := s.stop(); err != nil {
		f.Fatal(err)
	}
	return disk
}

// mutate overwrites bytes at a place of one of the data files, or cuts the file there. The journal has tests of its own.
func mutate(t *testing.T, disk *vfs.Mem, file, at int, bytes []byte, cut bool) {
	var names []string
	for _, dir := range []string{"/data/t-0", "/data"} {
		entries, err := disk.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != metaFile {
				names = append(names, path.Join(dir, e.Name()))
			}
		}
	}
	f, err := disk.Open(names[file%len(names)], vfs.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	place := int64(at) % (size + 1)
	if cut {
		err = f.Truncate(place)
	} else {
		_, err = f.WriteAt(bytes, place)
	}
	if err != nil {
		t.Fatal(err)
	}
}
