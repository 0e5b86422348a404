package commitlog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// checkpointSyncs is how many files of a directory are synced at a time. A blocking sync occupies a thread.
const checkpointSyncs = 4

// firstSnapshotBytes is from which size on a log without any snapshot gets one, though no producer changed its state:
// below, a start reads the few batches rather than that a checkpoint makes the file.
const firstSnapshotBytes = 1 << 20

// checkpointLoop makes a checkpoint when a journal file is full, and every interval if anything was appended.
func (d *directory) checkpointLoop(ctx context.Context) {
	tick := time.NewTicker(d.store.cfg.CheckpointInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.down:
			return
		case <-tick.C:
			d.mu.Lock()
			idle := len(d.dirty) == 0 && !d.hasRaft && !d.closed.raft
			d.rotate = !idle
			d.mu.Unlock()
			if !idle {
				signal(d.wake) // the committer rotates, then signals d.checkpoint
			}
		case <-d.checkpoint:
			if err := d.makeCheckpoint(); err != nil {
				d.store.log.Error("checkpoint failed", "dir", d.path, "error", err)
			}
		}
	}
}

// makeCheckpoint makes the newest closed generation, and all before it, superfluous (storage.md 4.7). The order is what
// makes it safe: segments, then what the records say, then the recovery points, then journal-state, then the release.
func (d *directory) makeCheckpoint() error {
	begin := time.Now()
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if err := d.flushLogs(d.takeDirty()); err != nil {
		return d.fail(err)
	}
	if err := d.writeCheckpoints(); err != nil {
		return d.fail(err)
	}
	defer signal(d.checkpointed)
	if closed.gen == 0 || closed.gen < d.state.gen {
		return nil // nothing was closed since the last time
	}
	if closed.raft {
		if err := d.store.checkpointRaft(); err != nil {
			return fmt.Errorf("checkpoint of the metadata log: %w", err) // the generation stays; the next checkpoint tries again
		}
	}
	if err := d.writeState(journalState{d.store.cfg.JournalEngine, closed.gen + 1, closed.next}); err != nil {
		return d.fail(err)
	}
	d.mu.Lock()
	d.release = closed.gen
	if d.closed.gen == closed.gen {
		d.closed.raft = false
	}
	d.behind.Store(int32(d.closed.gen - closed.gen))
	d.stats.checkpoints.Add(1)
	d.stats.checkpointTime.Add(int64(time.Since(begin)))
	d.stats.journalLag.Add(-closed.bytes)
	d.closed.bytes -= closed.bytes
	d.room.Broadcast()
	d.mu.Unlock()
	signal(d.wake)
	return nil
}

func (d *directory) writeState(s journalState) error {
	if err := vfs.WriteFileAtomic(d.store.cfg.FS, d.file(journalStateFile), s.format()); err != nil {
		return err
	}
	d.state = s
	d.replayFrom.Store(uint32(s.gen))
	return nil
}

// flushLogs syncs what the logs appended and persists what their records say.
func (d *directory) flushLogs(logs []*Log) error {
	var g errgroup.Group
	g.SetLimit(checkpointSyncs)
	for _, l := range logs {
		g.Go(func() error {
			if err := l.flush(false); err != nil && !l.deleted.Load() {
				return fmt.Errorf("checkpoint %v: %w", l.partition, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// writeCheckpoints writes the offsets of all logs of the directory.
func (d *directory) writeCheckpoints() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	points, starts, cleaned := map[Partition]int64{}, map[Partition]int64{}, map[Partition]int64{}
	logs := d.logs()
	cuts := make([]int64, len(logs))
	for i, l := range logs {
		l.mu.Lock()
		cuts[i] = l.cuts.Load()
		points[l.partition] = l.recoveryPoint
		if l.cleanerPoint > 0 {
			cleaned[l.partition] = l.cleanerPoint
		}
		if start := l.start.Load(); start > (*l.segments.Load())[0].base {
			starts[l.partition] = start
		}
		l.mu.Unlock()
	}
	if err := errors.Join(
		d.writeOffsets(cleanerPointFile, cleaned), d.writeOffsets(logStartFile, starts), d.writeOffsets(recoveryPointFile, points),
	); err != nil {
		return err
	}
	for i, l := range logs {
		l.settle(points[l.partition], cuts[i])
	}
	return nil
}

// writeOffsets replaces a checkpoint file, if it would say anything else than what this run wrote last. The mutex
// writing is held.
func (d *directory) writeOffsets(name string, offsets map[Partition]int64) error {
	if old, ok := d.written[name]; ok && maps.Equal(old, offsets) {
		return nil
	}
	delete(d.written, name) // until it is known to be there
	if err := vfs.WriteFileAtomic(d.store.cfg.FS, d.file(name), formatOffsets(offsets)); err != nil {
		return err
	}
	d.written[name] = offsets
	return nil
}

// settle notes that point is written down: replays leave what lies below alone, unless they cut the log first.
func (l *Log) settle(point, cuts int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cuts == l.cuts.Load() && (l.cutGen == 0 || uint32(l.cutGen) < l.directory.replayFrom.Load()) {
		l.settled = max(l.settled, point)
	}
}

// writeHighWatermarks is done every few seconds, as in Kafka. It may be behind after a crash: nothing is truncated to it.
//
// A start takes a log that ends before it for one that lost something.
func (d *directory) writeHighWatermarks() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	hws := map[Partition]int64{}
	for _, l := range d.logs() {
		hws[l.partition] = l.highWatermark.Load()
	}
	return d.writeOffsets(highWatermarkFile, hws)
}

// forgetHighWatermark takes what the checkpoint says of a partition that was deleted out of it, before another one has
// its name.
func (d *directory) forgetHighWatermark(p Partition) error {
	d.writing.Lock()
	_, stale := d.written[highWatermarkFile][p]
	d.writing.Unlock()
	if !stale {
		return nil
	}
	return d.writeHighWatermarks()
}

// flushPlan is what one flush of a log has to make durable; it is drawn up under the mutex and carried out without.
type flushPlan struct {
	point     int64 // the recovery point once all is done
	logs      []*file
	indexes   []*file
	snapshots map[int64][]byte
	stale     []int64
	epochs    *epochs
	names     bool
	path      string
	cuts      int64 // Log.cuts when the plan was drawn up
}

// flush makes the log's files durable up to its durable end, and its recovery point with them. Unless all is set, the
// active segment's indexes are written but not synced, because an unclean start takes of them only what fits the log;
// and under flush.policy=os the active segment is left to the kernel.
func (l *Log) flush(all bool) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	if l.deleted.Load() { // another log may have the names by now; renameAway waits for us
		return nil
	}
	p, err := l.planFlush(all)
	if err != nil {
		return err
	}
	fsys := l.store.cfg.FS
	for _, f := range append(p.logs, p.indexes...) {
		if err := f.sync(); err != nil && !(isNotExist(err)) {
			return fmt.Errorf("sync %s: %w", f.path(), err)
		}
	}
	for _, offset := range p.stale {
		if err := fsys.Remove(path.Join(p.path, offsetName(offset, snapshotSuffix))); err != nil && !isNotExist(err) {
			return err
		}
	}
	for offset, data := range p.snapshots {
		if err := replaceFile(fsys, path.Join(p.path, offsetName(offset, snapshotSuffix)), data); err != nil {
			return err
		}
	}
	if p.epochs != nil {
		if err := replaceFile(fsys, path.Join(p.path, leaderEpochFile), formatEpochs(*p.epochs)); err != nil {
			return err
		}
	}
	if p.names || len(p.stale) > 0 || len(p.snapshots) > 0 || p.epochs != nil {
		if err := fsys.SyncDir(p.path); err != nil {
			return err
		}
	}
	return l.flushed(p)
}

// replaceFile is vfs.WriteFileAtomic but for the syncdir, which is the caller's: one for all files of a directory.
func replaceFile(fsys vfs.FS, name string, data []byte) error {
	temp := name + vfs.TempSuffix
	f, err := fsys.Open(temp, vfs.ReadWrite|vfs.Create|vfs.Truncate)
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if _, err = f.WriteAt(data, 0); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = fsys.Rename(temp, name)
	}
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return nil
}

func (l *Log) planFlush(all bool) (p flushPlan, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inDirty = false
	data := all || l.config.Load().FlushPolicy == FlushJournal
	list := *l.segments.Load()
	p.point, p.path, p.cuts = l.durable.Load(), l.path, l.cuts.Load()
	if !data {
		p.point = l.active().base
	}
	for i, s := range list {
		active := i == len(list)-1
		if s.dirty && (data || !active) {
			p.logs = append(p.logs, s.log)
			s.dirty = false
		}
		if s.txnDirty {
			p.indexes = append(p.indexes, s.txns.file)
			s.txnDirty = false
		}
		if active && all { // as Kafka does when it closes a segment
			if err := s.indexTime(); err != nil {
				return p, err
			}
		}
		if active {
			if err := s.flushIndexes(); err != nil {
				return p, err
			}
		}
		if all && active || s.indexDirty && !active {
			p.indexes = append(p.indexes, s.index.file, s.times.file)
			s.indexDirty = false
		}
	}
	if l.state.changed || len(l.snapshots) == 0 && len(l.pending) == 0 && l.active().size.Load() > firstSnapshotBytes {
		l.keepSnapshot(l.end.Load())
	}
	p.snapshots, l.pending = l.pending, nil
	l.underWay = maps.Clone(p.snapshots)
	for offset := range p.snapshots {
		l.stale = slices.DeleteFunc(l.stale, func(o int64) bool { return o == offset })
	}
	p.stale, l.stale = l.stale, nil
	if l.epochsDirty {
		p.epochs, l.epochsDirty = l.lineage.Load(), false
	}
	p.names, l.namesDirty = l.namesDirty, false
	return p, nil
}

// flushed takes note of what a flush made durable.
func (l *Log) flushed(p flushPlan) error {
	l.mu.Lock()
	for offset := range p.snapshots {
		if _, valid := l.underWay[offset]; !valid { // of a history that was cut away meanwhile
			l.stale = append(l.stale, offset)
		} else if !slices.Contains(l.snapshots, offset) {
			l.snapshots = append(l.snapshots, offset)
		}
	}
	l.underWay = nil
	if p.cuts == l.cuts.Load() { // else what was synced may be another history
		l.recoveryPoint = max(l.recoveryPoint, p.point)
	}
	slices.Sort(l.snapshots)
	old := l.superfluousSnapshots()
	l.mu.Unlock()
	for _, offset := range old {
		if err := l.store.cfg.FS.Remove(path.Join(p.path, offsetName(offset, snapshotSuffix))); err != nil && !isNotExist(err) {
			return err
		}
	}
	return nil
}

// superfluousSnapshots takes out all snapshots but the newest two and those at segment bases. The mutex is held.
func (l *Log) superfluousSnapshots() (old []int64) {
	list := *l.segments.Load()
	keep := l.snapshots[:0:0]
	for i, offset := range l.snapshots {
		_, isBase := slices.BinarySearchFunc(list, offset, func(s *segment, o int64) int { return int(min(max(s.base-o, -1), 1)) })
		if i >= len(l.snapshots)-2 || isBase {
			keep = append(keep, offset)
		} else {
			old = append(old, offset)
		}
	}
	l.snapshots = keep
	return old
}

// flushOS is flush.messages and flush.ms, and what closes an os log cleanly.
func (l *Log) flushOS() error {
	if err := l.flush(true); err != nil {
		return l.directory.fail(err)
	}
	return nil
}
