package commitlog

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/record"
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

// all answers every entry; with ErrCorrupt, those in front of the damage.
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
			return txns, fmt.Errorf("%w: %s has an entry of version %d", ErrCorrupt, x.file.path(), v)
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
	return x.keep(keep)
}

// checkTxns is cut after a stop that may have left appends to the index half done: zeros, or entries in pieces. What was
// synced lies in front and has markers below end.
func (s *segment) checkTxns(end int64) error {
	txns, err := s.txns.all()
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	keep, last := 0, s.base-1
	for keep < len(txns) {
		t := txns[keep]
		if t.LastOffset >= end || t.LastOffset <= last || t.FirstOffset < 0 || t.FirstOffset >= t.LastOffset || t.LastStable > t.LastOffset+1 {
			break
		}
		last = t.LastOffset
		keep++
	}
	for keep > 0 && !s.hasMarker(txns[keep-1]) {
		keep--
	}
	return s.txns.keep(keep)
}

// hasMarker tells whether the log has t's marker where t says.
func (s *segment) hasMarker(t AbortedTxn) bool {
	from, err := s.lookup(t.LastOffset)
	if err != nil {
		from = 0
	}
	found := false
	_, err = s.scan(from, math.MaxInt64, false, func(b record.Batch, _ int64) (bool, error) {
		found = b.LastOffset() == t.LastOffset && b.Control() && b.ProducerID() == t.ProducerID
		return b.LastOffset() < t.LastOffset, nil
	})
	return err == nil && found
}

// keep removes all entries but the first keep.
func (x *txnIndex) keep(keep int) error {
	if n, err := x.count(); err != nil || int64(keep) == n {
		return err
	}
	x.entries.Store(int64(keep))
	if err := x.file.truncate(int64(keep) * txnEntryBytes); err != nil {
		return fmt.Errorf("cut %s: %w", x.file.path(), err)
	}
	return nil
}
