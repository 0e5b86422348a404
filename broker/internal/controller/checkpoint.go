package controller

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// compaction tells the loop what raft may forget.
type compaction struct {
	index, keep uint64
	state       []byte
}

// Checkpoint makes everything that the RAFT records so far say durable in the files of the metadata log, so that the journal
// may release them. The store calls it; any goroutine may.
//
// The order makes a crash at any point harmless: quorum-state names the entries file that belongs to it, and until it is
// replaced the files of the last checkpoint and the journal are complete without the new ones.
func (c *Controller) Checkpoint() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.saved.mu.Lock()
	now := state{
		sequence: c.saved.sequence, hard: c.saved.hard, base: c.saved.base, entries: c.saved.entries, snapshot: c.saved.snapshot,
		image: c.saved.image, voters: c.saved.voters,
	}
	c.saved.mu.Unlock()
	if now.sequence == 0 {
		return nil
	}
	if err := c.makeDir(); err != nil {
		return fmt.Errorf("checkpoint of the metadata log: %w", err)
	}
	written, err := c.write(&now)
	if err != nil {
		return fmt.Errorf("checkpoint of the metadata log: %w", err)
	}
	c.forget(now, written)
	if err := c.removeOld(now); err != nil {
		c.log.Warn("could not remove old files of the metadata log", "error", err)
	}
	return nil
}

// makeDir makes the directory, durably.
func (c *Controller) makeDir() error {
	if err := c.cfg.FS.MkdirAll(c.dir); err != nil {
		return err
	}
	return c.cfg.FS.SyncDir(c.cfg.Dir)
}

// state is one moment of saved, and what the files will say.
type state struct {
	sequence       uint64
	hard           quorum.HardState
	base, snapshot position
	entries        []quorum.Entry
	image          *metadata.Image
	voters         []quorum.NodeID
}

// write brings the files up to a state. It answers the snapshot's bytes when there is a new one.
func (c *Controller) write(now *state) ([]byte, error) {
	var data []byte
	if at := uint64(now.image.Offset); now.image.Offset > 0 && at > now.snapshot.index && len(now.image.Features()) > 0 {
		var err error
		if data, err = encodeSnapshot(now.image, now.voters); err != nil {
			return nil, err
		}
		p := position{at, uint64(now.image.Epoch)}
		if err := vfs.WriteFileAtomic(c.cfg.FS, path.Join(c.dir, snapshotName(p)), data); err != nil {
			return nil, err
		}
		// From now on this is the newest and the one before it the older: the entries begin behind that.
		now.cut(now.snapshot)
		now.snapshot = p
	}
	entries, err := encodeEntries(now.entries)
	if err != nil {
		return nil, err
	}
	if err := vfs.WriteFileAtomic(c.cfg.FS, path.Join(c.dir, entriesName(now.sequence)), entries); err != nil {
		return nil, err
	}
	return data, vfs.WriteFileAtomic(c.cfg.FS, path.Join(c.dir, stateName), encodeState(c.cfg.ClusterID, *now))
}

// cut drops the entries up to p.
func (s *state) cut(p position) {
	if p.index > s.base.index {
		s.entries, s.base = s.entries[p.index-s.base.index:], p
	}
}

// forget drops from memory what the files made unnecessary, and tells the loop.
func (c *Controller) forget(now state, data []byte) {
	c.saved.mu.Lock()
	defer c.saved.mu.Unlock()
	if data == nil || now.snapshot.index <= c.saved.snapshot.index {
		return // nothing new, or a leader's snapshot overtook this one
	}
	c.saved.snapshot = now.snapshot
	if n := now.base.index; n > c.saved.base.index && n <= c.saved.last() {
		c.saved.entries = append([]quorum.Entry(nil), c.saved.entries[n-c.saved.base.index:]...)
		c.saved.base = now.base
	}
	c.saved.bytes = 0
	for _, e := range c.saved.entries {
		if e.Index > now.snapshot.index {
			c.saved.bytes += int64(len(e.Data))
		}
	}
	if len(now.voters) == 1 {
		data = nil // nobody to send it to
	}
	c.compacted.Store(&compaction{now.snapshot.index, now.base.index, data})
}

// removeOld removes what no recovery reads any more.
func (c *Controller) removeOld(now state) error {
	files, err := c.cfg.FS.List(c.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		name := f.Name()
		p, isSnapshot := parseSnapshotName(name)
		old := isSnapshot && p != now.snapshot && p != now.base ||
			strings.HasSuffix(name, entriesSuffix) && name != entriesName(now.sequence) || strings.HasSuffix(name, vfs.TempSuffix)
		if !old {
			continue
		}
		if err := c.cfg.FS.Remove(path.Join(c.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// install makes the leader's snapshot durable and answers its image. The log that it replaces is still whole until the next
// RAFT record says otherwise.
func (c *Controller) install(s *quorum.Snapshot) (*metadata.Image, error) {
	p := position{s.Index, s.Term}
	image, _, err := decodeSnapshot(s.Data, c.cfg.ClusterID, p)
	if err != nil {
		return nil, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.makeDir(); err != nil {
		return nil, err
	}
	return image, vfs.WriteFileAtomic(c.cfg.FS, path.Join(c.dir, snapshotName(p)), s.Data)
}

// compact tells raft what it may forget.
func (c *Controller) compact() {
	if done := c.compacted.Swap(nil); done != nil {
		if err := c.node.Compact(done.index, done.keep, done.state); err != nil {
			c.log.Warn("could not compact the metadata log in memory", "error", err)
		}
	}
}

// askForSnapshot wakes the goroutine of snapshots when there is much to replay.
func (c *Controller) askForSnapshot() {
	if !c.saved.due(c.cfg.SnapshotBytes) {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// snapshots writes a checkpoint whenever the log has grown, independent of the journal's own.
func (c *Controller) snapshots(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			if err := c.Checkpoint(); err != nil {
				c.log.Error("could not write a snapshot of the metadata log", "error", err)
			}
		}
	}
}
