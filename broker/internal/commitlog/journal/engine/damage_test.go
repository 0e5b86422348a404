package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
)

// The rows of the fault table (storage.md 4.10) that damage files at rest.

func TestATailCutAnywhereCostsTheLastGroupOnly(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g := newGolden(t, b, 100, 950, 0)
		last := g.last()
		for at := last.start; at < last.end; at += max(1, (last.end-last.start)/b.cases(1022)) {
			all, err := g.with(t, last.file, func(data []byte) []byte { return data[:at] })
			g.opens(t, fmt.Sprintf("cut at byte %d of [%d, %d)", at, last.start, last.end), all, err, 99)
		}
	})
}

func TestZerosBehindTheTailAreNoEntries(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g := newGolden(t, b, 100, 950, 0)
		last := g.last()
		for _, n := range []int{0, 1, 512, 4096, 1 << 20} {
			all, err := g.with(t, last.file, func(data []byte) []byte { return append(data[:last.end], make([]byte, n)...) })
			g.opens(t, fmt.Sprintf("%d zeros", n), all, err, 100)
		}
	})
}

func TestALastStretchOfZerosIsCut(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g := newGolden(t, b, 100, 950, 0)
		last := g.last()
		rng := seeded(t)
		for range b.cases(500) {
			n := rng.IntN(3001)
			want := 0
			for _, s := range g.groups {
				if s.end <= last.end-n {
					want++
				}
			}
			all, err := g.with(t, last.file, func(data []byte) []byte {
				clear(data[last.end-n : last.end])
				return data
			})
			g.opens(t, fmt.Sprintf("last %d bytes zeroed", n), all, err, want)
		}
	})
}

func TestGarbageBehindTheTailIsCut(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g := newGolden(t, b, 100, 100, 0)
		last := g.last()
		rng := seeded(t)
		for range b.cases(2000) {
			garbage := make([]byte, 1+rng.IntN(5000))
			for i := range garbage {
				garbage[i] = byte(rng.Uint32())
			}
			all, err := g.with(t, last.file, func(data []byte) []byte {
				rest := data[min(len(data), last.end+len(garbage)):]
				return slices.Concat(data[:last.end], garbage, rest)
			})
			g.opens(t, "garbage", all, err, 100)
		}
	})
}

func TestAFlippedBitIsNeverWrongData(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		for _, size := range []int{100, 1000} {
			b := newBench(t, b.variant)
			g := newGolden(t, b, 100, size, 0)
			last := g.last()
			rng := seeded(t)
			for range b.cases(2000) {
				bit := rng.IntN(8 * last.end)
				all, err := g.with(t, last.file, func(data []byte) []byte {
					data[bit/8] ^= 1 << (bit % 8)
					return data
				})
				g.refusesOrCuts(t, bit/8, all, err)
			}
		}
	})
}

// refusesOrCuts checks what a flip at a byte of the last file may lead to: a refusal when the byte is in
// front of the last group, the loss of the last group when it is in that, nothing in padding.
func (g *golden) refusesOrCuts(t *testing.T, at int, all []seen, err error) {
	t.Helper()
	i := slices.IndexFunc(g.groups, func(s span) bool { return at >= s.start && at < s.end })
	n, wrong := g.prefix(all)
	switch {
	case wrong != nil:
		t.Fatalf("flip at %d: %v", at, wrong)
	case i == len(g.groups)-1:
		g.opens(t, fmt.Sprintf("flip at %d, in the last group", at), all, err, i)
	case isDamage(err):
	case err != nil:
		t.Fatalf("flip at %d: %v", at, err)
	case i >= 0 || n != len(g.groups):
		t.Fatalf("flip at %d, in group %d: opened with %d records", at, i, n)
	}
}

// several is a journal of several files: generations, and where the engine has them segments.
func several(t *testing.T, b *bench) (g *golden, closed []span) {
	g = newGolden(t, b, 60, 40_000, 40)
	for _, s := range g.groups {
		if s.file != g.last().file {
			closed = append(closed, s)
		}
	}
	return g, closed
}

func TestALengthByteFlippedInAClosedFileIsRefused(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g, closed := several(t, b)
		rng := seeded(t)
		for range max(60/slow, 10) {
			s := closed[rng.IntN(len(closed))]
			at := s.end - g.size - 24 - 45 + 20 + rng.IntN(4) // the length field of the frame
			if rng.IntN(3) == 0 {
				at = s.start // tidwall's own length
			}
			_, err := g.with(t, s.file, func(data []byte) []byte {
				data[at] ^= byte(1 + rng.IntN(255))
				return data
			})
			if !isDamage(err) {
				t.Fatalf("length byte at %d of %s: %v", at, s.file, err)
			}
		}
	})
}

func TestAClosedFileThatIsShortOrMissingIsRefused(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g, closed := several(t, b)
		files := map[string][]span{}
		for _, s := range closed {
			files[s.file] = append(files[s.file], s)
		}
		for name, groups := range files {
			for short := 1; short <= min(3, len(groups)); short++ {
				_, err := g.with(t, name, func(data []byte) []byte { return data[:groups[len(groups)-short].start] })
				if !isDamage(err) {
					t.Errorf("%s short by %d groups: %v", name, short, err)
				}
			}
			if len(files) == 1 || groups[0] == g.groups[0] {
				continue // the first of all: only "from" can tell that it is missing
			}
			if _, err := g.with(t, name, func([]byte) []byte { return nil }); !isDamage(err) {
				t.Errorf("%s missing: %v", name, err)
			}
		}
	})
}

func TestAcceptedDamageIsSaidAndTheRestReplayed(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		var skipped []*journal.DamageError
		b.options.DamageAccept = true
		b.options.Skipped = func(d *journal.DamageError) { skipped = append(skipped, d) }
		g := newGolden(t, b, 100, 300, 40)
		if len(skipped) > 0 {
			t.Fatalf("skipped in a good journal: %v", skipped[0])
		}
		for _, victim := range []int{0, 17, 39, 40, 98} {
			skipped = nil
			s := g.groups[victim]
			all, err := g.with(t, s.file, func(data []byte) []byte {
				data[s.end-1] ^= 1
				return data
			})
			if err != nil || len(skipped) == 0 {
				t.Fatalf("group %d damaged: %v, skipped %v", victim, err, skipped)
			}
			if len(all) != 99 {
				t.Fatalf("group %d damaged: %d records", victim, len(all))
			}
			for i, rec := range all {
				if i >= victim {
					i++
				}
				if !same(rec.Record, numbered(i, g.size)) {
					t.Fatalf("group %d damaged: record %d is wrong", victim, i)
				}
			}
		}
	})
}

func TestAfterACutTheJournalGoesOn(t *testing.T) {
	onAll(t, func(t *testing.T, b *bench) {
		g := newGolden(t, b, 10, 500, 0)
		last := g.last()
		all, err := g.with(t, last.file, func(data []byte) []byte {
			data[last.end-1] ^= 1
			return data
		})
		g.opens(t, "damaged last group", all, err, 9)
		j := b.open(t)
		g.opens(t, "second replay", mustReplay(t, j, 0), nil, 9)
		commit(t, j, numbered(9, 500))
		closeJournal(t, j)
		g.opens(t, "third replay", mustReplay(t, b.open(t), 0), nil, 10)
	})
}

// seeded answers a random source. Its seed is printed when the test fails; MAINSTEM_SEED runs it again.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if s := os.Getenv("MAINSTEM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("MAINSTEM_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
