package commitlog

import (
	"errors"
	"fmt"
	"path"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// creation is a Create under way.
type creation struct {
	done      chan struct{} // closed at its end
	directory *directory    // once chosen
}

// Create makes the log of p, in the directory with the fewest, or answers the one that is there. Its name and topic id
// are durable on return.
func (s *Store) Create(p Partition, topicID [16]byte, cfg LogConfig) (*Log, error) {
	for {
		s.mu.Lock()
		l, busy := s.logs[p], s.making[p]
		if l == nil && busy == nil {
			s.making[p] = &creation{done: make(chan struct{})}
			s.mu.Unlock()
			return s.make(p, topicID, cfg)
		}
		s.mu.Unlock()
		if busy != nil {
			<-busy.done
			continue
		}
		if err := l.adopt(topicID); err != nil {
			return nil, fmt.Errorf("create %v: %w", p, err)
		}
		l.SetConfig(cfg)
		return l, nil
	}
}

// make is the part of Create that one caller a partition does at a time.
func (s *Store) make(p Partition, topicID uuid, cfg LogConfig) (l *Log, err error) {
	defer func() {
		s.mu.Lock()
		if err == nil {
			s.logs[p] = l
		}
		close(s.making[p].done)
		delete(s.making, p)
		s.mu.Unlock()
	}()
	d := s.emptiest(p)
	if d == nil {
		return nil, fmt.Errorf("create %v: %w: all of them", p, ErrStorage)
	}
	l = newLog(s, d, p, topicID, d.file(p.String()))
	l.config.Store(&cfg)
	err = d.forgetHighWatermark(p)
	if err == nil {
		err = l.makeFiles()
	}
	if err != nil {
		// Nothing was acknowledged of it: what is there of the directory goes at the next try or start.
		return nil, fmt.Errorf("create %v: %w: %w", p, ErrStorage, err)
	}
	return l, nil
}

// emptiest answers the directory with the fewest partitions, or nil when none works, and notes it for p, which is being
// made: those that are made at the same time count it.
func (s *Store) emptiest(p Partition) (best *directory) {
	if len(s.directories) == 1 && s.directories[0].err() == nil {
		return s.directories[0]
	}
	counts := map[*directory]int{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		counts[l.directory]++
	}
	for _, c := range s.making { // many are made at a time
		counts[c.directory]++
	}
	for _, d := range s.directories {
		if d.err() == nil && d.forPartitions() && (best == nil || counts[d] < counts[best]) {
			best = d
		}
	}
	s.making[p].directory = best
	return best
}

// forPartitions tells whether the directory is one of log.dirs, and not of the metadata log alone.
func (d *directory) forPartitions() bool {
	for _, dir := range d.store.cfg.Dirs {
		if path.Clean(dir) == d.path {
			return true
		}
	}
	return false
}

// makeFiles makes the partition's directory, its metadata and its first segment; all names are durable when it returns,
// before any journal record of the partition.
func (l *Log) makeFiles() error {
	fsys := l.store.cfg.FS
	if err := fsys.RemoveAll(l.path); err != nil && !isNotExist(err) { // the debris of a Create that did not get through
		return err
	}
	if err := fsys.MkdirAll(l.path); err != nil {
		return err
	}
	seg := newSegment(l.store.files, l.path, 0, l.store.cfg.Now(), l.config.Load())
	if err := seg.makeNew(); err != nil {
		return err
	}
	l.segments.Store(&[]*segment{seg})
	if err := vfs.WriteFileAtomic(fsys, path.Join(l.path, partitionMetaFile), formatPartitionMeta(l.topicID)); err != nil {
		return err
	}
	return fsys.SyncDir(l.directory.path)
}

// adopt holds the log against the topic that it is asked for. A log whose partition.metadata was lost takes the id; what
// it holds is nobody's guess, so it is unclean.
func (l *Log) adopt(topicID uuid) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topicID == topicID {
		return nil
	}
	if l.topicID != (uuid{}) {
		return fmt.Errorf("%w: %v, not %v", ErrTopicID, l.topicID, topicID)
	}
	if err := vfs.WriteFileAtomic(l.store.cfg.FS, path.Join(l.path, partitionMetaFile), formatPartitionMeta(topicID)); err != nil {
		return l.directory.fail(err)
	}
	l.topicID = topicID
	if l.end.Load() > 0 {
		l.unclean.Store(true)
	}
	return nil
}

// SetConfig changes the log's configuration. A change of flush.policy first makes everything durable that the old one
// left behind, then switches.
func (l *Log) SetConfig(cfg LogConfig) {
	if l.configure(&cfg) {
		return
	}
	old := l.config.Load()
	if old.FlushPolicy == cfg.FlushPolicy {
		l.config.Store(&cfg)
		return
	}
	if err := l.switchPolicy(&cfg); err != nil {
		l.directory.fail(fmt.Errorf("change flush.policy of %v: %w", l.partition, err))
	}
}

// configure gives a log that was found at the start its first configuration. All that it holds is synced, so either
// policy may go on. An os log that was not closed cleanly may have lost what was acknowledged from the page cache.
func (l *Log) configure(cfg *LogConfig) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.found {
		return false
	}
	l.found = false
	l.config.Store(cfg)
	if cfg.FlushPolicy == FlushOS && l.crashed {
		l.unclean.Store(true)
	}
	return true
}

func (l *Log) switchPolicy(cfg *LogConfig) error {
	if cfg.FlushPolicy == FlushOS {
		// What is queued must reach the journal before the first append that does not: wait for a record of our own.
		done := make(chan error, 1)
		l.mu.Lock()
		l.config.Store(cfg)
		l.enqueue(journal.Record{Type: journal.LogStart, BaseOffset: l.start.Load()}, noEnd, done)
		l.mu.Unlock()
		if err := l.directory.await(done); err != nil {
			return err
		}
	}
	if err := l.flush(true); err != nil {
		return err
	}
	if cfg.FlushPolicy == FlushJournal {
		if err := l.switchToJournal(cfg); err != nil {
			return err
		}
	}
	return l.directory.writeCheckpoints()
}

// switchToJournal syncs the little that was appended since the flush and switches before anything else is: this once with
// the mutex held, because a journaled append must not follow bytes that a power loss may take.
func (l *Log) switchToJournal(cfg *LogConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range *l.segments.Load() {
		if !s.dirty {
			continue
		}
		if err := s.log.sync(); err != nil {
			return err
		}
		s.dirty = false
	}
	l.recoveryPoint = l.end.Load()
	l.config.Store(cfg)
	l.markDirty()
	return nil
}

// Delete removes the log: a DELETE record, the directory renamed, its files unlinked later. Nothing of it is served from
// the moment it is called.
func (s *Store) Delete(p Partition) error {
	s.mu.Lock()
	l := s.logs[p]
	delete(s.logs, p)
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	if err := s.deleteLog(l); err != nil {
		return fmt.Errorf("delete %v: %w", p, err)
	}
	return nil
}

func (s *Store) deleteLog(l *Log) error {
	done := make(chan error, 1)
	l.mu.Lock()
	l.deleted.Store(true)
	l.enqueue(journal.Record{Type: journal.Delete}, noEnd, done)
	delay := l.config.Load().FileDeleteDelay
	l.mu.Unlock()
	if err := l.directory.await(done); err != nil {
		return err
	}
	gone, err := l.renameAway()
	if err != nil {
		return l.directory.fail(err)
	}
	l.tellDurable(l.durable.Load(), ErrDeleted)
	s.later(delay, func() error { return s.cfg.FS.RemoveAll(gone) })
	return nil
}

// renameAway gives the directory a name that nothing reads, and closes its files.
func (l *Log) renameAway() (string, error) {
	l.swapping.Lock()
	defer l.swapping.Unlock()
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seg := range *l.segments.Load() {
		for _, f := range seg.files() {
			f.close()
		}
	}
	name := l.partition.String()
	unique := "." + newUUID().String() + deleteSuffix
	if len(name)+len(unique) > 255 { // what file systems take
		name = name[:255-len(unique)]
	}
	gone := l.directory.file(name + unique)
	fsys := l.store.cfg.FS
	return gone, errors.Join(fsys.Rename(l.path, gone), fsys.SyncDir(l.directory.path))
}
