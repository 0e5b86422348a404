package commitlog

import (
	"maps"
	"path"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// load opens the log's files as the last run and the replay left them, and makes the state in memory.
//
// After a clean stop the log ends at its recovery point and little is read: the batches behind the last index entry.
// After any other stop the batches from the recovery point on are read with their CRCs. What is damaged or missing below
// the recovery point makes the log unclean and is left as it is; what is damaged beyond it was promised to nobody and is
// cut off.
func (re *replay) load() error {
	l := re.log
	// Nobody else has the log yet; the mutex is for what expects it held.
	l.mu.Lock()
	defer l.mu.Unlock()
	files, err := l.list()
	if err != nil {
		return err
	}
	bases := files.bases
	for _, name := range files.debris {
		if err := l.store.cfg.FS.Remove(name); err != nil {
			return err
		}
	}
	l.snapshots = files.snapshots
	if re.touched {
		if err := l.cutFiles(re.segBase, re.endPos); err != nil {
			return err
		}
		bases = slices.DeleteFunc(bases, func(b int64) bool { return b > re.segBase })
		l.namesDirty = true // the replay may have made files that had vanished
	}
	if err := l.openSegments(bases, re.start); err != nil {
		return err
	}
	if re.truncated { // the replayed generations may be replayed again
		l.cutGen = l.directory.journal.Current()
	} else {
		l.settled = re.point
	}
	if err := l.loadEpochs(re); err != nil {
		return err
	}
	if re.truncated {
		re.dropSnapshots(re.cutTo)
	}
	if re.touched {
		re.dropSnapshots(re.end)
	}
	return re.scanLog()
}

// list answers what lies in the log's directory, once what the cleaner began is brought to an end.
func (l *Log) list() (partitionFiles, error) {
	files, err := listPartition(l.store.cfg.FS, l.path)
	if err != nil || len(files.swaps) == 0 {
		return files, err
	}
	if err := l.resumeSwaps(files.swaps); err != nil {
		return files, err
	}
	l.namesDirty = true
	return listPartition(l.store.cfg.FS, l.path)
}

// openSegments makes the list of segments.
func (l *Log) openSegments(bases []int64, start int64) error {
	now := l.store.cfg.Now()
	list := make([]*segment, 0, len(bases)+1)
	for _, base := range bases {
		s := newSegment(l.store.files, l.path, base, now, l.config.Load())
		size, err := s.log.size()
		if err != nil {
			return err
		}
		s.size.Store(size)
		list = append(list, s)
	}
	if len(list) == 0 {
		s := newSegment(l.store.files, l.path, start, now, l.config.Load())
		if err := s.makeNew(); err != nil {
			return err
		}
		l.namesDirty = true
		list = append(list, s)
	}
	l.segments.Store(&list)
	l.start.Store(max(start, list[0].base))
	return nil
}

// loadEpochs reads the checkpointed epochs and adds what the journal says. A file that cannot be read loses against the
// log: the scan finds the epochs of the batches again.
func (l *Log) loadEpochs(re *replay) error {
	name := path.Join(l.path, leaderEpochFile)
	data, err := vfs.ReadFile(l.store.cfg.FS, name)
	if err != nil && !isNotExist(err) {
		return err
	}
	var es epochs
	if err == nil {
		if es, err = parseEpochs(data); err != nil {
			l.store.log.Error("leader epochs cannot be read; the log is scanned for them", "topic", l.partition.Topic, "partition", l.partition.Index, "error", err)
			re.noEpochs = true
		}
	}
	if re.truncated {
		es = es.cutEnd(re.cutTo)
	}
	for _, e := range re.epochs {
		if e.epoch > es.latest() {
			es = es.assign(e)
		}
	}
	l.lineage.Store(&es)
	l.epochsDirty = len(re.epochs) > 0 || re.truncated
	return nil
}

// dropSnapshots forgets the snapshots above end: they are of a history that was cut away.
func (re *replay) dropSnapshots(end int64) {
	l := re.log
	for _, offset := range l.snapshots {
		if offset > end {
			l.stale = append(l.stale, offset)
			re.lostSnapshot = true
		}
	}
	l.snapshots = slices.DeleteFunc(l.snapshots, func(o int64) bool { return o > end })
}

// loadSnapshot answers the producer state of the newest good snapshot at or below limit, and its offset. Newest tells that
// there is none above it. The mutex is held.
func (l *Log) loadSnapshot(limit int64) (state *producers, offset int64, newest bool) {
	inMemory := maps.Clone(l.underWay)
	if inMemory == nil {
		inMemory = map[int64][]byte{}
	}
	maps.Copy(inMemory, l.pending)
	offsets := slices.AppendSeq(slices.Clone(l.snapshots), maps.Keys(inMemory))
	slices.Sort(offsets)
	newest = true
	for _, offset := range slices.Backward(offsets) {
		if offset > limit {
			newest = false
			continue
		}
		data, ok := inMemory[offset]
		var err error
		if !ok {
			data, err = vfs.ReadFile(l.store.cfg.FS, path.Join(l.path, offsetName(offset, snapshotSuffix)))
		}
		if err == nil {
			if state, err = parseSnapshot(data); err == nil {
				return state, offset, newest
			}
		}
		newest = false
		l.store.log.Warn("producer snapshot cannot be read; an older one is taken", "topic", l.partition.Topic, "partition", l.partition.Index, "offset", offset, "error", err)
	}
	return &producers{}, 0, false
}
