package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed answers the seed of a test and prints it; E2E_SEED repeats an earlier run's choices.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano()) % 1_000_000_000
	if text := os.Getenv("E2E_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("E2E_SEED=%s: %v", text, err)
		}
		seed = n
	}
	t.Logf("E2E_SEED=%d", seed)
	return seed
}

// Random is a source for one purpose of a test with a seed.
func Random(seed uint64, purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, purpose)) }

// Times answers how often to do something: what the environment says, or the number for -short, or the other.
func Times(t testing.TB, variable string, short, full int) int {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("%s=%s: a number of cycles is wanted", variable, text)
		}
		return n
	}
	if testing.Short() {
		return short
	}
	return full
}

// between draws a duration.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
