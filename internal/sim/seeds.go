package sim

import (
	"crypto/rand"
	"fmt"
	prng "math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Seeds runs fn for n seeds (fewer under the race detector), or for as many as SIM_SEEDS says, or for SIM_SEED alone. The
// first failure ends it and names its seed.
func Seeds(t *testing.T, n uint64, fn func(t *testing.T, seed uint64)) {
	t.Helper()
	first, n := uint64(0), max(1, n/seedShare)
	if v, err := strconv.ParseUint(os.Getenv("SIM_SEEDS"), 10, 64); err == nil {
		n = v
	}
	if v, err := strconv.ParseUint(os.Getenv("SIM_SEED"), 10, 64); err == nil {
		first, n = v, 1
	}
	for seed := first; seed < first+n; seed++ {
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { fn(t, seed) }) {
			t.Fatalf("SIM_SEED=%d go test -run '%s'", seed, t.Name())
		}
	}
}

// ReplaceRand makes crypto/rand.Reader answer from a seed until the test ends. It is global.
func ReplaceRand(t testing.TB, seed uint64) {
	t.Helper()
	old := rand.Reader
	rand.Reader = reader{prng.New(prng.NewPCG(seed, 0x72616e64))}
	t.Cleanup(func() { rand.Reader = old })
}

type reader struct{ source *prng.Rand }

func (r reader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.source.Uint32())
	}
	return len(b), nil
}
