package commitlog

import (
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// A consumer may ask in the middle of a batch that it must not see yet, and ask again.
func TestAnEmptyReadInTheMiddleOfABatchLeavesNoTrace(t *testing.T) {
	l := openStore(t, testConfig(vfs.NewMem())).create(Partition{"t", 0}, DefaultLogConfig())
	l.append(batchOf(t0, "before"), client())
	l.append(batchOf(t0, "a", "b", "c"), client())
	for _, maxOffset := range []int64{3, 4} {
		chunk, err := l.Read(2, maxOffset, 1<<20, true)
		if err != nil {
			t.Fatalf("up to %d: %v", maxOffset, err)
		}
		if got, want := chunk.NextOffset, map[int64]int64{3: 2, 4: 4}[maxOffset]; got != want {
			t.Errorf("up to %d: the next offset is %d, want %d", maxOffset, got, want)
		}
		if chunk.Release != nil {
			chunk.Release()
		}
	}
}
