package commitlog

import (
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// copy brings what stays of b into the new segment.
func (c *cleaning) copy(b record.Batch) error {
	if b.Control() {
		return c.copyMarker(b)
	}
	c.stats.Records += int64(b.Count())
	if c.txns.data(b) {
		return c.drop(b)
	}
	if err := c.filter.Read(b, func(r *record.Record) bool { return c.stays(b, r) }); err != nil {
		return err
	}
	if c.filter.Count() == 0 {
		return c.drop(b)
	}
	c.stats.Kept += int64(c.filter.Count())
	horizon := int64(record.NoTimestamp)
	if c.filter.Tombstones() && !b.HasDeleteHorizon() {
		horizon = c.horizon()
	}
	return c.keepFiltered(horizon)
}

// stays is the rule for one record (Kafka's Cleaner.shouldRetainRecord). One without key has no place in a compacted
// topic: it was written before the topic was one.
func (c *cleaning) stays(b record.Batch, r *record.Record) bool {
	if r.Offset >= c.end {
		return true
	}
	if r.Key == nil || r.Offset < c.keys.newest(r.Key) {
		return false
	}
	return r.Value != nil || !b.HasDeleteHorizon() || c.now.UnixMilli() < b.BaseTimestamp()
}

// horizon is until when what is found to be deletable now stays, so that slow readers see it.
func (c *cleaning) horizon() int64 { return c.now.UnixMilli() + c.cfg.DeleteRetention.Milliseconds() }

// copyMarker keeps a marker until all its transaction's data is gone, then until a delete horizon that the first pass
// that finds it so stamps into it. The last marker of an active producer stays whole, because it says the epoch.
func (c *cleaning) copyMarker(b record.Batch) error {
	empty, entry, err := c.txns.marker(b)
	if err != nil {
		return err
	}
	if entry != nil {
		if err := c.dst.txns.add(*entry); err != nil {
			return err
		}
	}
	switch {
	case !empty, c.isLast(b) && b.Count() > 0:
		return c.keep(append(c.out, b...))
	case b.Count() == 0, b.HasDeleteHorizon() && b.BaseTimestamp() <= c.now.UnixMilli():
		return c.drop(b)
	case b.HasDeleteHorizon():
		return c.keep(append(c.out, b...))
	}
	if err := c.filter.Read(b, func(*record.Record) bool { return true }); err != nil {
		return err
	}
	return c.keepFiltered(c.horizon())
}

// drop leaves no record of b.
func (c *cleaning) drop(b record.Batch) error {
	if c.isLast(b) {
		return c.keep(record.AppendEmpty(c.out, b))
	}
	c.dropped = true
	copy(c.tail[:], b)
	return nil
}

func (c *cleaning) keepFiltered(horizon int64) error {
	out, err := c.filter.Append(c.out, horizon)
	if err != nil {
		return err
	}
	return c.keep(out)
}

// keep takes out, which is what was there and a batch more.
func (c *cleaning) keep(out []byte) error {
	b := record.Batch(out[len(c.out):])
	if err := c.dst.appended(b, c.written+int64(len(c.out)), c.cfg); err != nil {
		return err
	}
	c.out, c.dropped = out, false
	c.stats.Written += int64(len(b))
	if len(c.out) < cleanedChunkBytes {
		return nil
	}
	return c.flush()
}

// flush writes what was gathered and starts its way to the disk, so that the sync at the end is short: the journal's
// syncs go to the same device.
func (c *cleaning) flush() error {
	n := int64(len(c.out))
	if n == 0 {
		return nil
	}
	if err := c.pace.wait(c.ctx, len(c.out)); err != nil {
		return err
	}
	h, err := c.dst.log.acquire(true)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.dst.log.path(), err)
	}
	defer c.dst.log.release()
	if _, err := h.WriteAt(c.out, c.written); err != nil {
		return fmt.Errorf("write %s at %d: %w", c.dst.log.path(), c.written, err)
	}
	_ = h.StartWriteback(c.written, n) // a hint
	c.written += n
	c.out = c.out[:0]
	return nil
}
