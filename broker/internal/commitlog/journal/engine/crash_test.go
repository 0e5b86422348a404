package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// run is a scripted use of a journal, with what must be true of it after a crash at any moment.
type run struct {
	*bench
	rng *rand.Rand
	j   journal.Journal

	// needed and acked change while hooks of the disk look, in the keeper's goroutine too.
	mu        sync.Mutex // guards the fields below
	needed    journal.Gen
	neededRec int // the first record of generation needed
	acked     int // so many records are durable
	tried     int // so many were handed to Commit
}

// promise is what a crash at some moment must keep.
type promise struct {
	from                 journal.Gen
	first, atLeast, most int
}

func (r *run) promise() promise {
	r.mu.Lock()
	defer r.mu.Unlock()
	return promise{r.needed, r.neededRec, r.acked, r.tried}
}

func (r *run) size(i int) int { return (i * 7919) % 9000 }

// commit commits a group of up to five records.
func (r *run) commit() error {
	r.mu.Lock()
	from := r.tried
	r.tried += r.rng.IntN(6)
	to := r.tried
	r.mu.Unlock()
	var recs []journal.Record
	for i := from; i < to; i++ {
		recs = append(recs, numbered(i, r.size(i)))
	}
	if _, err := r.j.Commit(recs); err != nil {
		return err
	}
	r.mu.Lock()
	r.acked = to
	r.mu.Unlock()
	return nil
}

// rotate begins a generation, and sometimes releases the older ones, as a checkpoint does: first what is
// still needed is noted, then it is released.
func (r *run) rotate() error {
	closed, err := r.j.Rotate()
	if err != nil {
		return err
	}
	r.mu.Lock()
	release := r.rng.IntN(2) == 0
	if release {
		r.needed, r.neededRec = closed+1, r.acked
	}
	r.mu.Unlock()
	if release {
		return r.j.Release(closed)
	}
	return nil
}

// reopen is a restart, clean or after a crash that kept everything.
func (r *run) reopen() error {
	if err := r.j.Close(); err != nil {
		return err
	}
	var err error
	if r.j, err = r.tryOpen(); err != nil {
		return err
	}
	p := r.promise()
	all, err := replay(r.j, p.from)
	if err != nil {
		return err
	}
	if err := r.check(all, p); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// A group that was written but never acknowledged may be there: then it counts from now on.
	r.acked = r.neededRec + len(all)
	r.tried = r.acked
	return nil
}

// check says what of a promise a replay did not keep.
func (r *run) check(all []seen, p promise) error {
	for i, s := range all {
		if n := p.first + i; !same(s.Record, numbered(n, r.size(n))) {
			return fmt.Errorf("record %d of %d is wrong: %.100v", n, len(all), s.Record)
		}
	}
	if n := p.first + len(all); n < p.atLeast || n > p.most {
		return fmt.Errorf("records up to %d, acknowledged %d, tried %d", n, p.atLeast, p.most)
	}
	return nil
}

// newRun opens the journal. What the disk does on the way is a part of the run.
func newRun(b *bench, seed uint64) (*run, error) {
	r := &run{bench: b, rng: rand.New(rand.NewPCG(seed, 2))}
	var err error
	if r.j, err = b.tryOpen(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.needed = r.j.Current()
	r.mu.Unlock()
	return r, r.j.Replay(0, func(journal.Gen, journal.Record) error { return nil })
}

// steps does n random steps, and answers the first error.
func (r *run) steps(n int) error {
	for range n {
		var err error
		switch r.rng.IntN(12) {
		case 0, 1:
			err = r.rotate()
		case 2:
			err = r.reopen()
		default:
			err = r.commit()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onMemory runs test for each variant on the memory disk.
func onMemory(t *testing.T, test func(t *testing.T, b *bench, disk *vfs.Mem)) {
	for _, v := range variants {
		if v.memory {
			t.Run(v.name, func(t *testing.T) {
				disk := vfs.NewMem()
				test(t, &bench{variant: v, fs: vfs.WithFaults(disk), dir: "/data/journal"}, disk)
			})
		}
	}
}

func TestACrashAtEveryOperationKeepsWhatWasAcknowledged(t *testing.T) {
	onMemory(t, func(t *testing.T, b *bench, disk *vfs.Mem) {
		seed := seeded(t).Uint64()
		type crash struct {
			what string
			disk *vfs.Mem
			promise
		}
		var mu sync.Mutex
		var crashes []crash
		var current *run
		disk.OnOp(func(op vfs.Op, name string) {
			if op&vfs.OpChange == 0 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			p := promise{}
			if current != nil {
				p = current.promise() // before the clone: what is acknowledged later is not owed
			}
			at := uint64(len(crashes))
			clone := disk.CrashClone(vfs.Crash{Seed: seed + at, Data: vfs.Keep(at % 5), Names: vfs.Keep(at / 5 % 4)})
			if current != nil {
				p.most = current.promise().most
			}
			crashes = append(crashes, crash{fmt.Sprintf("crash %d, before %v of %s", at, op, name), clone, p})
		})
		r, err := newRun(b, seed)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		current = r
		mu.Unlock()
		if err := r.steps(max(300/slow, 60)); err != nil {
			t.Fatal(err)
		}
		if err := r.j.Close(); err != nil {
			t.Fatal(err)
		}
		disk.OnOp(nil)
		t.Logf("%d crashes", len(crashes))
		for i, c := range crashes {
			b := &bench{variant: b.variant, fs: vfs.WithFaults(c.disk), dir: b.dir}
			if err := r.recover(b, c.promise, seed+uint64(i)); err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
		}
	})
}

// recover opens a crashed disk, checks the promise, goes on for a while, crashes again and checks again.
func (r *run) recover(b *bench, p promise, seed uint64) error {
	again := &run{bench: b, rng: rand.New(rand.NewPCG(seed, 3)), needed: p.from, neededRec: p.first}
	var err error
	if again.j, err = b.tryOpen(); err != nil {
		return err
	}
	all, err := replay(again.j, p.from)
	if err != nil {
		return err
	}
	if err := again.check(all, p); err != nil {
		return err
	}
	again.acked = p.first + len(all)
	again.tried = again.acked
	if again.needed == 0 {
		again.needed = again.j.Current()
	}
	if err := again.steps(8); err != nil {
		return fmt.Errorf("after the recovery: %w", err)
	}
	q := again.promise()
	_ = again.j.Close()
	disk := b.fs.Inner().(*vfs.Mem).CrashClone(vfs.Crash{Seed: seed, Data: vfs.KeepSectors, Names: vfs.KeepNothing})
	b = &bench{variant: b.variant, fs: vfs.WithFaults(disk), dir: b.dir}
	j, err := b.tryOpen()
	if err != nil {
		return fmt.Errorf("after the second crash: %w", err)
	}
	defer j.Close()
	if all, err = replay(j, q.from); err == nil {
		err = again.check(all, q)
	}
	if err != nil {
		return fmt.Errorf("after the second crash: %w", err)
	}
	return nil
}

func TestATornGroupIsCutAsAWhole(t *testing.T) {
	onMemory(t, func(t *testing.T, b *bench, disk *vfs.Mem) {
		j := b.open(t)
		var big []journal.Record
		for i := range 40 {
			commit(t, j, numbered(i, 1000))
			big = append(big, numbered(40+i, 1000))
		}
		var torn []*vfs.Mem
		seed := seeded(t).Uint64()
		disk.OnOp(func(op vfs.Op, name string) {
			if op != vfs.OpSync || !strings.HasSuffix(name, ".ring") || len(torn) > 0 {
				return
			}
			for i := range uint64(max(400/slow, 20)) {
				torn = append(torn, disk.CrashClone(vfs.Crash{Seed: seed + i, Data: vfs.KeepTorn + vfs.Keep(i%2), Names: vfs.KeepAll}))
			}
		})
		commit(t, j, big...)
		disk.OnOp(nil)
		for _, disk := range torn {
			b := &bench{variant: b.variant, fs: vfs.WithFaults(disk), dir: b.dir}
			j, err := b.tryOpen()
			if err != nil {
				t.Fatal(err)
			}
			all := mustReplay(t, j, 0)
			if len(all) != 40 && len(all) != 80 {
				t.Fatalf("%d records: a part of a group", len(all))
			}
			wantNumbered(t, all, 0, len(all), 1000)
			_ = j.Close()
		}
	})
}

func TestAnOldGenerationInARecycledFileIsNeverReplayed(t *testing.T) {
	for _, v := range variants {
		if v.engine != engine.Ring || v.options.Fill == journal.FillNever || v.memory && v.options.Fill == journal.FillAuto {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, v)
			const perGen, size = 20, 30_000 // two thirds of a file
			for i := range 12 {             // each file is used three times
				j := b.open(t)
				all := mustReplay(t, j, 0)
				wantNumbered(t, all, max(0, i-1)*perGen, i*perGen, size)
				for n := range perGen {
					commit(t, j, numbered(i*perGen+n, size))
				}
				if i > 0 {
					if err := j.Release(j.Current() - 1); err != nil {
						t.Fatal(err)
					}
				}
				closeJournal(t, j)
				wantFiles(t, b)
			}
		})
	}
}

// wantFiles checks that the ring keeps to its number of files.
func wantFiles(t *testing.T, b *bench) {
	t.Helper()
	entries, err := b.fs.List(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 5 { // four, and one that was begun while the others were not ready
		t.Fatalf("%d files: %v", len(entries), entries)
	}
}
