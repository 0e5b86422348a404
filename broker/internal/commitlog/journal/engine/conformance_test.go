package engine_test

import (
	"errors"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestWhatIsCommittedIsReplayedInOrder(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		wantNumbered(t, mustReplay(t, j, 0), 0, 0, 0)
		last := j.Sequence()
		for i := range 50 {
			pos := commit(t, j, numbered(2*i, 100), numbered(2*i+1, 100))
			if pos.Sequence != last+1 || pos.Gen != j.Current() || j.Sequence() != pos.Sequence {
				t.Fatalf("position %+v after sequence %d in generation %d", pos, last, j.Current())
			}
			last = pos.Sequence
		}
		closeJournal(t, j)
		j = b.open(t)
		wantNumbered(t, mustReplay(t, j, 0), 0, 100, 100)
		if j.Sequence() < last {
			t.Fatalf("sequence is %d after the replay of %d", j.Sequence(), last)
		}
	})
}

func TestEveryFieldSurvives(t *testing.T) {
	records := []journal.Record{
		{Type: journal.Append, Partition: 1<<32 - 1, LeaderEpoch: -1, BaseOffset: 1<<63 - 1, SegmentBase: -1, Position: 1 << 40, Payload: []byte("batch")},
		{Type: journal.Truncate, Partition: 3, BaseOffset: 17},
		{Type: journal.LogStart, Partition: 3, BaseOffset: 5},
		{Type: journal.Delete, Partition: 3},
		{Type: journal.Partition, Partition: 4, Payload: []byte("0123456789abcdef\x00\x00\x00\x01orders")},
		{Type: journal.Epoch, Partition: 4, LeaderEpoch: 8, BaseOffset: 99},
		{Type: journal.Raft, Payload: []byte{0}},
	}
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		commit(t, j, records...)
		closeJournal(t, j)
		all := mustReplay(t, b.open(t), 0)
		if len(all) != len(records) {
			t.Fatalf("%d records, want %d", len(all), len(records))
		}
		for i, want := range records {
			if !same(all[i].Record, want) {
				t.Errorf("record %d is %v, want %v", i, all[i].Record, want)
			}
		}
	})
}

func TestEmptyAndBigGroups(t *testing.T) {
	const big = 5 << 20 // larger than a file of this suite, and than the buffer that is kept
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		commit(t, j)
		commit(t, j, numbered(0, 0))
		if pos := commit(t, j, numbered(1, big)); !pos.Full || pos.Bytes < big {
			t.Errorf("position %+v behind a group larger than a file", pos)
		}
		commit(t, j)
		commit(t, j, numbered(2, 1))
		closeJournal(t, j)
		all := mustReplay(t, b.open(t), 0)
		if len(all) != 3 || !same(all[0].Record, numbered(0, 0)) || !same(all[1].Record, numbered(1, big)) || !same(all[2].Record, numbered(2, 1)) {
			t.Fatalf("%d records, or others than were committed", len(all))
		}
	})
}

func TestGenerationsRiseAndAreReplayedFromTheOneAskedFor(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		first := j.Current()
		for i := range 5 {
			commit(t, j, journal.Record{Type: journal.Partition, Partition: 1, Payload: []byte("names"), BaseOffset: int64(i)})
			commit(t, j, numbered(i, 100))
			if closed := rotate(t, j); closed != first+journal.Gen(i) || j.Current() != closed+1 {
				t.Fatalf("rotation %d closed %d and began %d", i, closed, j.Current())
			}
		}
		closeJournal(t, j)
		for from := range journal.Gen(5) {
			all := mustReplay(t, b.open(t), first+from)
			if len(all) != 2*int(5-from) {
				t.Fatalf("%d records from generation %d on", len(all), first+from)
			}
			for i, s := range all { // in each generation, the mapping comes first
				if want := first + from + journal.Gen(i/2); s.gen != want || (s.Type == journal.Partition) != (i%2 == 0) {
					t.Fatalf("record %d is of generation %d, type %d", i, s.gen, s.Type)
				}
			}
		}
	})
}

func TestReleasedGenerationsAreForgotten(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		for i := range 12 { // several turns of the ring
			commit(t, j, numbered(i, 100))
			closed := rotate(t, j)
			if i%3 == 2 {
				if err := j.Release(closed - 1); err != nil {
					t.Fatalf("release: %v", err)
				}
			}
		}
		if err := j.Release(j.Current()); err == nil {
			t.Error("the current generation was released")
		}
		commit(t, j, numbered(12, 100))
		closeJournal(t, j)
		all := mustReplay(t, b.open(t), 0)
		wantNumbered(t, all, 11, 13, 100)
	})
}

func TestACleanStartNeedsNoReplay(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		last := commit(t, j, numbered(0, 100))
		closeJournal(t, j)
		j = b.open(t)
		if j.Sequence() != last.Sequence || j.Current() != last.Gen+1 {
			t.Fatalf("sequence %d and generation %d behind %+v", j.Sequence(), j.Current(), last)
		}
		if pos := commit(t, j, numbered(1, 100)); pos.Gen != last.Gen+1 || pos.Sequence <= last.Sequence {
			t.Fatalf("position %+v behind %+v", pos, last)
		}
		closeJournal(t, j)
		wantNumbered(t, mustReplay(t, b.open(t), 0), 0, 2, 100)
	})
}

func TestSequencesNeverRestart(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		last, records := uint64(0), 0
		for run := range 6 {
			j := b.open(t)
			if run%2 == 0 {
				wantNumbered(t, mustReplay(t, j, 0), 0, records, 64)
			}
			for range 3 {
				pos := commit(t, j, numbered(records, 64))
				if records++; pos.Sequence <= last {
					t.Fatalf("run %d: sequence %d behind %d", run, pos.Sequence, last)
				}
				last = pos.Sequence
			}
			closeJournal(t, j)
		}
	})
}

func TestAJournalContinuesBehindAnotherEngine(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		b.options.Behind = journal.Pos{Gen: 41, Sequence: 1000}
		j := b.open(t)
		if pos := commit(t, j, numbered(0, 10)); pos.Gen != 42 || pos.Sequence <= 1000 {
			t.Fatalf("position %+v", pos)
		}
		closeJournal(t, j)
		wantNumbered(t, mustReplay(t, b.open(t), 42), 0, 1, 10)
	})
}

func TestTheIOSettingMayChangeBetweenStarts(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		for run := range 6 {
			b.options.IO = []journal.IO{journal.Direct, journal.DSync}[run%2]
			j := b.open(t)
			wantNumbered(t, mustReplay(t, j, 0), 0, run*2, 1000)
			commit(t, j, numbered(run*2, 1000))
			commit(t, j, numbered(run*2+1, 1000))
			closeJournal(t, j)
		}
	})
}

func TestAMissingStartIsRefused(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		commit(t, j, numbered(0, 100))
		next := j.Current() + 1
		closeJournal(t, j)
		var damage *journal.DamageError
		if _, err := replay(b.open(t), next); !errors.As(err, &damage) {
			t.Fatalf("replay from a generation that is not there: %v", err)
		}
	})
}

func TestTheCallbackErrorEndsTheReplay(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		commit(t, j, numbered(0, 100), numbered(1, 100))
		closeJournal(t, j)
		stop, calls := errors.New("enough"), 0
		err := b.open(t).Replay(0, func(journal.Gen, journal.Record) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Fatalf("%v after %d calls", err, calls)
		}
	})
}

func TestAReplayMayBeRepeatedBeforeTheFirstCommit(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		commit(t, j, numbered(0, 100), numbered(1, 100))
		closeJournal(t, j)
		j = b.open(t)
		for range 3 { // first the RAFT records, then the others
			wantNumbered(t, mustReplay(t, j, 0), 0, 2, 100)
		}
		commit(t, j, numbered(2, 100))
		closeJournal(t, j)
		wantNumbered(t, mustReplay(t, b.open(t), 0), 0, 3, 100)
	})
}

func TestAClosedJournalRefuses(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		j := b.open(t)
		closeJournal(t, j)
		if _, err := j.Commit(nil); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("commit: %v", err)
		}
		if _, err := j.Rotate(); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("rotate: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
}

func TestDirectFallsBackWhereThereIsNone(t *testing.T) {
	for _, when := range []vfs.Op{vfs.OpCreate, vfs.OpWrite} {
		b := newBench(t, variant{engine: "ring", options: journal.Options{Fill: journal.FillNever}, memory: true})
		b.fs.Fail(vfs.Fault{Op: when, Pattern: "*.ring", Times: 1, Err: errors.ErrUnsupported})
		j := b.open(t)
		b.fs.Heal()
		for i := range 10 {
			commit(t, j, numbered(i, 100))
		}
		if n := b.fs.Count(vfs.OpSync); n < 10 {
			t.Errorf("%v refused direct writes: %d syncs for 10 commits", when, n)
		}
		closeJournal(t, j)
		wantNumbered(t, mustReplay(t, b.open(t), 0), 0, 10, 100)
	}
}
