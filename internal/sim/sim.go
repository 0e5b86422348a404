package sim

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// Sim is one simulated world. The embedded source is the only randomness in it.
type Sim struct {
	*rand.Rand
	seed   uint64
	start  time.Time
	now    time.Duration
	order  uint64
	queue  queue
	trace  []string // the last lines only
	digest uint64
	lines  int
}

// traceLines is how many lines of the trace are kept for a failure's report.
const traceLines = 400

// New makes a world. Its clock begins at the same moment for every seed.
func New(seed uint64) *Sim {
	return &Sim{Rand: rand.New(rand.NewPCG(seed, 0x6d61696e7374656d)), seed: seed, start: time.Unix(1_800_000_000, 0)}
}

// Seed is what the world was made from.
func (s *Sim) Seed() uint64 { return s.seed }

// Now is the simulated time.
func (s *Sim) Now() time.Time { return s.start.Add(s.now) }

// Elapsed is the simulated time since the beginning.
func (s *Sim) Elapsed() time.Duration { return s.now }

// After schedules fn. A negative delay is none.
func (s *Sim) After(d time.Duration, fn func()) {
	s.order++
	heap.Push(&s.queue, event{at: s.now + max(d, 0), order: s.order, fn: fn})
}

// Every calls fn again and again, the first time after one interval, for as long as it answers true.
func (s *Sim) Every(d time.Duration, fn func() bool) {
	s.After(d, func() {
		if fn() {
			s.Every(d, fn)
		}
	})
}

// Between is a random duration in [lo, hi).
func (s *Sim) Between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(s.Int64N(int64(hi-lo)))
}

// Chance is true with probability p.
func (s *Sim) Chance(p float64) bool { return s.Float64() < p }

// Step lets the next event happen. It answers false when there is none.
func (s *Sim) Step() bool {
	if len(s.queue) == 0 {
		return false
	}
	e := heap.Pop(&s.queue).(event)
	s.now = e.at
	e.fn()
	return true
}

// Run lets events happen for d of simulated time, with check after each. It stops at the first error that check answers.
func (s *Sim) Run(d time.Duration, check func() error) error {
	for end := s.now + d; len(s.queue) > 0 && s.queue[0].at <= end; {
		s.Step()
		if err := check(); err != nil {
			return fmt.Errorf("seed %d, after %v: %w", s.seed, s.now, err)
		}
	}
	return nil
}

// Until lets events happen until done answers true; the error says that it did not within d.
func (s *Sim) Until(d time.Duration, check func() error, done func() bool) error {
	for end := s.now + d; len(s.queue) > 0 && s.queue[0].at <= end; {
		if done() {
			return nil
		}
		s.Step()
		if err := check(); err != nil {
			return fmt.Errorf("seed %d, after %v: %w", s.seed, s.now, err)
		}
	}
	if done() {
		return nil
	}
	return fmt.Errorf("seed %d, after %v: not within %v", s.seed, s.now, d)
}

// Tracef adds a line to the trace.
func (s *Sim) Tracef(format string, args ...any) {
	line := fmt.Sprintf("%12v "+format, append([]any{s.now}, args...)...)
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s", s.digest, line)
	s.digest = h.Sum64()
	s.lines++
	if s.trace = append(s.trace, line); len(s.trace) >= 2*traceLines {
		s.trace = append([]string(nil), s.trace[traceLines:]...)
	}
}

// Digest names the whole trace: the same seed has the same.
func (s *Sim) Digest() string { return fmt.Sprintf("%d lines, %016x", s.lines, s.digest) }

// Tail is the end of the trace, for a report.
func (s *Sim) Tail(lines int) string {
	return strings.Join(s.trace[max(0, len(s.trace)-lines):], "\n")
}

type event struct {
	at    time.Duration
	order uint64
	fn    func()
}

// queue is a heap by time, then by order of scheduling.
type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)   { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = event{}
	*q = (*q)[:len(*q)-1]
	return last
}
