package commitlog

import (
	"errors"
	"fmt"
	"math"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// loadScan is the pass over a log's batches at a start. It begins where the first of its customers needs it: the indexes
// and .txnindex are made again from the recovery point on, the producer state from its snapshot on, lost epochs from
// the front.
type loadScan struct {
	re        *replay
	list      []*segment
	point     int64 // recovery point
	state     *producers
	stateFrom int64 // batches from here on are not in the state yet
	txnFrom   int64 // nor markers from here on in .txnindex

	i         int   // the segment under way
	indexFrom int64 // position in it from which on its indexes are made again; noIndex when they are whole
	end       int64 // behind the last good batch
	damage    error // the first
	damageAt  int64 // its position in segment i
}

const noIndex = math.MaxInt64

// scanLog reads what has to be read and settles where the log ends.
func (re *replay) scanLog() error {
	for {
		sc, from := re.newScan()
		if err := sc.run(from); err != nil {
			return err
		}
		if sc.stateFrom <= sc.end || len(re.log.snapshots) == 0 || re.log.snapshots[len(re.log.snapshots)-1] <= sc.end {
			return re.settle(sc)
		}
		// The newest snapshot is of appends that the crash took: again, with an older one.
		re.dropSnapshots(sc.end)
	}
}

// newScan answers a scan and the offset it begins at.
func (re *replay) newScan() (*loadScan, int64) {
	state, stateFrom, newest := re.log.loadSnapshot(math.MaxInt64)
	if newest && !re.lostSnapshot && !re.truncated {
		stateFrom = max(stateFrom, re.point) // the checkpoint found no change since that snapshot
	}
	list := *re.log.segments.Load()
	sc := &loadScan{re: re, list: list, point: re.point, state: state, stateFrom: stateFrom, txnFrom: max(re.point, stateFrom)}
	from := min(stateFrom, re.point)
	if re.noEpochs {
		from = 0
	}
	return sc, from
}

func (sc *loadScan) run(from int64) error {
	sc.i = floor(sc.list, from)
	sc.end = sc.list[sc.i].base
	for ; sc.i < len(sc.list); sc.i++ {
		s := sc.list[sc.i]
		start, err := sc.prepare(s, from)
		if err != nil {
			return err
		}
		at, err := s.scan(start, math.MaxInt64, true, sc.batch)
		if err == nil && !sc.last() && sc.end < sc.list[sc.i+1].base && sc.list[sc.i+1].base > sc.point {
			// Segments follow each other without a gap, until compaction, which keeps below the recovery point, makes one.
			err = fmt.Errorf("%w: segment %d ends at offset %d, and the next begins at %d", record.ErrShort, s.base, sc.end, sc.list[sc.i+1].base)
		}
		if errors.Is(err, ErrCorrupt) || errors.Is(err, record.ErrShort) {
			if sc.damage == nil {
				sc.damage, sc.damageAt = err, at
			}
			if sc.end >= sc.point { // nobody was promised what lies behind: it is cut
				return nil
			}
		} else if err != nil {
			return err
		}
		if sc.last() {
			return nil
		}
		if sc.indexFrom != noIndex {
			if err := s.close(); err != nil {
				return err
			}
		}
		sc.end = max(sc.end, sc.list[sc.i+1].base)
	}
	return nil
}

func (sc *loadScan) last() bool { return sc.i == len(sc.list)-1 }

// prepare readies the indexes of s and answers the position where its scan begins.
func (sc *loadScan) prepare(s *segment, from int64) (int64, error) {
	sc.indexFrom = noIndex
	if sc.last() || sc.list[sc.i+1].base > sc.point {
		if err := sc.prepareIndexes(s); err != nil {
			return 0, err
		}
	}
	start, err := s.lookup(from)
	if err != nil { // broken: readers will find it and have it rebuilt
		start = 0
	}
	return min(start, sc.indexFrom), nil
}

// prepareIndexes cuts the indexes back to what lies below the recovery point and is sound.
func (sc *loadScan) prepareIndexes(s *segment) error {
	size := s.size.Load()
	if _, err := s.index.check(s.base, func(e indexEntry) bool { return e.key < sc.point && e.value < size }); err != nil {
		return err
	}
	if _, err := s.times.check(s.base, func(e indexEntry) bool { return e.value < sc.point }); err != nil {
		return err
	}
	last, ok, err := s.index.last(s.base)
	if err != nil {
		return err
	}
	top, timed, err := s.times.last(s.base)
	if err != nil {
		return err
	}
	if ok && !s.fits(last) || timed && !s.timeFits(top) {
		if err := errors.Join(s.index.keep(0), s.times.keep(0)); err != nil {
			return err
		}
		ok, timed = false, false
	}
	if ok && !sc.re.clean {
		// The two files were synced apart, if at all: the time index may lack what the offset index has. Its last word
		// is where both are known to agree.
		if !timed {
			top.value = s.base - 1
		}
		if err := s.index.cut(s.base, func(e indexEntry) bool { return e.key > top.value }); err != nil {
			return err
		}
		if last, ok, err = s.index.last(s.base); err != nil {
			return err
		}
	}
	sc.indexFrom, s.sinceIndexBytes = 0, 0
	if ok {
		sc.indexFrom = last.value
	}
	s.maxTime, s.maxTimeOffset = record.NoTimestamp, s.base
	if timed {
		s.maxTime, s.maxTimeOffset = top.key, top.value
	}
	s.dirty, s.indexDirty = true, true
	return s.checkTxns(sc.txnFrom)
}

// batch takes one batch into everything that is made again.
func (sc *loadScan) batch(b record.Batch, position int64) (bool, error) {
	l, s := sc.re.log, sc.list[sc.i]
	bound := int64(math.MaxInt64)
	if !sc.last() {
		bound = sc.list[sc.i+1].base
	}
	if b.BaseOffset() < sc.end || b.NextOffset() > bound {
		return false, fmt.Errorf("%w: batch of offsets %d to %d behind %d and before %d", ErrCorrupt, b.BaseOffset(), b.LastOffset(), sc.end, bound)
	}
	if s.base < sc.point && sc.end < sc.point && b.NextOffset() > sc.point {
		// Some batch ended at the recovery point. The CRC does not cover the offset that says otherwise.
		return false, fmt.Errorf("%w: batch of offsets %d to %d over the recovery point %d", ErrCorrupt, b.BaseOffset(), b.LastOffset(), sc.point)
	}
	if position >= sc.indexFrom {
		if err := s.indexed(b, position, l.config.Load()); err != nil {
			return false, err
		}
	}
	if e := b.LeaderEpoch(); e > l.lineage.Load().latest() {
		l.setEpochs(l.lineage.Load().assign(epochStart{e, b.BaseOffset()}))
	}
	if b.BaseOffset() >= sc.stateFrom {
		if aborted, ok := replayProducer(sc.state, b); ok && b.BaseOffset() >= sc.txnFrom {
			if err := s.txns.add(aborted); err != nil {
				return false, err
			}
			s.txnDirty = true
		}
	}
	sc.end = b.NextOffset()
	return true, nil
}

// settle decides where the log ends and whether something was lost.
func (re *replay) settle(sc *loadScan) error {
	l := re.log
	end := sc.end
	switch {
	case sc.damage != nil && end < sc.point:
		l.markCorrupt(sc.damage)
		end = max(end, sc.point)
	case sc.damage != nil:
		if err := sc.cutDamage(); err != nil {
			return err
		}
	}
	if re.wasCut {
		end = max(end, re.end)
	}
	if want := re.promised(sc.point); end < want {
		l.unclean.Store(true)
		l.store.log.Error("log lost its end", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", end, "expected", want)
	}
	re.dropSnapshots(end)
	if start := l.start.Load(); end < start {
		if err := l.startOver(start); err != nil {
			return err
		}
		end = start
	} else if end > sc.end && l.corrupt.Load() == nil {
		// The log ends behind its last batch: the next start shall see that from an empty segment.
		l.end.Store(end)
		if err := l.roll(end, l.store.cfg.Now()); err != nil {
			return err
		}
	}
	l.end.Store(end)
	l.durable.Store(end)
	l.recoveryPoint = min(sc.point, end)
	es := l.lineage.Load().cutEnd(end).cutStart(l.start.Load())
	l.lineage.Store(&es)
	return re.adoptState(sc.state)
}

// promised is how far the log came for sure: to its recovery point, where the journal says, or to a high watermark that
// was written down, because only what is durable raises it. A truncation may have come after the latter.
func (re *replay) promised(point int64) int64 {
	want := int64(0)
	if re.known || re.touched {
		want = max(point, re.end)
	}
	if !re.truncated && !re.clean {
		want = max(want, re.log.highWatermark.Load())
	}
	return want
}

// cutDamage removes what lies behind the last good batch.
func (sc *loadScan) cutDamage() error {
	l, s := sc.re.log, sc.list[sc.i]
	l.store.log.Warn("log is cut behind its last whole batch", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", sc.end, "error", sc.damage)
	if err := l.cutFiles(s.base, sc.damageAt); err != nil {
		return err
	}
	kept := sc.list[: sc.i+1 : sc.i+1]
	l.segments.Store(&kept)
	s.size.Store(sc.damageAt)
	l.namesDirty = true
	return nil
}

// startOver replaces everything, which lies below the log start, by an empty segment there.
func (l *Log) startOver(start int64) error {
	for _, s := range *l.segments.Load() {
		if err := s.remove(); err != nil {
			return err
		}
	}
	s := newSegment(l.store.files, l.path, start, l.store.cfg.Now(), l.config.Load())
	if err := s.makeNew(); err != nil {
		return err
	}
	l.segments.Store(&[]*segment{s})
	l.namesDirty = true
	return nil
}

func (re *replay) adoptState(state *producers) error {
	l := re.log
	if bugDedupLost {
		state = &producers{}
	}
	l.state = *state
	l.state.expire(l.store.cfg.Now(), l.store.cfg.ProducerExpiration())
	l.state.replicated(l.highWatermark.Load())
	l.publishUnstable()
	l.flushedAt = l.store.cfg.Now()
	l.markDirty()
	return nil
}
