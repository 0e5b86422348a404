package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestAFullDiskThenSpaceAgain fills a real file system of 4 MiB.
func TestAFullDiskThenSpaceAgain(t *testing.T) {
	for _, v := range variants {
		if v.memory {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			dir := smallDisk(t)
			ballast := filepath.Join(dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			b := &bench{variant: v, fs: vfs.WithFaults(vfs.OS), dir: filepath.Join(dir, "journal")}
			acked, first := fillUp(t, b)
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d groups, then %v", acked, first)

			j := b.open(t)
			all := mustReplay(t, j, 0)
			if len(all) != acked && len(all) != acked+1 {
				t.Fatalf("%d records, %d were acknowledged", len(all), acked)
			}
			wantNumbered(t, all, 0, len(all), 10_000)
			for i := range 10 {
				commit(t, j, numbered(len(all)+i, 10_000))
			}
			closeJournal(t, j)
			wantNumbered(t, mustReplay(t, b.open(t), 0), 0, len(all)+10, 10_000)
		})
	}
}

// fillUp commits until the disk is full, and checks that nothing is acknowledged from then on.
func fillUp(t *testing.T, b *bench) (acked int, first error) {
	t.Helper()
	j := b.open(t)
	defer j.Close()
	for ; ; acked++ {
		pos, err := j.Commit([]journal.Record{numbered(acked, 10_000)})
		if err == nil && pos.Full {
			_, err = j.Rotate()
			if err != nil {
				acked++
			}
		}
		if err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			wantPoisoned(t, j, err)
			return acked, err
		}
	}
}

func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: a full disk needs a tmpfs of 4 MiB, and mounting one failed: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
