package commitlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// CleanerConfig is how the cleaner works; it is read before each round.
type CleanerConfig struct {
	Threads        int           // log.cleaner.threads: logs at a time; 0 cleans nothing
	DedupeBytes    int64         // log.cleaner.dedupe.buffer.size: the maps of all threads
	LoadFactor     float64       // log.cleaner.io.buffer.load.factor: how full a map may get
	BytesPerSecond float64       // log.cleaner.io.max.bytes.per.second: read and written by each thread's share
	Backoff        time.Duration // log.cleaner.backoff.ms: rest when there is nothing to do
}

// minBackoff keeps log.cleaner.backoff.ms=0 from measuring all logs without a rest.
const minBackoff = 100 * time.Millisecond

// settleWait bounds how long a round waits for checkpoints that it asked for.
const settleWait = 10 * time.Second

// giveUpFor is how long a log that cannot be compacted is left alone.
const giveUpFor = 10 * time.Minute

// CleanerStats are counters of the cleaner since the start, for metrics.
type CleanerStats struct {
	Rounds, Failed int64
	Read, Written  int64 // bytes
	LastFill       float64
	LastTook       time.Duration
	Uncleanable    int     // logs that the cleaner gave up for now
	MaxRatio       float64 // of the dirtiest log, when last measured
	LastRun        time.Time
}

type cleanerStats struct {
	rounds, failed, read, written, tookNanos, lastRun atomic.Int64
	fill, ratio                                       atomic.Uint64 // per mille
}

// CleanerStats answers the cleaner's counters.
func (s *Store) CleanerStats() CleanerStats {
	c := &s.cleaned
	out := CleanerStats{
		Rounds: c.rounds.Load(), Failed: c.failed.Load(), Read: c.read.Load(), Written: c.written.Load(),
		LastFill: float64(c.fill.Load()) / 1000, LastTook: time.Duration(c.tookNanos.Load()), MaxRatio: float64(c.ratio.Load()) / 1000,
	}
	if ms := c.lastRun.Load(); ms > 0 {
		out.LastRun = time.UnixMilli(ms)
	}
	for _, l := range s.Logs() {
		l.mu.Lock()
		if !l.gaveUp.IsZero() {
			out.Uncleanable++
		}
		l.mu.Unlock()
	}
	return out
}

// cleanerLoop compacts, the dirtiest logs first, and rests when no log wants it.
func (s *Store) cleanerLoop(ctx context.Context) {
	if s.cfg.Cleaner == nil {
		return
	}
	var clock saneClock
	last := time.Now()
	for ctx.Err() == nil {
		cfg := s.cfg.Cleaner()
		now, jumped := clock.at(s.cfg.Now(), time.Since(last))
		last = time.Now()
		if jumped {
			s.log.Warn("the clock jumped; this round of the cleaner does not believe it")
		}
		busy := cfg.Threads > 0 && s.clean(ctx, cfg, now) > 0
		if busy {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(cfg.Backoff, minBackoff)):
		}
	}
}

// clean has each log that wants it cleaned once, and answers how many it were.
func (s *Store) clean(ctx context.Context, cfg CleanerConfig, now time.Time) int {
	due, waiting := s.dirty(now)
	if len(waiting) > 0 {
		s.settle(ctx, waiting)
		due, _ = s.dirty(now)
	}
	var done atomic.Int64
	var g errgroup.Group
	threads := max(cfg.Threads, 1)
	g.SetLimit(threads)
	for _, d := range due {
		g.Go(func() error {
			if s.cleanLog(ctx, d, cfg, now, threads) {
				done.Add(1)
			}
			return nil
		})
	}
	_ = g.Wait() // cleanLog reports by itself
	return int(done.Load())
}

// dirty answers the logs that want a round, the dirtiest first, and those that will once a checkpoint has passed.
func (s *Store) dirty(now time.Time) (due, waiting []dirt) {
	top := 0.0
	for _, l := range s.Logs() {
		if !l.config.Load().Compact || !l.cleanable() {
			continue
		}
		d, err := l.dirtAt(now)
		if err != nil {
			if l.usable() == nil {
				l.giveUpCleaning(err)
			}
			continue
		}
		top = max(top, d.ratio())
		if d.due() {
			due = append(due, d)
		} else if d.dueOnceSettled() {
			waiting = append(waiting, d)
		}
	}
	s.cleaned.ratio.Store(uint64(top * 1000))
	slices.SortStableFunc(due, func(a, b dirt) int { return cmp.Compare(b.ratio(), a.ratio()) })
	return due, waiting
}

func (l *Log) cleanable() bool {
	if l.usable() != nil || l.corrupt.Load() != nil || l.store.closing.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaveUp.IsZero() || time.Since(l.gaveUp) > giveUpFor
}

// giveUpCleaning leaves the log alone for a while: a full disk may be seen to. Nothing of it has changed.
func (l *Log) giveUpCleaning(err error) {
	l.mu.Lock()
	l.gaveUp = time.Now()
	l.mu.Unlock()
	l.store.cleaned.failed.Add(1)
	l.store.log.Error("log cannot be compacted; it stays as it is and is tried again later", "topic", l.partition.Topic, "partition", l.partition.Index, "after", giveUpFor.String(), "error", err)
}

// settle asks for checkpoints of the logs' directories and waits for them.
func (s *Store) settle(ctx context.Context, logs []dirt) {
	limit := time.After(settleWait)
	asked := map[*directory]bool{}
	for _, l := range logs {
		d := l.log.directory
		if asked[d] {
			continue
		}
		asked[d] = true
		select {
		case <-d.checkpointed: // of one before
		default:
		}
		d.mu.Lock()
		d.rotate = true
		d.mu.Unlock()
		signal(d.wake)
		select {
		case <-d.checkpointed:
		case <-d.down:
		case <-ctx.Done():
			return
		case <-limit:
			return
		}
	}
}

// cleanLog makes one round over one log. It answers whether it came to its end.
func (s *Store) cleanLog(ctx context.Context, d dirt, cfg CleanerConfig, now time.Time, threads int) bool {
	l := d.log
	keys := d.list[d.limit].base - max(d.from, d.list[0].base)
	c := &cleaning{
		ctx: ctx, log: l, cfg: l.config.Load(), now: now, dirt: d,
		keys: newOffsetMap(cfg.DedupeBytes/int64(threads), cfg.LoadFactor, keys),
		pace: newPace(cfg.BytesPerSecond / float64(threads)),
	}
	err := c.run()
	st := &s.cleaned
	st.read.Add(c.stats.Read)
	st.written.Add(c.stats.Written)
	switch {
	case err == nil:
		st.rounds.Add(1)
		st.fill.Store(uint64(c.stats.Fill * 1000))
		st.tookNanos.Store(int64(c.stats.Took))
		st.lastRun.Store(s.cfg.Now().UnixMilli())
		l.mu.Lock()
		l.gaveUp = time.Time{}
		l.mu.Unlock()
		s.log.Debug("log is compacted", "topic", l.partition.Topic, "partition", l.partition.Index, "from", d.from, "to", c.end,
			"read", c.stats.Read, "written", c.stats.Written, "records", c.stats.Records, "kept", c.stats.Kept, "took", c.stats.Took.String())
		return true
	case errors.Is(err, errGaveUp), ctx.Err() != nil, l.usable() != nil:
		return false
	default:
		l.giveUpCleaning(fmt.Errorf("compact %v: %w", l.partition, err))
		return false
	}
}

// pace keeps a cleaner within its bytes per second, a tenth of a second's worth at a time.
type pace struct {
	perSecond float64
	since     time.Time
	bytes     float64
}

func newPace(perSecond float64) *pace { return &pace{perSecond: perSecond, since: time.Now()} }

// wait counts n bytes and rests when they are too many for the time that has passed.
func (p *pace) wait(ctx context.Context, n int) error {
	p.bytes += float64(n)
	if p.bytes < p.perSecond/10 && p.bytes < cleanedChunkBytes {
		return nil
	}
	rest := time.Duration(min(p.bytes/p.perSecond, 60)*float64(time.Second)) - time.Since(p.since)
	p.bytes = 0
	if rest > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
	p.since = time.Now()
	return ctx.Err()
}
