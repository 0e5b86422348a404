package commitlog

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// keptBatches is how many batches of a producer are known as duplicates when they come again (IDM-1); it is the most
// that an idempotent producer has in flight.
const keptBatches = 5

// producerBatch is what is remembered of one batch.
type producerBatch struct {
	lastSequence int32
	delta        int32 // last offset - first offset
	lastOffset   int64
	timestamp    int64 // the batch's max timestamp
}

func (b producerBatch) firstSequence() int32 { return record.AddSequence(b.lastSequence, -b.delta) }

// producer is the state of one producer in one partition.
type producer struct {
	id               int64
	epoch            int16
	kept             uint8 // batches[:kept] are valid, oldest first
	coordinatorEpoch int32
	lastTimestamp    int64
	txnFirst         int64 // first offset of the open transaction, or noTxn
	marked           int64 // offset of the last marker that this process has seen, or noTxn; not in snapshots
	batches          [keptBatches]producerBatch
}

const noTxn = -1

func (p *producer) last() *producerBatch { return &p.batches[p.kept-1] }

func (p *producer) setEpoch(epoch int16) {
	if p.epoch != epoch {
		p.epoch, p.kept = epoch, 0
	}
}

func (p *producer) add(b producerBatch) {
	if p.kept == keptBatches {
		copy(p.batches[:], p.batches[1:])
		p.kept--
	}
	p.batches[p.kept] = b
	p.kept++
}

// duplicate answers the batch of exactly this epoch and these sequences, if it is among the kept.
func (p *producer) duplicate(b record.Batch) *producerBatch {
	if p.epoch != b.ProducerEpoch() {
		return nil
	}
	first, last := b.BaseSequence(), b.LastSequence()
	for i := int(p.kept) - 1; i >= 0; i-- {
		if k := &p.batches[i]; k.lastSequence == last && k.firstSequence() == first {
			return k
		}
	}
	return nil
}

// txn is a transaction from its first offset on; last is its marker's offset once there is one.
type txn struct{ producerID, first, last int64 }

// producers is the producer state of one partition. It is guarded by Log.mu.
//
// It is a pure function of the batches in the log, as far as they are younger than the producers' expiry: recovery
// replays them through apply (IDM-7).
type producers struct {
	byID map[int64]*producer
	open []txn // by first offset
	// done are transactions whose marker is at or above the high watermark: still unstable, because the marker may be
	// lost with a leader (Kafka's unreplicatedTxns). By first offset.
	done    []txn
	changed bool // since the last snapshot
}

// check decides whether a batch may be appended. A duplicate answers what is remembered of the original.
func (s *producers) check(b record.Batch, m record.Marker, params *AppendParams) (*producerBatch, error) {
	p, origin := s.byID[b.ProducerID()], params.Origin
	if p == nil || origin == FromLeader { // IDM-3: an unknown producer may start anywhere; a replica only follows
		return nil, nil
	}
	if origin == FromClient {
		if d := p.duplicate(b); d != nil {
			return d, nil
		}
	}
	if b.ProducerEpoch() < p.epoch {
		return nil, fmt.Errorf("%w: producer %d has epoch %d, the last seen is %d", ErrInvalidProducerEpoch, p.id, b.ProducerEpoch(), p.epoch)
	}
	if b.Control() {
		if p.coordinatorEpoch > m.CoordinatorEpoch {
			return nil, fmt.Errorf("%w: marker for producer %d has coordinator epoch %d, the last seen is %d", ErrCoordinatorFenced, p.id, m.CoordinatorEpoch, p.coordinatorEpoch)
		}
		if params.RaisedEpoch && p.epoch == b.ProducerEpoch() && p.txnFirst != noTxn {
			return nil, fmt.Errorf("%w: marker for producer %d would end the transaction of epoch %d that began at %d", ErrInvalidProducerEpoch, p.id, p.epoch, p.txnFirst)
		}
		return nil, nil
	}
	if origin == FromClient {
		if err := p.checkSequence(b); err != nil {
			return nil, err
		}
	}
	if g := params.Guard; g.Set && b.Transactional() && p.txnFirst == noTxn && p.marked >= g.End {
		return nil, fmt.Errorf("%w: the transaction of producer %d has ended at %d", ErrInvalidTxnState, p.id, p.marked)
	}
	if p.txnFirst != noTxn && !b.Transactional() {
		return nil, fmt.Errorf("%w: producer %d wrote outside its transaction that began at %d", ErrInvalidTxnState, p.id, p.txnFirst)
	}
	return nil, nil
}

// checkSequence is Kafka's ProducerAppendInfo.checkSequence (IDM-2).
func (p *producer) checkSequence(b record.Batch) error {
	first := b.BaseSequence()
	if b.ProducerEpoch() != p.epoch {
		if first == 0 || p.epoch < 0 {
			return nil
		}
		return fmt.Errorf("%w: producer %d begins epoch %d with sequence %d", ErrOutOfOrderSequence, p.id, b.ProducerEpoch(), first)
	}
	last := int32(record.NoSequence)
	if p.kept > 0 {
		last = p.last().lastSequence
	}
	if int64(first) == int64(last)+1 || first == 0 && last == math.MaxInt32 {
		return nil
	}
	return fmt.Errorf("%w: producer %d sends sequence %d after %d", ErrOutOfOrderSequence, p.id, first, last)
}

// apply takes a batch into the state. It answers the transaction that the batch aborts.
func (s *producers) apply(b record.Batch, m record.Marker) (AbortedTxn, bool) {
	id := b.ProducerID()
	if id == record.NoProducerID {
		return AbortedTxn{}, false
	}
	s.changed = true
	p := s.get(id)
	p.setEpoch(b.ProducerEpoch())
	p.lastTimestamp = b.MaxTimestamp()
	if b.Control() {
		if m.Type != record.Commit && m.Type != record.Abort {
			return AbortedTxn{}, false
		}
		p.coordinatorEpoch, p.marked = m.CoordinatorEpoch, b.LastOffset()
		return s.complete(p, b.LastOffset(), m.Type == record.Abort)
	}
	if b.BaseSequence() != record.NoSequence {
		p.add(producerBatch{b.LastSequence(), b.LastOffsetDelta(), b.LastOffset(), b.MaxTimestamp()})
	}
	if b.Transactional() && p.txnFirst == noTxn {
		p.txnFirst = b.BaseOffset()
		s.open = append(s.open, txn{id, p.txnFirst, noTxn})
	}
	return AbortedTxn{}, false
}

func (s *producers) get(id int64) *producer {
	p := s.byID[id]
	if p == nil {
		if s.byID == nil {
			s.byID = make(map[int64]*producer)
		}
		p = &producer{id: id, epoch: -1, coordinatorEpoch: -1, txnFirst: noTxn, marked: noTxn}
		s.byID[id] = p
	}
	return p
}

// complete ends p's transaction, if it wrote here, by a marker at offset last.
func (s *producers) complete(p *producer, last int64, abort bool) (AbortedTxn, bool) {
	first := p.txnFirst
	if first == noTxn {
		return AbortedTxn{}, false
	}
	p.txnFirst = noTxn
	s.open = slices.DeleteFunc(s.open, func(t txn) bool { return t.producerID == p.id })
	at, _ := slices.BinarySearchFunc(s.done, first, func(t txn, first int64) int { return int(min(max(t.first-first, -1), 1)) })
	s.done = slices.Insert(s.done, at, txn{p.id, first, last})
	stable := last + 1
	if len(s.open) > 0 {
		stable = s.open[0].first
	}
	return AbortedTxn{p.id, first, last, stable}, abort
}

// replicated forgets completed transactions whose markers lie below the high watermark.
func (s *producers) replicated(highWatermark int64) {
	s.done = slices.DeleteFunc(s.done, func(t txn) bool { return t.last < highWatermark })
}

// firstUnstable answers the first offset of the first transaction that is open or not yet replicated; noTxn without one.
func (s *producers) firstUnstable() int64 {
	first := int64(math.MaxInt64)
	if len(s.open) > 0 {
		first = s.open[0].first
	}
	if len(s.done) > 0 {
		first = min(first, s.done[0].first)
	}
	if first == math.MaxInt64 {
		return noTxn
	}
	return first
}

// expire forgets producers that were silent for longer than after, unless they have an open transaction (IDM-5).
func (s *producers) expire(now time.Time, after time.Duration) {
	for id, p := range s.byID {
		if p.txnFirst == noTxn && now.UnixMilli()-p.lastTimestamp > after.Milliseconds() {
			delete(s.byID, id)
			s.changed = true
		}
	}
}

// sorted answers the producers by id.
func (s *producers) sorted() []*producer {
	out := make([]*producer, 0, len(s.byID))
	for _, p := range s.byID {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *producer) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return out
}
