package commitlog

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// dirt is what the cleaner would find in a log: segments [0, clean) below the cleaner point, [clean, limit) behind it.
type dirt struct {
	log       *Log
	list      []*segment // as of now
	from      int64      // the cleaner point: keys from here on were not looked at yet
	limit     int        // segments from here on must stay as they are
	waiting   bool       // more could be cleaned if a checkpoint covered it
	clean     int64      // bytes of segments below from
	dirty     int64      // and of those behind
	earliest  int64      // timestamp of the first dirty batch; NoTimestamp without any
	allDirty  int64      // dirty, as if a checkpoint covered everything
	forced    bool       // max.compaction.lag.ms has passed
	wantRatio float64
}

// ratio is Kafka's dirty ratio: dirty bytes over all that a round would read.
func ratio(dirty, clean int64) float64 {
	if dirty == 0 {
		return 0
	}
	return float64(dirty) / float64(dirty+clean)
}

func (d *dirt) ratio() float64 { return ratio(d.dirty, d.clean) }

// due tells whether a round is wanted (Kafka's LogCleanerManager.grabFilthiestCompactedLog).
func (d *dirt) due() bool { return d.dirty > 0 && (d.forced || d.ratio() > d.wantRatio) }

// dueOnceSettled tells whether a round will be wanted when the checkpoints have caught up.
func (d *dirt) dueOnceSettled() bool {
	return d.waiting && d.allDirty > d.dirty && (d.forced || ratio(d.allDirty, d.clean) > d.wantRatio)
}

// dirtAt measures the log. What may be cleaned ends before the active segment, the first segment that reaches to the
// last stable offset, that a replay of the journal could write to, or that is younger than min.compaction.lag.ms (RET-3).
func (l *Log) dirtAt(now time.Time) (dirt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cfg, list := l.config.Load(), *l.segments.Load()
	d := dirt{log: l, list: list, from: l.cleanerPoint, earliest: record.NoTimestamp, wantRatio: cfg.MinCleanableRatio}
	if d.from < l.start.Load() || d.from > l.end.Load() { // RET-7: the cleaner point follows the log start
		d.from = l.start.Load()
	}
	stable := l.highWatermark.Load()
	if first, ok := l.FirstUnstableOffset(); ok {
		stable = min(stable, first)
	}
	for i, s := range list[:len(list)-1] {
		bound := list[i+1].base
		if bound > stable {
			break
		}
		if bound > d.from {
			young, err := d.young(s, now, cfg)
			if err != nil {
				return d, fmt.Errorf("measure what is dirty in %v: %w", l.partition, err)
			}
			if young {
				break
			}
			d.allDirty += s.size.Load()
		}
		switch {
		case bound > l.settled:
			d.waiting = true
		case bound > d.from:
			d.dirty += s.size.Load()
			d.limit = i + 1
		default:
			d.clean += s.size.Load()
			d.limit = i + 1
		}
	}
	if cfg.MaxCompactionLag > 0 && d.earliest >= 0 {
		d.forced = now.UnixMilli()-d.earliest > cfg.MaxCompactionLag.Milliseconds()
	}
	return d, nil
}

// young looks at the times of a dirty segment.
func (d *dirt) young(s *segment, now time.Time, cfg *LogConfig) (bool, error) {
	if cfg.MinCompactionLag > 0 {
		if err := s.loadTimes(cfg.IndexIntervalBytes); err != nil {
			return false, err
		}
		if s.maxTime > now.Add(-cfg.MinCompactionLag).UnixMilli() {
			return true, nil
		}
	}
	if d.earliest != record.NoTimestamp || s.size.Load() == 0 {
		return false, nil
	}
	if err := s.loadFirstTime(); err != nil {
		return false, err
	}
	d.earliest = s.firstTime
	return false, nil
}
