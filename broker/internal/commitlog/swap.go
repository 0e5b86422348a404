package commitlog

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// How a cleaned segment takes the place of those that it was made of, so that a crash at any point leaves the one or the
// others whole (storage.md 8, rule 6):
//
//  1. its four files are written with the suffix .cleaned, and synced;
//  2. the indexes are renamed to .swap, syncdir, then the log: from here on the new segment counts;
//  3. the old segments get .deleted names, the new indexes theirs, syncdir, then the new log its own, syncdir.
//
// A start that finds a .log.swap does step 3 again; without one, it removes what lies about. A segment ends where the
// next begins, so the new one itself says which old ones it replaces.

// newCleanedSegment makes the segment that the cleaner writes for base.
func newCleanedSegment(l *Log, base int64) *segment {
	s := newSegment(l.store.files, l.path, base, l.store.cfg.Now(), l.config.Load())
	for _, f := range s.files() {
		f.name += cleanedSuffix // nobody else has the files yet
	}
	return s
}

// discard removes a segment that did not come into its place.
func (s *segment) discard() error {
	for _, f := range s.files() { // .log first: without it, the others say nothing
		if err := f.remove(); err != nil && !isNotExist(err) {
			return fmt.Errorf("discard a cleaned segment: %w", err)
		}
	}
	return nil
}

// replace puts s, which is durable under its .cleaned names, in the place of the segments old, or answers errGaveUp when
// the log has changed since cuts was read.
func (l *Log) replace(s *segment, old []*segment, cuts int64) error {
	l.swapping.Lock()
	defer l.swapping.Unlock()
	if !l.has(old) || cuts != l.cuts.Load() || l.deleted.Load() {
		return errGaveUp
	}
	if err := l.commitSwap(s); err != nil {
		return fmt.Errorf("put in cleaned segment %d of %v: %w", s.base, l.partition, err)
	}
	err := l.swapIn(s, old)
	if err == nil {
		err = l.finishSwap(s)
	}
	if err != nil {
		return l.directory.fail(fmt.Errorf("put in cleaned segment %d of %v: %w", s.base, l.partition, err))
	}
	return nil
}

// has tells whether all of the segments are in the list.
func (l *Log) has(segments []*segment) bool {
	list := *l.segments.Load()
	i := slices.Index(list, segments[0])
	return i >= 0 && i+len(segments) < len(list) && slices.Equal(list[i:i+len(segments)], segments)
}

// commitSwap is step 2.
func (l *Log) commitSwap(s *segment) error {
	fsys := l.store.cfg.FS
	for _, f := range s.files()[1:] {
		if err := f.rename(strings.TrimSuffix(f.path(), cleanedSuffix) + swapSuffix); err != nil {
			return err
		}
	}
	if err := fsys.SyncDir(l.path); err != nil {
		return err
	}
	if err := s.log.rename(strings.TrimSuffix(s.log.path(), cleanedSuffix) + swapSuffix); err != nil {
		return err
	}
	if err := fsys.SyncDir(l.path); err != nil {
		return l.directory.fail(err) // it may count after the next start, or not
	}
	return nil
}

// swapIn is step 3 as far as readers see it.
func (l *Log) swapIn(s *segment, old []*segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := *l.segments.Load()
	i := slices.Index(list, old[0])
	next := slices.Concat(list[:i], []*segment{s}, list[i+len(old):])
	l.segments.Store(&next)
	if err := l.retire(old); err != nil {
		return err
	}
	for _, f := range s.files()[1:] {
		if err := f.rename(strings.TrimSuffix(f.path(), swapSuffix)); err != nil {
			return err
		}
	}
	return nil
}

// finishSwap is the end of it: the log has its name when everything else is durable.
func (l *Log) finishSwap(s *segment) error {
	fsys := l.store.cfg.FS
	if err := fsys.SyncDir(l.path); err != nil {
		return err
	}
	if err := s.log.rename(strings.TrimSuffix(s.log.path(), swapSuffix)); err != nil {
		return err
	}
	return fsys.SyncDir(l.path)
}

// resumeSwaps is step 3 at a start, for every segment that step 2 made count. Other leftovers of the cleaner are removed.
func (l *Log) resumeSwaps(leftovers []string) error {
	if len(leftovers) == 0 {
		return nil
	}
	fsys := l.store.cfg.FS
	for _, name := range leftovers {
		base, ok := parseOffsetName(path.Base(name), logSuffix+swapSuffix)
		if !ok {
			continue
		}
		if err := l.resumeSwap(base); err != nil {
			return fmt.Errorf("finish the swap of segment %d: %w", base, err)
		}
	}
	for _, name := range leftovers {
		if err := fsys.Remove(name); err != nil && !isNotExist(err) {
			return err
		}
	}
	return fsys.SyncDir(l.path)
}

func (l *Log) resumeSwap(base int64) error {
	s := newCleanedSegment(l, base)
	for _, f := range s.files() {
		f.name = strings.TrimSuffix(f.name, cleanedSuffix) + swapSuffix
	}
	size, err := s.log.size()
	if err != nil {
		return err
	}
	s.size.Store(size)
	end, err := s.lastEnd()
	if err != nil {
		return err
	}
	files, err := listPartition(l.store.cfg.FS, l.path)
	if err != nil {
		return err
	}
	for _, b := range files.bases {
		if b > base && b < end {
			if err := newSegment(l.store.files, l.path, b, l.store.cfg.Now(), nil).remove(); err != nil {
				return err
			}
		}
	}
	for _, f := range s.files()[1:] { // one that is not there was renamed before the crash
		if err := f.rename(strings.TrimSuffix(f.name, swapSuffix)); err != nil && !isNotExist(err) {
			return err
		}
	}
	err = l.finishSwap(s)
	for _, f := range s.files() {
		f.close()
	}
	return err
}

// cleanedUpTo moves the cleaner point, and writes it down: a crash before costs another round and nothing else.
func (l *Log) cleanedUpTo(end, cuts int64) error {
	l.mu.Lock()
	same := cuts == l.cuts.Load() && !l.deleted.Load()
	if same {
		l.cleanerPoint = max(end, l.start.Load())
	}
	l.mu.Unlock()
	if !same {
		return errGaveUp
	}
	if err := l.directory.writeCheckpoints(); err != nil {
		return l.directory.fail(err)
	}
	return nil
}
