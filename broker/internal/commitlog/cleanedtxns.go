package commitlog

import (
	"cmp"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// cleanedTxns follows the transactions in a pass of the cleaner over a log: which batches are of one that was aborted,
// and of which transactions nothing is left but the marker (RET-5; Kafka's CleanedTransactionMetadata).
type cleanedTxns struct {
	aborted   []AbortedTxn          // that the pass has not come to, by first offset
	open      map[int64]*abortedTxn // aborted ones that the pass is inside of, by producer
	committed map[int64]bool        // producers of which the pass has seen data without marker
}

type abortedTxn struct {
	AbortedTxn
	seen bool // some of its data
}

// newCleanedTxns takes every aborted transaction with data at or behind where the pass begins.
func newCleanedTxns(aborted []AbortedTxn) *cleanedTxns {
	aborted = slices.Clone(aborted)
	slices.SortFunc(aborted, func(a, b AbortedTxn) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	return &cleanedTxns{aborted: aborted, open: map[int64]*abortedTxn{}, committed: map[int64]bool{}}
}

func (c *cleanedTxns) enter(offset int64) {
	for len(c.aborted) > 0 && c.aborted[0].FirstOffset <= offset {
		c.open[c.aborted[0].ProducerID] = &abortedTxn{AbortedTxn: c.aborted[0]}
		c.aborted = c.aborted[1:]
	}
}

// data takes a batch of records. It answers whether they were aborted.
func (c *cleanedTxns) data(b record.Batch) bool {
	if !b.Transactional() {
		return false
	}
	c.enter(b.LastOffset())
	if t := c.open[b.ProducerID()]; t != nil {
		t.seen = true
		return true
	}
	c.committed[b.ProducerID()] = true
	return false
}

// marker takes a control batch. It answers whether the transaction has no data left, so that the marker may go; and for
// an abort that stays, its entry of the transaction index.
func (c *cleanedTxns) marker(b record.Batch) (empty bool, entry *AbortedTxn, err error) {
	c.enter(b.LastOffset())
	if b.Count() == 0 { // emptied by an earlier round
		return true, nil, nil
	}
	m, err := record.ParseMarker(b)
	if err != nil {
		return false, nil, err
	}
	id := b.ProducerID()
	switch m.Type {
	case record.Abort:
		t := c.open[id]
		delete(c.open, id)
		if t == nil || !t.seen {
			return true, nil, nil
		}
		return false, &t.AbortedTxn, nil
	case record.Commit:
		seen := c.committed[id]
		delete(c.committed, id)
		return !seen, nil, nil
	default:
		return false, nil, nil
	}
}
