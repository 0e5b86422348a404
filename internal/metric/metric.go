package metric

import (
	"math"
	"sync/atomic"
)

// Kind is the Prometheus type of a sample.
type Kind uint8

const (
	Counter Kind = iota
	Gauge
	Distribution
)

// Sample is one value at the time of a scrape.
type Sample struct {
	Name   string
	Help   string
	Kind   Kind
	Labels []string // name, value, name, value ...
	Value  float64
	Hist   *Snapshot // of a Distribution
}

// Histogram counts observations in buckets.
type Histogram struct {
	bounds []float64 // upper bounds, rising
	counts []atomic.Uint64
	sum    atomic.Uint64 // bits of a float64
}

// NewHistogram makes one with these upper bounds; an observation above all of them is counted behind the last.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// Seconds are bounds for durations from 50 microseconds to 30 seconds.
func Seconds() []float64 {
	return []float64{50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30}
}

// Sizes are bounds for counts and bytes: powers of 4 from 1 to 16 Mi.
func Sizes() []float64 {
	var out []float64
	for v := 1.0; v <= 1<<24; v *= 4 {
		out = append(out, v)
	}
	return out
}

// Observe counts one value.
func (h *Histogram) Observe(v float64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// Snapshot is a histogram at one time.
type Snapshot struct {
	Bounds []float64
	Counts []uint64 // by bucket, one more than Bounds; not cumulative
	Count  uint64
	Sum    float64
}

// Snapshot reads the histogram. Observations that come meanwhile may be in it or not.
func (h *Histogram) Snapshot() *Snapshot {
	s := &Snapshot{Bounds: h.bounds, Counts: make([]uint64, len(h.counts)), Sum: math.Float64frombits(h.sum.Load())}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
		s.Count += s.Counts[i]
	}
	return s
}

// Quantile is an estimate of the q-th quantile, interpolated in its bucket; 0 when nothing was observed.
func (s *Snapshot) Quantile(q float64) float64 {
	if s.Count == 0 {
		return 0
	}
	rank, seen, low := q*float64(s.Count), 0.0, 0.0
	for i, n := range s.Counts {
		high := low
		if i < len(s.Bounds) {
			high = s.Bounds[i]
		}
		if seen+float64(n) >= rank && n > 0 {
			return low + (high-low)*(rank-seen)/float64(n)
		}
		seen, low = seen+float64(n), high
	}
	return low
}
