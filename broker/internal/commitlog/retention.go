package commitlog

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// jumpTolerance is how far a wall clock may run ahead of the time that really passed between two checks before it is not
// believed for one check (P12).
const jumpTolerance = time.Minute

// saneClock holds the wall clock against the time that passed. A clock that jumped forward counts from the next check
// on: a jump that is taken back before has deleted nothing.
type saneClock struct{ last time.Time }

// at answers the time that this check goes by, elapsed after the last one.
func (c *saneClock) at(wall time.Time, elapsed time.Duration) (now time.Time, jumped bool) {
	now = wall
	if !c.last.IsZero() && wall.Sub(c.last) > elapsed+jumpTolerance {
		now, jumped = c.last.Add(elapsed), true
	}
	c.last = wall
	return now, jumped
}

// retain removes what the logs' configurations no longer keep, and forgets expired producers. Now is read once a check.
func (s *Store) retain(now time.Time) {
	for _, l := range s.Logs() {
		if l.usable() != nil {
			continue
		}
		if err := l.retain(now); err != nil && l.usable() == nil {
			s.log.Error("retention failed", "topic", l.partition.Topic, "partition", l.partition.Index, "error", err)
		}
	}
}

func (l *Log) retain(now time.Time) error {
	expiry := l.store.cfg.ProducerExpiration()
	l.swapping.Lock()
	defer l.swapping.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	l.state.expire(now, expiry)
	start, err := l.retainedFrom(now)
	if err != nil {
		return fmt.Errorf("retention of %v: %w", l.partition, err)
	}
	if start > l.start.Load() {
		l.moveStart(start, nil)
	}
	if err := l.dropBefore(l.start.Load()); err != nil {
		return l.directory.fail(fmt.Errorf("retention of %v: %w", l.partition, err))
	}
	return nil
}

// retainedFrom answers the log start that time and size leave: whole segments go, oldest first, never at or beyond the
// high watermark (RET-1; UnifiedLog.deletableSegments). When even the active segment expired, it is rolled and goes.
func (l *Log) retainedFrom(now time.Time) (int64, error) {
	cfg := l.config.Load()
	start := l.start.Load()
	if !cfg.Delete {
		return start, nil
	}
	list := *l.segments.Load()
	excess := int64(-1)
	if cfg.RetentionBytes >= 0 {
		excess = l.Size() - cfg.RetentionBytes
	}
	for i, s := range list {
		active := i == len(list)-1
		end := l.end.Load()
		if !active {
			end = list[i+1].base
		}
		if end > l.highWatermark.Load() || s.size.Load() == 0 && active {
			return start, nil
		}
		expired, err := s.expired(now, cfg)
		if err != nil {
			return start, err
		}
		tooMuch := excess >= s.size.Load()
		if !expired && !tooMuch && end > start {
			return start, nil
		}
		excess -= s.size.Load()
		if active {
			if err := l.roll(end, l.store.cfg.Now()); err != nil {
				return start, err
			}
		}
		start = max(start, end)
	}
	return start, nil
}

// expired tells whether all of the segment is older than age, by its largest timestamp. A segment without timestamps
// counts from the last change of its file.
func (s *segment) expired(now time.Time, cfg *LogConfig) (bool, error) {
	age := cfg.RetentionAge
	if age < 0 {
		return false, nil
	}
	if err := s.loadTimes(cfg.IndexIntervalBytes); err != nil {
		return false, err
	}
	if s.maxTime > record.NoTimestamp {
		return now.UnixMilli()-s.maxTime > age.Milliseconds(), nil
	}
	info, err := s.log.cache.fs.Stat(s.log.path())
	if err != nil {
		return false, err
	}
	return now.Sub(info.ModTime()) > age, nil
}
