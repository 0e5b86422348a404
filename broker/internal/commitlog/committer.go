package commitlog

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

// maxGroupBytes bounds the payload of one group: the first append of a group waits for the whole of it.
const maxGroupBytes = 4 << 20

// committer is the one goroutine that uses a directory's journal. It takes everything that waits as one group, bounded
// by bytes, commits it, advances the durable ends and tells whoever waits.
type committer struct {
	d       *directory
	gen     journal.Gen
	records []journal.Record
	touched []*Log // logs whose durable end the group moves
	group   uint64
	groups  int   // committed since the last rotation
	bytes   int64 // of the generation
}

func (d *directory) newCommitter() *committer { return &committer{d: d, gen: d.journal.Current()} }

// run ends when the directory went offline, or drains.
func (c *committer) run() {
	d := c.d
	var spare []entry
	for range d.wake {
		for {
			d.mu.Lock()
			work := d.queue
			d.queue, spare = spare[:0], nil
			rotate, release, draining := d.rotate, d.release, d.draining
			d.rotate, d.release = false, 0
			d.mu.Unlock()
			if d.err() != nil {
				c.fail(work)
				return
			}
			if err := c.commit(work); err != nil {
				d.fail(err)
				continue // to fail what came meanwhile
			}
			if err := c.housekeeping(rotate, release); err != nil {
				d.fail(err)
				continue
			}
			clear(work) // lets go of the batches
			spare = work
			if len(work) == 0 {
				if draining {
					return
				}
				break
			}
		}
	}
}

// commit commits work in groups.
func (c *committer) commit(work []entry) error {
	for len(work) > 0 {
		n, bytes := 0, 0
		for n < len(work) && (n == 0 || bytes+len(work[n].record.Payload) <= maxGroupBytes) {
			bytes += len(work[n].record.Payload)
			n++
		}
		if err := c.commitGroup(work[:n]); err != nil {
			c.refuse(work, err)
			return err
		}
		c.d.queuedBytes.Add(-int64(bytes))
		c.d.mu.Lock()
		c.d.room.Broadcast()
		c.d.mu.Unlock()
		work = work[n:]
	}
	return nil
}

func (c *committer) commitGroup(group []entry) error {
	c.group++
	c.records, c.touched = c.records[:0], c.touched[:0]
	for i := range group {
		c.add(&group[i])
	}
	if bugAckBeforeFsync {
		c.acknowledge(group)
	}
	begin := time.Now()
	pos, err := c.d.journal.Commit(c.records)
	clear(c.records)
	if err != nil {
		return fmt.Errorf("commit a group of %d records: %w", len(group), err)
	}
	c.groups++
	c.d.stats.committed(len(group), time.Since(begin), pos.Bytes-c.bytes)
	c.bytes = pos.Bytes
	if !bugAckBeforeFsync {
		c.acknowledge(group)
	}
	if pos.Full {
		return c.rotateNow()
	}
	return nil
}

// add puts e into the group, behind the record that says what its partition id means in this generation.
func (c *committer) add(e *entry) {
	if l := e.log; l == nil {
		c.d.setRaft()
	} else {
		if l.declared != c.gen {
			l.declared = c.gen
			c.records = append(c.records, journal.Record{Type: journal.Partition, Partition: l.localID, Payload: l.describe()})
		}
		if e.end != noEnd {
			if l.group != c.group {
				l.group = c.group
				c.touched = append(c.touched, l)
			}
		}
	}
	c.records = append(c.records, e.record)
}

// describe is the payload of a PARTITION record: topic id, partition index i32, topic name.
func (l *Log) describe() []byte {
	b := append(make([]byte, 0, 20+len(l.partition.Topic)), l.topicID[:]...)
	b = be.AppendUint32(b, uint32(l.partition.Index))
	return append(b, l.partition.Topic...)
}

func parseDescription(b []byte) (topicID uuid, p Partition, err error) {
	if len(b) < 20 {
		return topicID, p, fmt.Errorf("%w: PARTITION record of %d bytes", ErrCorrupt, len(b))
	}
	return uuid(b[:16]), Partition{string(b[20:]), int32(be.Uint32(b[16:]))}, nil
}

// acknowledge advances the durable ends that the group moved and tells who waits.
func (c *committer) acknowledge(group []entry) {
	for i := range group {
		e := &group[i]
		if e.end != noEnd {
			e.log.advanceTo(e.end, e.history)
		}
		if e.done != nil {
			e.done <- nil
		}
	}
	for _, l := range c.touched {
		l.tellDurable(l.durable.Load(), nil)
	}
}

// advanceTo moves the durable end, unless the log was truncated since the record was queued.
func (l *Log) advanceTo(end, history int64) {
	l.advance.Lock()
	defer l.advance.Unlock()
	if history == l.history && end > l.durable.Load() {
		l.durable.Store(end)
	}
}

func (c *committer) housekeeping(rotate bool, release journal.Gen) error {
	if rotate && c.groups > 0 {
		if err := c.rotateNow(); err != nil {
			return err
		}
	} else if rotate {
		c.d.nothingToRotate()
	}
	if release > 0 {
		if err := c.d.journal.Release(release); err != nil {
			return fmt.Errorf("release journal generation %d: %w", release, err)
		}
	}
	return nil
}

// rotateNow closes the generation and has the checkpointer look at it.
func (c *committer) rotateNow() error {
	next := c.d.journal.Sequence() + 1
	gen, err := c.d.journal.Rotate()
	if err != nil {
		return fmt.Errorf("rotate the journal: %w", err)
	}
	c.d.rotated(closedGen{gen: gen, next: next, bytes: c.bytes})
	c.gen, c.groups, c.bytes = c.d.journal.Current(), 0, 0
	return nil
}

// refuse tells the waiting of work that it failed.
func (c *committer) refuse(work []entry, err error) {
	for i := range work {
		if work[i].done != nil {
			work[i].done <- err
		}
	}
}

// fail ends the committer of a directory that went offline: every log and every waiting caller is told.
func (c *committer) fail(work []entry) {
	err := c.d.err()
	c.d.mu.Lock()
	c.d.dead = true
	work = append(work, c.d.queue...)
	c.d.queue = nil
	c.d.mu.Unlock()
	c.refuse(work, err)
	for _, l := range c.d.store.Logs() {
		if l.directory == c.d {
			l.tellDurable(l.durable.Load(), err)
		}
	}
}

func (d *directory) setRaft() {
	d.mu.Lock()
	d.hasRaft = true
	d.mu.Unlock()
}

// rotated notes a closed generation for the checkpointer.
func (d *directory) rotated(g closedGen) {
	d.behind.Add(1)
	d.mu.Lock()
	g.raft = d.hasRaft || d.closed.raft
	g.bytes += d.closed.bytes
	d.hasRaft = false
	d.closed = g
	d.mu.Unlock()
	d.closedGen.Store(uint32(g.gen))
	signal(d.checkpoint)
}

// nothingToRotate lets a checkpoint go on without a rotation.
func (d *directory) nothingToRotate() { signal(d.checkpoint) }
