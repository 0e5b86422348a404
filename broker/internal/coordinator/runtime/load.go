package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// loadBytes is read from the log at a time.
const loadBytes = 1 << 20

var errNoPartition = errors.New("the partition is not on this broker yet")

// load makes a new machine and replays the log into it, up to an end that the high watermark has passed.
func (s *shard[E, R]) load(ctx context.Context) error {
	p := s.cfg.Partition(s.partition)
	if p == nil {
		return errNoPartition
	}
	if err := p.CheckLeader(-1); err != nil {
		return err
	}
	began := time.Now()
	s.machine = s.cfg.Machine(s.partition)
	s.tickets = map[coordinator.Ticket]func(any, error){}
	end, records, err := s.replay(ctx, p)
	if err != nil {
		return fmt.Errorf("load the coordinator of %s-%d: %w", s.cfg.Topic, s.partition, err)
	}
	if err := waitForHigh(ctx, p, end); err != nil {
		return err
	}
	s.replies = newReplies(p, end)
	s.cfg.Logger.Debug("coordinator is loaded", "topic", s.cfg.Topic, "partition", s.partition, "records", records, "took", time.Since(began).String())
	return nil
}

// replay applies the log from its start. It answers the end it came to.
func (s *shard[E, R]) replay(ctx context.Context, p Partition) (end int64, records int, err error) {
	log := p.Log()
	decompress := new(record.Decompressor)
	at := log.StartOffset()
	for {
		if end = log.EndOffset(); at >= end {
			return end, records, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, records, err
		}
		chunk, err := log.Read(at, end, loadBytes, true)
		if err != nil {
			return 0, records, err
		}
		if len(chunk.Bytes) == 0 { // compaction left nothing up to the end
			return end, records, nil
		}
		n, err := s.replayChunk(chunk.Bytes, decompress)
		chunk.Release()
		if records += n; err != nil {
			return 0, records, err
		}
		at = chunk.NextOffset
	}
}

func (s *shard[E, R]) replayChunk(b []byte, d *record.Decompressor) (records int, err error) {
	for len(b) > 0 {
		var batch record.Batch
		if batch, b, err = record.First(b); err != nil {
			return records, err
		}
		n, err := s.replayBatch(batch, d)
		if records += n; err != nil {
			return records, fmt.Errorf("batch at %d: %w", batch.BaseOffset(), err)
		}
	}
	return records, nil
}

func (s *shard[E, R]) replayBatch(batch record.Batch, d *record.Decompressor) (records int, err error) {
	pending, transactional := s.machine.(coordinator.Transactional[R])
	producer := coordinator.Producer{ID: batch.ProducerID(), Epoch: batch.ProducerEpoch()}
	if batch.Control() {
		m, err := record.ParseMarker(batch)
		if err == nil && transactional && (m.Type == record.Commit || m.Type == record.Abort) {
			pending.EndTransaction(producer, m.Type == record.Commit)
		}
		return 0, err
	}
	it, err := batch.Records(d)
	if err != nil {
		return 0, err
	}
	for it.Next() {
		rec := it.Record()
		r, known, err := s.machine.Decode(rec.Key, rec.Value)
		if err != nil {
			return records, fmt.Errorf("record at %d: %w", rec.Offset, err)
		}
		records++
		switch {
		case !known:
		case transactional && batch.Transactional():
			pending.ApplyPending(producer, r)
		default:
			s.machine.Apply(r)
		}
	}
	return records, it.Err()
}

// waitForHigh returns when everything below end is below the high watermark.
func waitForHigh(ctx context.Context, p Partition, end int64) error {
	for {
		seen := p.HighWatermark()
		if seen >= end {
			return nil
		}
		moved := make(chan struct{})
		w := replica.NewWatch(func() { close(moved) })
		p.Watch(w, seen)
		select {
		case <-moved:
		case <-ctx.Done():
			w.Cancel()
			return ctx.Err()
		}
		if err := p.CheckLeader(-1); err != nil {
			return err
		}
	}
}
