package engine_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// wantPoisoned checks that nothing gets through any more, though the disk is well again.
func wantPoisoned(t *testing.T, j journal.Journal, first error) {
	t.Helper()
	_, commit := j.Commit([]journal.Record{numbered(0, 10)})
	_, rotate := j.Rotate()
	for i, err := range []error{commit, rotate, j.Release(0)} {
		if !errors.Is(err, first) && (err == nil || err.Error() != first.Error()) {
			t.Fatalf("call %d after the first error: %v, want %v", i, err, first)
		}
	}
}

func TestAFailedSyncPoisons(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		for i := range 10 {
			commit(t, j, numbered(i, 1000))
		}
		op := vfs.OpSync
		if b.options.IO == journal.Direct {
			op = vfs.OpWrite // it is both
		}
		b.fs.Fail(vfs.Fault{Op: op, Err: syscall.EIO, Times: 1})
		_, first := j.Commit([]journal.Record{numbered(10, 1000)})
		if !errors.Is(first, syscall.EIO) {
			t.Fatalf("commit with a failed sync: %v", first)
		}
		wantPoisoned(t, j, first)
		_ = j.Close()
		all := mustReplay(t, b.open(t), 0)
		wantNumbered(t, all, 0, max(10, min(len(all), 11)), 1000)
	})
}

func TestAPartOfAWriteThenNoSpace(t *testing.T) {
	onMemory(t, func(t *testing.T, b *bench, _ *vfs.Mem) {
		for partial := 0; partial < 6000; partial += 500 {
			b.dir = fmt.Sprintf("/data/%d", partial)
			j := b.open(t)
			for i := range 5 {
				commit(t, j, numbered(i, 1000))
			}
			b.fs.Fail(vfs.Fault{Op: vfs.OpWrite, Pattern: "*.ring", Err: syscall.ENOSPC, Partial: partial})
			_, first := j.Commit([]journal.Record{numbered(5, 5000)})
			if !errors.Is(first, syscall.ENOSPC) {
				t.Fatalf("commit on a full disk: %v", first)
			}
			b.fs.Heal()
			wantPoisoned(t, j, first)
			_ = j.Close()
			j = b.open(t)
			all := mustReplay(t, j, 0)
			wantNumbered(t, all[:5], 0, 5, 1000)
			if len(all) > 6 || len(all) == 6 && !same(all[5].Record, numbered(5, 5000)) {
				t.Fatalf("%d bytes of the last group: %d records", partial, len(all))
			}
			commit(t, j, numbered(6, 10))
			closeJournal(t, j)
		}
	})
}

// TestAnErrorOfAnyOperationLosesNothing fails each operation of a run in turn, with each errno.
func TestAnErrorOfAnyOperationLosesNothing(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		rng := seeded(t)
		step := 1
		if !b.memory || b.options.Fill == journal.FillAlways {
			step = 7
		}
		for nth := 1; ; nth += step * slow {
			errno := []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE}[rng.IntN(4)]
			b := newBench(t, b.variant)
			if done := failNth(t, b, nth, errno, rng.Uint64()); done {
				return
			}
		}
	})
}

// failNth runs until the nth operation fails, or answers that there are not so many.
func failNth(t *testing.T, b *bench, nth int, errno error, seed uint64) (done bool) {
	t.Helper()
	b.fs.Fail(vfs.Fault{Op: vfs.OpChange | vfs.OpOpen | vfs.OpList | vfs.OpRead, Nth: nth, Err: errno})
	what := fmt.Sprintf("operation %d fails with %v, seed %d", nth, errno, seed)
	r, err := newRun(b, seed)
	if err == nil {
		err = r.steps(60)
	}
	if err != nil && !errors.Is(err, errno) {
		t.Fatalf("%s: %v", what, err)
	}
	b.fs.Heal()
	if r == nil { // it never opened: nothing was acknowledged
		return false
	}
	if r.j != nil {
		if _, commit := r.j.Commit(nil); err != nil && commit == nil {
			t.Fatalf("%s: a commit succeeded behind %v", what, err)
		}
		_ = r.j.Close()
	}
	j, openErr := b.tryOpen()
	if openErr != nil {
		t.Fatalf("%s: open: %v", what, openErr)
	}
	defer j.Close()
	p := r.promise()
	all, replayErr := replay(j, p.from)
	if replayErr == nil {
		replayErr = r.check(all, p)
	}
	if replayErr != nil {
		t.Fatalf("%s: %v", what, replayErr)
	}
	return err == nil
}

func TestNoSpaceToFillIsNoFailure(t *testing.T) {
	for _, v := range variants {
		if v.engine != engine.Ring || v.options.Fill != journal.FillAlways {
			continue
		}
		disk := vfs.NewMem()
		b := &bench{variant: v, fs: vfs.WithFaults(disk), dir: "/data/journal"}
		b.fs.Fail(vfs.Fault{Op: vfs.OpWrite, Pattern: "fresh-*", Err: syscall.ENOSPC})
		j := b.open(t)
		for i := range 200 {
			commit(t, j, numbered(i, 10_000))
			if i%40 == 39 {
				if err := j.Release(rotate(t, j)); err != nil {
					t.Fatal(err)
				}
			}
		}
		commit(t, j, numbered(200, 10_000))
		closeJournal(t, j)
		wantNumbered(t, mustReplay(t, b.open(t), 0), 200, 201, 10_000)
	}
}
