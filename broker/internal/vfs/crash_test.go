package vfs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestAPowerLossForgetsWhatWasNotSynced(t *testing.T) {
	disk := vfs.NewMem()
	must(t, vfs.MkdirAllSync(disk, "/d"))
	f := open(t, disk, "/d/f", vfs.ReadWrite|vfs.Create)
	_, err := f.WriteAt([]byte("synced"), 0)
	must(t, err)
	must(t, f.Sync())
	if got := names(t, disk.CrashClone(vfs.Crash{}), "/d"); got != "" {
		t.Errorf("a file whose name was not synced: %s", got)
	}
	must(t, disk.SyncDir("/d"))
	_, err = f.WriteAt([]byte("lost!!, all of it"), 0)
	must(t, err)
	write(t, disk, "/d/g", "never")
	must(t, disk.Rename("/d/f", "/d/renamed"))

	after := disk.CrashClone(vfs.Crash{})
	if got := names(t, after, "/d"); got != "f" {
		t.Errorf("names %s", got)
	}
	if got := read(t, after, "/d/f"); got != "synced" {
		t.Errorf("data %q", got)
	}
	// Names without data: what a file system does that orders only its own journal.
	after = disk.CrashClone(vfs.Crash{Names: vfs.KeepAll})
	if got := names(t, after, "/d") + " " + read(t, after, "/d/renamed") + read(t, after, "/d/g"); got != "g renamed synced" {
		t.Errorf("with names kept: %q", got)
	}
	after = disk.CrashClone(vfs.Crash{Names: vfs.KeepAll, Data: vfs.KeepAll})
	if got := read(t, after, "/d/renamed") + read(t, after, "/d/g"); got != "lost!!, all of itnever" {
		t.Errorf("with everything kept: %q", got)
	}
	if got := read(t, disk, "/d/renamed"); got != "lost!!, all of it" {
		t.Errorf("the living disk changed: %q", got)
	}
}

func TestARenameIsAtomic(t *testing.T) {
	disk := vfs.NewMem()
	must(t, vfs.MkdirAllSync(disk, "/a"))
	must(t, vfs.MkdirAllSync(disk, "/b"))
	write(t, disk, "/a/f", "")
	must(t, disk.SyncDir("/a"))
	must(t, disk.Rename("/a/f", "/b/f"))
	for seed := range uint64(50) {
		after := disk.CrashClone(vfs.Crash{Seed: seed, Names: vfs.KeepRandom})
		if got := names(t, after, "/a") + names(t, after, "/b"); got != "f" {
			t.Fatalf("seed %d: %q", seed, got)
		}
	}
	must(t, disk.SyncDir("/b"))
	after := disk.CrashClone(vfs.Crash{})
	if got := names(t, after, "/a") + "|" + names(t, after, "/b"); got != "|f" {
		t.Errorf("after syncing one of the directories: %q", got)
	}
}

// history is a random run on one file, with the two contents that the disk should remember.
type history struct {
	rng           *rand.Rand
	live, durable []byte
}

func (h *history) step(t *testing.T, f vfs.File) {
	const most = 200_000
	switch h.rng.IntN(10) {
	case 0:
		must(t, f.Sync())
		h.durable = bytes.Clone(h.live)
	case 1:
		size := h.rng.IntN(most)
		must(t, f.Truncate(int64(size)))
		h.live = resized(h.live, size)
	default:
		at := len(h.live)
		if h.rng.IntN(3) == 0 {
			at = h.rng.IntN(most)
		}
		p := make([]byte, h.rng.IntN(most/10))
		for i := range p {
			p[i] = byte(h.rng.Uint32())
		}
		_, err := f.WriteAt(p, int64(at))
		must(t, err)
		h.live = resized(h.live, max(len(h.live), at+len(p)))
		copy(h.live[at:], p)
	}
}

func resized(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-len(b))...)
}

// byteAt answers byte i of a file, which has zeros behind its end.
func byteAt(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func TestRandomHistoriesAgreeWithTwoSlices(t *testing.T) {
	for seed := range uint64(20) {
		disk := vfs.NewMem()
		f := open(t, disk, "/f", vfs.ReadWrite|vfs.Create)
		must(t, disk.SyncDir("/"))
		h := &history{rng: rand.New(rand.NewPCG(seed, 1))}
		for range 10 {
			for range 1 + h.rng.IntN(6) {
				h.step(t, f)
			}
			h.check(t, disk, seed)
		}
	}
}

func (h *history) check(t *testing.T, disk *vfs.Mem, seed uint64) {
	t.Helper()
	if got := read(t, disk, "/f"); got != string(h.live) {
		t.Fatalf("seed %d: the living file differs: %d bytes, want %d", seed, len(got), len(h.live))
	}
	for keep, want := range map[vfs.Keep][]byte{vfs.KeepNothing: h.durable, vfs.KeepAll: h.live} {
		if got := read(t, disk.CrashClone(vfs.Crash{Data: keep}), "/f"); got != string(want) {
			t.Fatalf("seed %d, keep %d: %d bytes, want %d", seed, keep, len(got), len(want))
		}
	}
	for _, keep := range []vfs.Keep{vfs.KeepTorn, vfs.KeepSectors, vfs.KeepRandom} {
		crash := vfs.Crash{Seed: h.rng.Uint64(), Data: keep}
		got := read(t, disk.CrashClone(crash), "/f")
		if got != read(t, disk.CrashClone(crash), "/f") {
			t.Fatalf("seed %d, keep %d: the same crash twice differs", seed, keep)
		}
		if n := len(got); n < min(len(h.live), len(h.durable)) || n > max(len(h.live), len(h.durable)) {
			t.Fatalf("seed %d, keep %d: size %d, with %d durable and %d written", seed, keep, n, len(h.durable), len(h.live))
		}
		for i := range got {
			if got[i] != byteAt(h.live, i) && got[i] != byteAt(h.durable, i) && got[i] != 0 {
				t.Fatalf("seed %d, keep %d: byte %d was never written", seed, keep, i)
			}
		}
	}
}

func TestATornWriteIsCutAtAnyByte(t *testing.T) {
	disk := vfs.NewMem()
	f := open(t, disk, "/f", vfs.ReadWrite|vfs.Create)
	must(t, disk.SyncDir("/"))
	_, err := f.WriteAt(bytes.Repeat([]byte("a"), 1000), 0)
	must(t, err)
	must(t, f.Sync())
	_, err = f.WriteAt(bytes.Repeat([]byte("b"), 100), 500)
	must(t, err)
	cuts := map[int]bool{}
	for seed := range uint64(2000) {
		got := read(t, disk.CrashClone(vfs.Crash{Seed: seed, Data: vfs.KeepTorn}), "/f")
		n := bytes.Count([]byte(got), []byte("b"))
		want := bytes.Repeat([]byte("a"), 1000)
		copy(want[500:], bytes.Repeat([]byte("b"), n))
		if got != string(want) {
			t.Fatalf("seed %d: not a write cut once", seed)
		}
		cuts[n] = true
	}
	if len(cuts) < 95 {
		t.Errorf("only %d of 101 cuts were seen", len(cuts))
	}
}

func TestReplacingASmallFileIsAtomicAtEveryOperation(t *testing.T) {
	for at := 1; ; at++ {
		disk := vfs.NewMem()
		must(t, vfs.MkdirAllSync(disk, "/d"))
		must(t, vfs.WriteFileAtomic(disk, "/d/f", []byte("old bytes")))
		var after []*vfs.Mem
		ops := 0
		disk.OnOp(func(op vfs.Op, name string) {
			if ops++; ops != at {
				return
			}
			for seed := range uint64(20) {
				after = append(after, disk.CrashClone(vfs.Crash{Seed: seed, Data: vfs.KeepRandom, Names: vfs.KeepRandom}))
			}
		})
		must(t, vfs.WriteFileAtomic(disk, "/d/f", []byte("new")))
		if after == nil {
			break // no such operation: all were tried
		}
		for _, disk := range after {
			if got := read(t, disk, "/d/f"); got != "old bytes" && got != "new" {
				t.Fatalf("crash before operation %d: %q", at, got)
			}
		}
		if got := read(t, disk.CrashClone(vfs.Crash{}), "/d/f"); got != "new" {
			t.Fatalf("after it returned: %q", got)
		}
	}
}

func TestTheMemoryDiskIsUsedByManyAtOnce(t *testing.T) {
	disk := vfs.NewMem()
	var done sync.WaitGroup
	for i := range 4 {
		done.Go(func() {
			name := fmt.Sprintf("/f%d", i%2) // two goroutines for each file
			f, err := disk.Open(name, vfs.ReadWrite|vfs.Create)
			if err != nil {
				t.Error(err)
				return
			}
			buf := bytes.Repeat([]byte{byte(i)}, 3000)
			for n := range 200 {
				if _, err := f.WriteAt(buf, int64(n*3000)); err != nil {
					t.Error(err)
				}
				_, _ = f.ReadAt(buf, 0)
				switch n % 20 {
				case 3:
					_ = f.Sync()
				case 7:
					_ = disk.SyncDir("/")
				case 9:
					clone := disk.CrashClone(vfs.Crash{Seed: uint64(n), Data: vfs.KeepRandom, Names: vfs.KeepRandom})
					_, _ = vfs.ReadFile(clone, name)
				}
			}
		})
	}
	done.Wait()
}

// TestRemovedTreesAreNotRemembered guards the memory of a long run: nobody syncs a directory that is gone.
func TestRemovedTreesAreNotRemembered(t *testing.T) {
	disk := vfs.NewMem()
	for i := range 2000 {
		dir := fmt.Sprintf("/topic-%d", i)
		must(t, disk.MkdirAll(filepath.Join(dir, "deeper")))
		write(t, disk, filepath.Join(dir, "deeper", "f"), "x")
		must(t, disk.RemoveAll(dir))
		must(t, disk.SyncDir("/"))
	}
	if n := disk.Pending(); n > 1000 {
		t.Errorf("%d changes are remembered", n)
	}
	if n := disk.Used(); n != 0 {
		t.Errorf("%d bytes are in use on an empty disk", n)
	}
}
