package commitlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Run commits, checkpoints, retains and deletes until ctx ends; then it shuts down cleanly: what was appended is durable,
// snapshots and checkpoints are written, and the marker says so. It returns the error that took the last directory, or
// the one of the metadata log, offline.
func (s *Store) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var committers, others errgroup.Group
	for _, d := range s.directories {
		committers.Go(func() error { d.newCommitter().run(); return nil })
		others.Go(func() error { d.checkpointLoop(inner); return nil })
		others.Go(func() error { d.writebackLoop(inner.Done()); return nil })
		others.Go(func() error { d.watch(inner, cancel); return nil })
	}
	others.Go(func() error { s.housekeepingLoop(inner); return nil })
	others.Go(func() error { s.cleanerLoop(inner); return nil })

	<-inner.Done()
	s.closing.Store(true)
	for _, d := range s.directories {
		d.mu.Lock()
		d.draining = true
		d.room.Broadcast()
		d.mu.Unlock()
		signal(d.wake)
	}
	_ = committers.Wait() // none of them answers an error
	_ = others.Wait()
	return s.shutdown()
}

// watch cancels the store when it cannot go on without d.
func (d *directory) watch(ctx context.Context, cancel context.CancelFunc) {
	select {
	case <-ctx.Done():
	case <-d.down:
		online := 0
		for _, other := range d.store.directories {
			if other.err() == nil {
				online++
			}
		}
		if online == 0 || d == d.store.metadata {
			cancel()
		}
	}
}

// shutdown writes everything down and gives the directories back.
func (s *Store) shutdown() error {
	var errs []error
	for _, d := range s.directories {
		if d.err() == nil {
			if err := d.shutdown(); err != nil {
				errs = append(errs, fmt.Errorf("shut down %s: %w", d.path, err))
			}
		}
	}
	online := 0
	for _, d := range s.directories {
		if d.err() == nil {
			online++
		}
	}
	if err := s.metadata.err(); err != nil {
		errs = append(errs, err)
	} else if online == 0 {
		errs = append(errs, s.directories[0].err())
	}
	return errors.Join(append(errs, s.abandon())...)
}

func (d *directory) shutdown() error {
	if err := d.drain(); err != nil {
		return d.fail(err)
	}
	for _, l := range d.logs() {
		if err := l.flush(true); err != nil {
			return d.fail(err)
		}
	}
	if err := d.writeHighWatermarks(); err != nil {
		return d.fail(err)
	}
	next := d.journal.Sequence() + 1
	gen, err := d.journal.Rotate()
	if err != nil {
		return d.fail(err)
	}
	d.rotated(closedGen{gen: gen, next: next})
	if err := d.makeCheckpoint(); err != nil {
		return err
	}
	if err := d.journal.Release(gen); err != nil {
		return d.fail(err)
	}
	if err := d.journal.Close(); err != nil {
		return d.fail(err)
	}
	d.journal = nil
	return vfs.WriteFileAtomic(d.store.cfg.FS, d.file(cleanShutdownFile), cleanMarker())
}

// drain commits what appends that were under way when the store closed have queued since the committer ended.
func (d *directory) drain() error {
	for _, l := range d.logs() {
		l.mu.Lock()   // whoever comes behind sees that the store is closing
		l.mu.Unlock() //nolint:staticcheck // the lock is the wait
	}
	d.mu.Lock()
	work := d.queue
	d.queue = nil
	d.mu.Unlock()
	return d.newCommitter().commit(work)
}

// Close gives up a store that Run does not serve, as a crash would leave it.
func (s *Store) Close() error {
	s.closing.Store(true)
	return s.abandon()
}

func (s *Store) abandon() error {
	var errs []error
	for _, d := range s.directories {
		if d.journal != nil {
			errs = append(errs, d.journal.Close())
			d.journal = nil
		}
		if d.lock != nil {
			errs = append(errs, d.lock.Close())
			d.lock = nil
		}
	}
	s.files.closeIdle()
	return errors.Join(errs...)
}

// housekeepingLoop writes high watermarks, checks retention, and unlinks what was deleted.
func (s *Store) housekeepingLoop(ctx context.Context) {
	retention, marks := time.NewTicker(s.cfg.RetentionInterval), time.NewTicker(s.cfg.HighWatermarkEvery)
	defer retention.Stop()
	defer marks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-retention.C:
			now, jumped := s.clock.at(s.cfg.Now(), s.cfg.RetentionInterval)
			if jumped {
				s.log.Warn("the clock jumped; this check does not believe it")
			}
			s.retain(now)
		case <-marks.C:
			for _, d := range s.directories {
				if d.err() != nil {
					continue
				}
				if err := d.writeHighWatermarks(); err != nil {
					d.fail(err)
				}
			}
			s.removeDue()
		}
	}
}

// later has fn called once delay has passed, or at the next start's clean-up.
func (s *Store) later(delay time.Duration, fn func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removals = append(s.removals, removal{s.cfg.Now().Add(delay), fn})
}

func (s *Store) removeDue() {
	now := s.cfg.Now()
	s.mu.Lock()
	var due []removal
	s.removals = slices.DeleteFunc(s.removals, func(r removal) bool {
		if r.at.After(now) {
			return false
		}
		due = append(due, r)
		return true
	})
	s.mu.Unlock()
	for _, r := range due {
		if err := r.fn(); err != nil {
			s.log.Warn("a deleted file cannot be removed", "error", err)
		}
	}
}
