package metric

import (
	"math"
	"testing"
)

func TestQuantilesLieInTheirBucket(t *testing.T) {
	h := NewHistogram(1, 2, 4)
	for range 90 {
		h.Observe(0.5)
	}
	for range 10 {
		h.Observe(3)
	}
	s := h.Snapshot()
	if s.Count != 100 || math.Abs(s.Sum-75) > 1e-9 {
		t.Fatalf("count %d, sum %v", s.Count, s.Sum)
	}
	if q := s.Quantile(0.5); q <= 0 || q > 1 {
		t.Errorf("median %v", q)
	}
	if q := s.Quantile(0.99); q <= 2 || q > 4 {
		t.Errorf("p99 %v", q)
	}
	if q := (&Snapshot{}).Quantile(0.5); q != 0 {
		t.Errorf("quantile of nothing: %v", q)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	h := NewHistogram(Seconds()...)
	if n := testing.AllocsPerRun(100, func() { h.Observe(0.01) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
