package commitlog

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// A step is one batch of a producer and what becomes of it.
type step struct {
	epoch  int16
	seq    int32
	n      int  // records; 0 is 1
	txn    bool // transactional
	marker record.ControlType
	isMark bool
	want   error
	dup    int64 // 1 + base offset of the original
}

func TestIdempotence(t *testing.T) {
	many := func(n int) (out []step) {
		for i := range n {
			out = append(out, step{seq: int32(i)})
		}
		return out
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"a retried batch answers its first offset", []step{{n: 2}, {seq: 2}, {n: 2, dup: 1}, {seq: 2, dup: 3}}},
		{"a gap is refused, and the right one is taken behind it", []step{{}, {seq: 2, want: ErrOutOfOrderSequence}, {seq: 1}}},
		{"the last five batches are known", append(many(6), step{seq: 5, dup: 6}, step{seq: 4, dup: 5}, step{seq: 3, dup: 4}, step{seq: 2, dup: 3}, step{seq: 1, dup: 2}, step{seq: 0, want: ErrOutOfOrderSequence})},
		{"older ones are out of order", append(many(7), step{seq: 0, want: ErrOutOfOrderSequence}, step{seq: 1, want: ErrOutOfOrderSequence})},
		{"half a duplicate is none", []step{{n: 2}, {seq: 0, n: 1, want: ErrOutOfOrderSequence}, {seq: 1, n: 1, want: ErrOutOfOrderSequence}}},
		{"a new epoch begins at 0", []step{{}, {epoch: 1, seq: 1, want: ErrOutOfOrderSequence}, {epoch: 1}, {epoch: 1, seq: 1}}},
		{"an old epoch is fenced", []step{{epoch: 2}, {epoch: 0, want: ErrInvalidProducerEpoch}, {epoch: 1, seq: 1, want: ErrInvalidProducerEpoch}}},
		{"an unknown producer begins anywhere", []step{{epoch: 3, seq: 40}, {epoch: 3, seq: 41}, {epoch: 3, seq: 0, want: ErrOutOfOrderSequence}}},
		{"a duplicate of an old epoch is fenced", []step{{}, {epoch: 1}, {epoch: 0, want: ErrInvalidProducerEpoch}}},
		{"sequences wrap to 0", []step{{seq: math.MaxInt32 - 1, n: 2}, {seq: 0}, {seq: 1}, {seq: math.MaxInt32 - 1, n: 2, dup: 1}}},
		{"sequences wrap within a batch", []step{{seq: math.MaxInt32, n: 3}, {seq: 2}, {seq: math.MaxInt32, n: 3, dup: 1}}},
		{"plain writes amid a transaction are refused", []step{{txn: true}, {seq: 1, want: ErrInvalidTxnState}, {seq: 1, txn: true}}},
		{"a marker with a higher epoch bumps it", []step{{txn: true}, {epoch: 1, isMark: true, marker: record.Commit}, {seq: 1, txn: true, want: ErrInvalidProducerEpoch}, {epoch: 1, seq: 5, txn: true, want: ErrOutOfOrderSequence}, {epoch: 1, txn: true}}},
		{"a marker of an old epoch is fenced", []step{{epoch: 2, txn: true}, {epoch: 1, isMark: true, want: ErrInvalidProducerEpoch}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, restart := range []bool{false, true} {
				disk := vfs.NewMem()
				s := openStore(t, testConfig(disk))
				l := s.create(Partition{"t", 0}, DefaultLogConfig())
				for i, st := range tt.steps {
					st.take(t, i, l)
					if restart {
						if err := s.stop(); err != nil {
							t.Fatal(err)
						}
						s = openStore(t, testConfig(disk))
						l = watch(t, s.Log(Partition{"t", 0}))
					}
				}
			}
		})
	}
}

func (st step) take(t *testing.T, i int, l *testLog) {
	t.Helper()
	var b record.Batch
	if st.isMark {
		b = record.Marker{Type: st.marker, ProducerID: 9, ProducerEpoch: st.epoch, Timestamp: t0}.Batch()
	} else {
		b = produced(9, st.epoch, st.seq, st.txn, slices.Repeat([]string{"v"}, max(st.n, 1))...)
	}
	end := l.EndOffset()
	a, err := l.Append(b, AppendParams{Origin: origin(b), AppendTime: -1})
	if !errors.Is(err, st.want) {
		t.Fatalf("step %d: %v, want %v", i, err, st.want)
	}
	if err != nil {
		if l.EndOffset() != end || a.BaseOffset != -1 {
			t.Fatalf("step %d was refused and appended: %+v", i, a)
		}
		return
	}
	if a.Duplicate != (st.dup > 0) || a.Duplicate && (a.BaseOffset != st.dup-1 || a.MaxTimestamp != t0 || l.EndOffset() != end) {
		t.Fatalf("step %d: %+v, want the duplicate of %d", i, a, st.dup-1)
	}
	if err := l.await(a.LastOffset); err != nil {
		t.Fatal(err)
	}
}

func TestCoordinatorsAndFollowersAreCheckedForOtherThings(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	mark := func(epoch int32) error {
		_, err := l.Append(record.Marker{Type: record.Commit, ProducerID: 9, CoordinatorEpoch: epoch, Timestamp: t0}.Batch(), AppendParams{Origin: FromCoordinator})
		return err
	}
	if err := errors.Join(mark(5), mark(5)); err != nil {
		t.Fatal(err)
	}
	if err := mark(4); !errors.Is(err, ErrCoordinatorFenced) {
		t.Fatalf("a marker of an older coordinator: %v", err)
	}
	b := produced(9, 0, 77, false, "a leader took it")
	b.SetBaseOffset(10)
	if a, err := l.Append(b, AppendParams{Origin: FromLeader}); err != nil || a.BaseOffset != 10 || l.EndOffset() != 11 {
		t.Fatalf("a follower's append: %+v, %v", a, err)
	}
	if _, err := l.Append(b, AppendParams{Origin: FromLeader}); !errors.Is(err, ErrUnexpectedOffset) {
		t.Fatalf("a follower's append of what it has: %v", err)
	}
}

func TestTransactionsHoldTheLastStableOffset(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	unstable := func() int64 {
		first, ok := l.FirstUnstableOffset()
		if !ok {
			return -1
		}
		return first
	}
	want := func(what string, offset int64) {
		t.Helper()
		if got := unstable(); got != offset {
			t.Fatalf("%s: first unstable offset %d, want %d", what, got, offset)
		}
	}
	mark := func(pid int64, kind record.ControlType) {
		l.append(record.Marker{Type: kind, ProducerID: pid, Timestamp: t0}.Batch(), AppendParams{Origin: FromCoordinator})
	}
	l.append(batchOf(t0, "plain"), client())
	want("nothing is open", -1)
	l.append(produced(1, 0, 0, true, "a"), client()) // 1
	l.append(produced(2, 0, 0, true, "b"), client()) // 2
	want("two are open", 1)
	mark(1, record.Abort) // 3
	want("the first is done, but not replicated", 1)
	l.SetHighWatermark(4)
	want("the first is replicated", 2)
	mark(2, record.Commit) // 4
	l.SetHighWatermark(5)
	want("all are done", -1)
	if txns, err := l.AbortedTxns(0, 5); err != nil || len(txns) != 1 || txns[0] != (AbortedTxn{1, 1, 3, 2}) {
		t.Fatalf("aborted: %+v, %v", txns, err)
	}
	if txns, err := l.AbortedTxns(4, 5); err != nil || len(txns) != 0 {
		t.Fatalf("aborted behind it: %+v, %v", txns, err)
	}
}

func TestProducersExpireUnlessTheirTransactionIsOpen(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	l.append(produced(1, 0, 0, false, "a"), client())
	l.append(produced(2, 0, 0, true, "b"), client())
	s.retain(time.UnixMilli(t0).Add(24 * time.Hour))
	if n := len(l.Producers(time.UnixMilli(t0))); n != 2 {
		t.Fatalf("%d producers after a day", n)
	}
	s.retain(time.UnixMilli(t0).Add(24*time.Hour + time.Millisecond))
	left := l.Producers(time.UnixMilli(t0))
	if len(left) != 1 || left[0].ProducerID != 2 {
		t.Fatalf("left are %+v", left)
	}
	l.append(produced(1, 0, 17, false, "anywhere"), client()) // IDM-3
}
