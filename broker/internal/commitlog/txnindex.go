package commitlog

import (
	"fmt"
	"sync/atomic"
)

// txnIndex is a segment's .txnindex: the transactions that were aborted by a marker in this segment. It is made with
// the first of them.
//
//	34 bytes: version i16 = 0, producer id i64, first offset i64, last offset i64, last stable offset i64
type txnIndex struct {
	file    *file
	entries atomic.Int64 // in the file; unknownEntries until counted
}

const txnEntryBytes = 34

func newTxnIndex(f *file) *txnIndex {
	x := &txnIndex{file: f}
	x.entries.Store(unknownEntries)
	return x
}

func (x *txnIndex) count() (int64, error) {
	if n := x.entries.Load(); n != unknownEntries {
		return n, nil
	}
	size, err := x.file.size()
	if err != nil {
		return 0, err
	}
	x.entries.CompareAndSwap(unknownEntries, size/txnEntryBytes)
	return x.entries.Load(), nil
}

// add appends t; the caller is the one that appends to the log.
func (x *txnIndex) add(t AbortedTxn) error {
	n, err := x.count()
	if err != nil {
		return err
	}
	b := make([]byte, 2, txnEntryBytes)
	for _, v := range [...]int64{t.ProducerID, t.FirstOffset, t.LastOffset, t.LastStable} {
		b = be.AppendUint64(b, uint64(v))
	}
	if err := x.file.writeAt(b, n*txnEntryBytes); err != nil {
		return fmt.Errorf("write %s: %w", x.file.path(), err)
	}
	x.entries.Store(n + 1)
	return nil
}

// all answers every entry.
func (x *txnIndex) all() ([]AbortedTxn, error) {
	n, err := x.count()
	if err != nil || n == 0 {
		return nil, err
	}
	b := make([]byte, n*txnEntryBytes)
	got, err := x.file.readAt(b, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", x.file.path(), err)
	}
	txns := make([]AbortedTxn, 0, n)
	for b = b[:got]; len(b) >= txnEntryBytes; b = b[txnEntryBytes:] {
		if v := be.Uint16(b); v != 0 {
			return nil, fmt.Errorf("%w: %s has an entry of version %d", ErrCorrupt, x.file.path(), v)
		}
		txns = append(txns, AbortedTxn{int64(be.Uint64(b[2:])), int64(be.Uint64(b[10:])), int64(be.Uint64(b[18:])), int64(be.Uint64(b[26:]))})
	}
	return txns, nil
}

// cut removes the entries whose marker lies at or behind end.
func (x *txnIndex) cut(end int64) error {
	txns, err := x.all()
	if err != nil {
		return err
	}
	keep := 0
	for keep < len(txns) && txns[keep].LastOffset < end {
		keep++
	}
	if n, _ := x.count(); int64(keep) == n {
		return nil
	}
	x.entries.Store(int64(keep))
	if err := x.file.truncate(int64(keep) * txnEntryBytes); err != nil {
		return fmt.Errorf("cut %s: %w", x.file.path(), err)
	}
	return nil
}
