package ring

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestACommitAllocatesNothing(t *testing.T) {
	for _, io := range []journal.IO{journal.Direct, journal.DSync} {
		j, err := Open(vfs.OS, filepath.Join(t.TempDir(), "journal"), journal.Options{IO: io, Fill: journal.FillNever})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		recs := []journal.Record{{Type: journal.Append, Payload: make([]byte, 1000)}, {Type: journal.Epoch}}
		if n := testing.AllocsPerRun(50, func() { _, _ = j.Commit(recs) }); n > 0 {
			t.Errorf("%s: %v allocations for a commit", io, n)
		}
	}
}

// TestTheKeeperFillsAndRecycles watches a ring from its first file, which grows, to its steady state.
func TestTheKeeperFillsAndRecycles(t *testing.T) {
	disk := vfs.NewMem()
	options := journal.Options{Fill: journal.FillAlways, FileBytes: 2 << 20, FillRate: 1 << 40}
	j, err := Open(disk, "/j", options)
	if err != nil {
		t.Fatal(err)
	}
	if n := disk.Used(); n > 1<<16 {
		t.Fatalf("a start waited for %d bytes", n)
	}
	commit := func() {
		if _, err := j.Commit([]journal.Record{{Type: journal.Append, Payload: make([]byte, 100_000)}}); err != nil {
			t.Fatal(err)
		}
	}
	commit()
	for turn := range 9 {
		want := 4
		if turn == 0 {
			want = 3 // besides the one that is written to
		}
		await(t, fmt.Sprintf("turn %d", turn), func() bool {
			j.keeper.mu.Lock()
			named := j.keeper.named
			j.keeper.mu.Unlock()
			return named && filled(t, disk, options.FileBytes) == want
		})
		writes := disk.Used()
		commit()
		if turn > 0 && disk.Used() != writes {
			t.Fatalf("turn %d: a commit made a filled file grow", turn)
		}
		closed, err := j.Rotate()
		if err == nil {
			err = j.Release(closed)
		}
		if err != nil {
			t.Fatal(err)
		}
		commit()
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	gens, err := journal.ListGens(disk, "/j", Suffix)
	if err != nil || len(gens) != 1 {
		t.Fatalf("generations %v after a clean stop, %v", gens, err)
	}
}

// TestAFileThatWasCutIsDamage: of a file that was filled with zeros it is known how long it was.
func TestAFileThatWasCutIsDamage(t *testing.T) {
	for _, accept := range []bool{false, true} {
		t.Run(fmt.Sprint("damage accepted: ", accept), func(t *testing.T) {
			disk := vfs.NewMem()
			options := journal.Options{Fill: journal.FillAlways, FileBytes: 1 << 20, FillRate: 1 << 40}
			j, err := Open(disk, "/j", options)
			if err != nil {
				t.Fatal(err)
			}
			commit := func(n int) {
				for range n {
					if _, err := j.Commit([]journal.Record{{Type: journal.Append, Payload: make([]byte, 10_000)}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			commit(1)
			await(t, "spares", func() bool { return filled(t, disk, options.FileBytes) == 3 })
			if _, err := j.Rotate(); err != nil {
				t.Fatal(err)
			}
			commit(10)
			after := disk.CrashClone(vfs.Crash{})
			_ = j.Close()
			f, err := after.Open(filepath.Join("/j", journal.GenName(2, Suffix)), vfs.ReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Truncate(50_000); err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			skipped := 0
			options.DamageAccept, options.Skipped = accept, func(*journal.DamageError) { skipped++ }
			j, err = Open(after, "/j", options)
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			records := 0
			err = j.Replay(0, func(journal.Gen, journal.Record) error { records++; return nil })
			var damage *journal.DamageError
			if accept && (err != nil || skipped != 1 || records < 3) || !accept && !errors.As(err, &damage) {
				t.Fatalf("%d records, %d damages accepted, %v", records, skipped, err)
			}
		})
	}
}

// filled counts the files of full size.
func filled(t *testing.T, disk *vfs.Mem, size int64) (n int) {
	entries, err := disk.List("/j")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() >= size {
			n++
		}
	}
	return n
}

// await polls: the keeper tells nobody when it is done.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: the keeper did not get there", what)
		}
	}
}

func TestAnErrorOfTheKeeperPoisons(t *testing.T) {
	disk := vfs.NewMem()
	j, err := Open(disk, "/j", journal.Options{Fill: journal.FillAlways, FileBytes: 1 << 20, FillRate: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	disk.Fail(vfs.Fault{Op: vfs.OpSync, Pattern: "fresh-*", Err: fmt.Errorf("the disk is dying")})
	await(t, "a failed sync of a file being filled", func() bool {
		_, err := j.Commit(nil)
		return err != nil
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkOpenInMemory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		j, err := Open(vfs.NewMem(), "/j", journal.Options{})
		if err != nil {
			b.Fatal(err)
		}
		_ = j.Close()
	}
}
