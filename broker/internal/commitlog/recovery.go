package commitlog

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// recovery brings one directory back to what was acknowledged (storage.md 4.8).
type recovery struct {
	d        *directory
	clean    bool
	points   map[Partition]int64
	starts   map[Partition]int64
	marks    map[Partition]int64
	cleaned  map[Partition]int64
	noPoints bool // the recovery points are lost: nothing may be skipped, nothing is known to be lost
	replays  map[Partition]*replay
	local    map[uint32]*replay // by the generation's local ids
	gen      journal.Gen
	pending  int64    // bytes of appends that wait to be written together
	spare    [][]byte // chunks to gather appends in
	raft     [][]byte
	skipped  bool // damage of the journal was accepted
}

// recover opens the journal and the logs of the directory.
func (d *directory) recover() error {
	r := &recovery{d: d, replays: map[Partition]*replay{}}
	if err := r.readFiles(); err != nil {
		return err
	}
	if err := r.findLogs(); err != nil {
		return err
	}
	if err := r.openJournal(); err != nil {
		return err
	}
	if err := r.loadLogs(); err != nil {
		return err
	}
	if err := r.finish(); err != nil {
		return err
	}
	d.closedGen.Store(uint32(d.journal.Current()) - 1)
	return nil
}

// readFiles takes the clean-shutdown marker away and reads the checkpoint files.
func (r *recovery) readFiles() (err error) {
	d := r.d
	fsys := d.store.cfg.FS
	switch err := fsys.Remove(d.file(cleanShutdownFile)); {
	case err == nil:
		r.clean = true
		if err := fsys.SyncDir(d.path); err != nil {
			return err
		}
	case !isNotExist(err):
		return err
	}
	var faults [4]error
	for i, c := range []struct {
		name string
		to   *map[Partition]int64
	}{{recoveryPointFile, &r.points}, {logStartFile, &r.starts}, {highWatermarkFile, &r.marks}, {cleanerPointFile, &r.cleaned}} {
		if *c.to, faults[i], err = readOffsets(fsys, d.file(c.name)); err != nil {
			return err
		}
	}
	if err := errors.Join(faults[:]...); err != nil {
		d.store.log.Error("a checkpoint cannot be read; the logs are scanned instead", "dir", d.path, "error", err)
	}
	r.noPoints = faults[0] != nil
	d.written[highWatermarkFile] = r.marks
	data, err := vfs.ReadFile(fsys, d.file(journalStateFile))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.state, err = parseJournalState(data); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrCorrupt, d.file(journalStateFile), err)
	}
	d.replayFrom.Store(uint32(d.state.gen))
	return nil
}

// findLogs makes a Log for each partition directory, and removes the debris of deletions.
func (r *recovery) findLogs() error {
	d := r.d
	fsys := d.store.cfg.FS
	entries, err := fsys.List(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := d.file(e.Name())
		if strings.HasSuffix(e.Name(), deleteSuffix) || strings.HasSuffix(e.Name(), vfs.TempSuffix) {
			if err := fsys.RemoveAll(name); err != nil {
				return err
			}
			continue
		}
		p, ok := parsePartition(e.Name())
		if !e.IsDir() || !ok || e.Name() == metadataLogName {
			continue
		}
		if err := r.addLog(p, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *recovery) addLog(p Partition, name string) error {
	d := r.d
	if other := d.store.Log(p); other != nil {
		return fmt.Errorf("%v is in %s and in %s: remove one of them", p, other.directory.path, d.path)
	}
	var topicID uuid
	data, err := vfs.ReadFile(d.store.cfg.FS, path.Join(name, partitionMetaFile))
	if err == nil {
		topicID, err = parsePartitionMeta(data)
	}
	if err != nil {
		d.store.log.Warn("partition.metadata cannot be read; the log waits for the topic's id", "topic", p.Topic, "partition", p.Index, "error", err)
	}
	l := newLog(d.store, d, p, topicID, name)
	l.highWatermark.Store(r.marks[p])
	point, known := r.points[p]
	l.recoveryPoint, l.cleanerPoint, l.holesTo = point, r.cleaned[p], r.cleaned[p]
	l.found, l.crashed = true, !r.clean
	r.replays[p] = &replay{log: l, point: point, start: r.starts[p], known: known && !r.noPoints, clean: r.clean}
	d.store.mu.Lock()
	d.store.logs[p] = l
	d.store.mu.Unlock()
	return nil
}

// loadLogs opens the logs, several at a time.
func (r *recovery) loadLogs() error {
	var g errgroup.Group
	g.SetLimit(r.d.store.cfg.RecoveryThreads)
	for _, re := range r.replays {
		if re.deleted {
			if err := r.dropDeleted(re.log); err != nil {
				return err
			}
			continue
		}
		g.Go(func() error {
			if err := re.load(); err != nil {
				return fmt.Errorf("recover %v: %w", re.log.partition, err)
			}
			if r.skipped {
				re.log.unclean.Store(true)
			}
			return nil
		})
	}
	return g.Wait()
}

// dropDeleted finishes a deletion whose record was durable.
func (r *recovery) dropDeleted(l *Log) error {
	s := r.d.store
	s.mu.Lock()
	delete(s.logs, l.partition)
	s.mu.Unlock()
	if err := s.cfg.FS.RemoveAll(l.path); err != nil {
		return err
	}
	return s.cfg.FS.SyncDir(r.d.path)
}

// partitionFiles is what lies in a partition's directory.
type partitionFiles struct {
	bases, snapshots []int64 // of segments and of producer snapshots, rising
	debris           []string
	swaps            []string // what the cleaner left
}

func listPartition(fsys vfs.FS, dir string) (p partitionFiles, err error) {
	entries, err := fsys.List(dir)
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		name := e.Name()
		if base, ok := parseOffsetName(name, logSuffix); ok {
			p.bases = append(p.bases, base)
		} else if offset, ok := parseOffsetName(name, snapshotSuffix); ok {
			p.snapshots = append(p.snapshots, offset)
		} else if strings.HasSuffix(name, deletedSuffix) || strings.HasSuffix(name, vfs.TempSuffix) {
			p.debris = append(p.debris, path.Join(dir, name))
		} else if strings.HasSuffix(name, cleanedSuffix) || strings.HasSuffix(name, swapSuffix) {
			p.swaps = append(p.swaps, path.Join(dir, name))
		}
	}
	slices.Sort(p.bases)
	slices.Sort(p.snapshots)
	return p, nil
}
