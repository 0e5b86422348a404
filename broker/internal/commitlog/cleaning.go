package commitlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// cleanedChunkBytes is written of a cleaned segment at a time.
const cleanedChunkBytes = 1 << 20

// errGaveUp says that the log was truncated, shortened or deleted while it was cleaned: the next round begins anew.
var errGaveUp = errors.New("the log changed under the cleaner")

// cleaning is one round over one log (storage.md 8): the first pass learns the newest offset of each key in the dirty
// part, as far as the map has room; the second copies all segments below, without what is superseded.
//
// A record stays if it is the newest of its key and has a value or a delete horizon to come. What was aborted goes.
// Batches keep their offsets. A batch without records stays as a header if it is the last of its producer, whose
// sequence and epoch a recovery must find, or the last of a segment, so that no segment ends before the next begins.
type cleaning struct {
	ctx    context.Context //nolint:containedctx // of the one call that makes it
	log    *Log
	cfg    *LogConfig
	now    time.Time
	dirt   dirt
	cuts   int64
	pace   *pace
	keys   *offsetMap
	txns   *cleanedTxns
	active map[int64]lastOfProducer
	end    int64 // the map knows all keys in [dirt.from, end)
	filter record.Filter

	dst     *segment // under construction
	out     []byte   // of it, not written yet
	written int64
	dropped bool                    // nothing stayed of the batch before
	tail    [record.HeaderSize]byte // its header

	stats CleanerRound
}

// lastOfProducer is what must stay of a producer that has not expired.
type lastOfProducer struct {
	offset int64 // of its last data; -1 when a marker is all there is
	epoch  int16
}

// CleanerRound is what one round over one log did.
type CleanerRound struct {
	Read, Written int64 // bytes; both passes read
	Records, Kept int64 // that the second pass saw, and left
	Fill          float64
	Took          time.Duration
}

func (c *cleaning) run() error {
	began := time.Now()
	c.cuts = c.log.steadyCuts()
	c.log.rounds.Add(1)
	aborted, err := c.log.AbortedTxns(c.dirt.list[0].base, c.bound(c.dirt.limit))
	if err != nil {
		return err
	}
	c.txns = newCleanedTxns(aborted)
	if err := c.learnKeys(); err != nil {
		return err
	}
	c.txns = newCleanedTxns(aborted)
	c.active = c.log.lastOfProducers()
	for _, group := range c.groups() {
		if err := c.cleanGroup(group); err != nil {
			return err
		}
	}
	c.stats.Took = time.Since(began)
	return c.log.cleanedUpTo(c.end, c.cuts)
}

// bound answers the offset where segment i of the list begins.
func (c *cleaning) bound(i int) int64 { return c.dirt.list[i].base }

// lastOfProducers is taken before anything is dropped.
func (l *Log) lastOfProducers() map[int64]lastOfProducer {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[int64]lastOfProducer, len(l.state.byID))
	for id, p := range l.state.byID {
		last := lastOfProducer{offset: -1, epoch: p.epoch}
		if p.kept > 0 {
			last.offset = p.last().lastOffset
		}
		out[id] = last
	}
	return out
}

// isLast tells whether b is all that would say how far its producer came.
func (c *cleaning) isLast(b record.Batch) bool {
	last, ok := c.active[b.ProducerID()]
	if !ok {
		return false
	}
	if last.offset < 0 {
		return b.Control() && b.ProducerEpoch() == last.epoch
	}
	return b.LastOffset() == last.offset
}

// scan reads the batches of s from position at on, their CRCs checked.
func (c *cleaning) scan(s *segment, at int64, fn func(b record.Batch) (bool, error)) error {
	if !s.acquire() {
		return errGaveUp
	}
	defer s.release()
	_, err := s.scan(at, math.MaxInt64, true, func(b record.Batch, _ int64) (bool, error) {
		if c.cuts != c.log.cuts.Load() || c.log.deleted.Load() {
			return false, errGaveUp
		}
		c.stats.Read += int64(len(b))
		if err := c.pace.wait(c.ctx, len(b)); err != nil {
			return false, err
		}
		return fn(b)
	})
	if err != nil && (c.cuts != c.log.cuts.Load() || c.log.deleted.Load()) {
		return errGaveUp // what it found may be another history
	}
	if errors.Is(err, ErrCorrupt) || errors.Is(err, record.ErrShort) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		c.log.markCorrupt(err)
	}
	return err
}

// learnKeys is the first pass.
func (c *cleaning) learnKeys() error {
	list, from := c.dirt.list, c.dirt.from
	c.end = from
	full := false
	for i := floor(list[:c.dirt.limit], from); i < c.dirt.limit && !full; i++ {
		at, err := list[i].lookup(from)
		if err != nil { // broken: a reader will have it rebuilt
			at = 0
		}
		err = c.scan(list[i], at, func(b record.Batch) (bool, error) {
			if b.LastOffset() < from {
				return true, nil
			}
			var err error
			full, err = c.learnBatch(b)
			return !full, err
		})
		if err != nil {
			return err
		}
		if !full {
			c.end = list[i+1].base
		}
	}
	c.stats.Fill = float64(c.keys.used) / float64(len(c.keys.slots))
	if full && c.end <= from {
		return fmt.Errorf("the map of keys has room for %d, and offset %d alone has more: raise log.cleaner.dedupe.buffer.size", c.keys.limit, from)
	}
	return nil
}

// learnBatch answers whether the map is full; end says up to where it is complete.
func (c *cleaning) learnBatch(b record.Batch) (full bool, err error) {
	if b.Control() {
		_, _, err := c.txns.marker(b)
		c.end = b.NextOffset()
		return false, err
	}
	if c.txns.data(b) {
		c.end = b.NextOffset()
		return false, nil
	}
	err = c.filter.Read(b, func(r *record.Record) bool {
		if full || r.Key == nil || r.Offset < c.dirt.from {
			return true
		}
		if !c.keys.put(r.Key, r.Offset) {
			full, c.end = true, r.Offset
		}
		return true
	})
	if !full {
		c.end = b.NextOffset()
	}
	return full, err
}

// groups are the segments that the second pass makes one of each: neighbours that fit together into segment.bytes.
func (c *cleaning) groups() (groups [][]*segment) {
	list := c.dirt.list
	for i := 0; i < c.dirt.limit && list[i].base < c.end; {
		from, bytes, index := i, int64(0), int64(0)
		for ; i < c.dirt.limit && list[i].base < c.end; i++ {
			n, _ := list[i].index.count()
			bytes += list[i].size.Load()
			index += int64(n) * offsetEntryBytes
			if i > from && (bytes > c.cfg.SegmentBytes || index > c.cfg.SegmentIndexBytes || list[i+1].base-list[from].base > math.MaxInt32) {
				break
			}
		}
		groups = append(groups, list[from:i])
	}
	return groups
}

// cleanGroup copies what stays of the segments into one and puts it in their place.
func (c *cleaning) cleanGroup(group []*segment) (err error) {
	c.dst = newCleanedSegment(c.log, group[0].base)
	c.out, c.written, c.dropped = c.out[:0], 0, false
	defer func() {
		if err != nil {
			err = errors.Join(err, c.dst.discard())
		}
	}()
	if err := c.dst.makeNew(); err != nil {
		return err
	}
	if err := c.dst.txns.file.truncate(0); err != nil {
		return err
	}
	for _, s := range group {
		if err := c.scan(s, 0, func(b record.Batch) (bool, error) { return true, c.copy(b) }); err != nil {
			return err
		}
	}
	if c.dropped {
		if err := c.keep(record.AppendEmpty(c.out, c.tail[:])); err != nil {
			return err
		}
	}
	if err := c.finish(); err != nil {
		return err
	}
	return c.log.replace(c.dst, group, c.cuts)
}

// finish makes the new segment's bytes durable.
func (c *cleaning) finish() error {
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.dst.close(); err != nil {
		return err
	}
	c.dst.indexDirty = false
	for _, f := range c.dst.files() {
		if err := f.sync(); err != nil {
			return fmt.Errorf("sync %s: %w", f.path(), err)
		}
	}
	return nil
}
