package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/replica/partition"
)

// Partition is one partition on this broker. All methods may be called at once from many goroutines.
type Partition struct {
	Topic   string
	TopicID metadata.UUID
	Index   int32

	log    *commitlog.Log
	config atomic.Pointer[config.Topic]
	high   atomic.Int64 // the core's high watermark, for readers

	mu      sync.Mutex // guards the fields below
	core    partition.Machine
	acks    ackQueue
	readers []*Watch
	removed bool
}

func newPartition(self int32, topic *metadata.Topic, index int32, log *commitlog.Log) *Partition {
	p := &Partition{Topic: topic.Name, TopicID: topic.ID, Index: index, log: log}
	p.core = partition.New(self, log.DurableEnd(), log.HighWatermark())
	p.high.Store(p.core.High())
	log.OnDurable(p.durable)
	return p
}

// Config is the topic's configuration in force.
func (p *Partition) Config() *config.Topic { return p.config.Load() }

// Log is the partition's log, for what only reads it.
func (p *Partition) Log() *commitlog.Log { return p.log }

// HighWatermark is the offset behind the last record that consumers may see.
func (p *Partition) HighWatermark() int64 { return p.high.Load() }

// LastStableOffset is where a read_committed consumer stops (TXN-5).
func (p *Partition) LastStableOffset() int64 {
	high := p.high.Load()
	if first, open := p.log.FirstUnstableOffset(); open && !bugLSOUnchecked {
		return min(first, high)
	}
	return high
}

// ReadEnd is the end for readers of an isolation level.
func (p *Partition) ReadEnd(committed bool) int64 {
	if committed {
		return p.LastStableOffset()
	}
	return p.HighWatermark()
}

// CheckLeader refuses requests that only the leader of that epoch may answer; partition.NoEpoch skips the comparison.
func (p *Partition) CheckLeader(epoch int32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.core.CheckLeader(epoch)
}

// LeaderEpoch and LeaderID are the newest that this broker knows.
func (p *Partition) LeaderEpoch() int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.core.Epoch()
}

// LeaderID answers -1 when there is none.
func (p *Partition) LeaderID() int32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.core.LeaderID()
}

// assign takes what the image says of this partition.
func (p *Partition) assign(m *metadata.Partition, cfg *config.Topic) error {
	p.config.Store(cfg)
	p.log.SetConfig(logConfig(cfg))
	p.mu.Lock()
	before := p.core.Epoch()
	p.core.Assign(partition.Assignment{
		Leader: m.Leader, LeaderEpoch: m.LeaderEpoch, PartitionEpoch: m.PartitionEpoch,
		Replicas: m.Replicas, ISR: m.ISR, MinISR: cfg.MinInsyncReplicas,
	}, p.log.EndOffset())
	leads, epoch := p.core.Role() == partition.Leader, p.core.Epoch()
	work := p.advance()
	p.mu.Unlock()
	work.run()
	if leads && epoch > before {
		if err := p.log.AssignEpoch(epoch, p.log.EndOffset()); err != nil {
			return fmt.Errorf("start leader epoch %d of %s-%d: %w", epoch, p.Topic, p.Index, err)
		}
	}
	return nil
}

// setConfig takes a changed configuration.
func (p *Partition) setConfig(cfg *config.Topic) {
	p.config.Store(cfg)
	p.log.SetConfig(logConfig(cfg))
	p.mu.Lock()
	p.core.SetMinISR(cfg.MinInsyncReplicas)
	work := p.advance()
	p.mu.Unlock()
	work.run()
}

// durable is called by the committer when the log's durable end moved, or failed.
func (p *Partition) durable(end int64, err error) {
	p.mu.Lock()
	var work completion
	if err != nil {
		work = p.failAll(err)
	} else {
		p.core.Durable(end)
		work = p.advance()
	}
	p.mu.Unlock()
	work.run()
}

// advance publishes the core's high watermark and collects what it completes. The caller holds mu and runs the
// result after it let go.
func (p *Partition) advance() completion {
	var work completion
	if high := p.core.High(); high > p.high.Load() {
		p.high.Store(high)
		p.log.SetHighWatermark(high)
		work.watches, p.readers = p.readers, nil
	}
	work.acks = p.acks.take(p.core.DurableEnd(), p.core.High())
	return work
}

// failAll completes everything with err.
func (p *Partition) failAll(err error) completion {
	work := completion{acks: p.acks.takeAll(), watches: p.readers, err: err}
	p.readers = nil
	return work
}

// remove ends the partition's life: what waits is told that it is gone.
func (p *Partition) remove() {
	p.mu.Lock()
	p.removed = true
	work := p.failAll(ErrUnknownPartition)
	p.mu.Unlock()
	work.run()
}

// ErrUnknownPartition is answered for partitions that are not on this broker (any more).
var ErrUnknownPartition = errors.New("no such partition on this broker")

func logConfig(t *config.Topic) commitlog.LogConfig {
	c := commitlog.DefaultLogConfig()
	c.SegmentBytes, c.SegmentAge, c.SegmentJitter, c.SegmentIndexBytes = t.SegmentBytes, t.SegmentAge, t.SegmentJitter, t.SegmentIndexBytes
	c.IndexIntervalBytes, c.RetentionBytes, c.RetentionAge, c.FileDeleteDelay = t.IndexInterval, t.RetentionBytes, t.RetentionAge, t.FileDeleteDelay
	c.Delete, c.Compact, c.LogAppendTime = t.Delete, t.Compact, t.LogAppendTime
	c.FlushMessages, c.FlushInterval = t.FlushMessages, t.FlushInterval
	c.DeleteRetention, c.MinCompactionLag, c.MaxCompactionLag, c.MinCleanableRatio = t.DeleteRetention, t.MinCompactionLag, t.MaxCompactionLag, t.MinCleanableRatio
	if t.FlushOS {
		c.FlushPolicy = commitlog.FlushOS
	}
	return c
}
