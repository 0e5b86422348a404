package commitlog

import (
	"errors"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// TestTheGuardOfATransaction: a batch whose transaction was found open, and ended before the batch arrived, would open a
// transaction that nobody ends (KIP-890).
func TestTheGuardOfATransaction(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	guarded := func(end int64) AppendParams {
		p := client()
		p.Guard = Guard{Set: true, End: end}
		return p
	}
	mark := func(epoch int16, raised bool) error {
		m := record.Marker{Type: record.Abort, ProducerID: 1, ProducerEpoch: epoch}
		_, err := l.Append(m.Batch(), AppendParams{Origin: FromCoordinator, AppendTime: -1, RaisedEpoch: raised})
		return err
	}
	write := func(epoch int16, seq int32, p AppendParams) error {
		_, err := l.Append(produced(1, epoch, seq, true, "v"), p)
		return err
	}
	asked := l.EndOffset()
	if err := write(0, 0, guarded(asked)); err != nil {
		t.Fatalf("an unknown producer: %v", err)
	}
	if err := mark(0, false); err != nil {
		t.Fatal(err)
	}
	if err := write(0, 1, guarded(asked)); !errors.Is(err, ErrInvalidTxnState) {
		t.Fatalf("a write behind its transaction's marker: %v", err)
	}
	asked = l.EndOffset()
	for seq := int32(1); seq < 3; seq++ { // the second finds the transaction open here
		if err := write(0, seq, guarded(asked)); err != nil {
			t.Fatalf("the next transaction: %v", err)
		}
	}
	if err := mark(0, true); !errors.Is(err, ErrInvalidProducerEpoch) {
		t.Fatalf("a late marker of transaction version 2: %v", err)
	}
	if err := mark(1, true); err != nil {
		t.Fatal(err)
	}
	if err := mark(1, true); err != nil {
		t.Fatalf("a marker that is written again: %v", err)
	}
	if l.OngoingTransaction(1, 0) || l.OngoingTransaction(1, 1) {
		t.Error("a transaction is still open")
	}
}
