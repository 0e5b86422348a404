package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// FuzzDirectory mutates a journal directory: it opens or refuses. No panic, no wrong record, and what lies in
// front of the damage is never lost by a journal that opens.
//
// Each mutation of the program is five bytes: which file, where (two), how, and with what.
func FuzzDirectory(f *testing.F) {
	f.Add(uint8(0), []byte{})
	for v := range uint8(4) {
		f.Add(v, []byte{0, 10, 0, 0, 1})                     // a flip
		f.Add(v, []byte{1, 200, 3, 1, 0})                    // a cut
		f.Add(v, []byte{2, 0, 0, 2, 0, 0, 255, 1, 3, 7})     // zeros, garbage
		f.Add(v, []byte{0, 0, 0, 4, 0})                      // a missing file
		f.Add(v, []byte{1, 1, 1, 5, 9, 0, 250, 250, 0, 255}) // a moved stretch
	}
	f.Fuzz(func(t *testing.T, which uint8, program []byte) {
		v := variants[int(which)%len(variants)]
		if v.engine == engine.Ring && !v.memory {
			v = variants[3] // the ring on the memory disk does the same
		}
		const size = 200
		g := newGolden(t, newBench(t, v), 30, size, 10)
		names := g.names()
		first := len(names) // index of the first file touched
		for ; len(program) >= 5; program = program[5:] {
			i := int(program[0]) % len(names)
			if g.files[names[i]] != nil {
				first = min(first, i)
				g.files[names[i]] = mutate(g.files[names[i]], program[1:5])
			}
		}
		all, err := g.with(t, "", nil)
		if err != nil {
			return
		}
		for _, s := range all {
			if !same(s.Record, numbered(int(s.BaseOffset), size)) {
				t.Fatalf("record %d is wrong", s.BaseOffset)
			}
		}
		// Whole files in front of the first change, which are known to be there by the next.
		for i := range g.groups {
			whole := first == len(names) || g.groups[i].file < names[first]
			if whole && (len(all) <= i || all[i].BaseOffset != int64(i)) {
				t.Fatalf("record %d was in front of the damage and is lost: %d records", i, len(all))
			}
		}
	})
}

func (g *golden) names() []string {
	var names []string
	for _, s := range g.groups {
		if len(names) == 0 || names[len(names)-1] != s.file {
			names = append(names, s.file)
		}
	}
	return names
}

func mutate(b []byte, how []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := (int(how[0]) | int(how[1])<<8) % len(b)
	end := min(len(b), at+1+int(how[3])*4)
	switch how[2] % 6 {
	case 0:
		b[at] ^= max(how[3], 1)
	case 1:
		return b[:at]
	case 2:
		clear(b[at:end])
	case 3:
		for i := at; i < end; i++ {
			b[i] = b[i]*31 + how[3]
		}
	case 4:
		return nil
	case 5:
		copy(b[at/2:], b[at:end])
	}
	return b
}

// BenchmarkCommit writes groups of 64 records of 16 KiB to the disk under $MAINSTEM_BENCH_DIR, or the
// temporary directory.
func BenchmarkCommit(b *testing.B) {
	for _, v := range variants {
		if v.memory {
			continue
		}
		b.Run(v.name, func(b *testing.B) {
			options := v.options
			options.FileBytes = 256 << 20
			benchmarkCommit(b, v.engine, options)
		})
	}
}

func benchmarkCommit(b *testing.B, name string, options journal.Options) {
	j, err := engine.Open(name, vfs.OS, filepath.Join(b.TempDir(), "journal"), options)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	recs := make([]journal.Record, 64)
	for i := range recs {
		recs[i] = numbered(i, 16<<10)
	}
	b.SetBytes(int64(len(recs)) << 14)
	b.ReportAllocs()
	for b.Loop() {
		pos, err := j.Commit(recs)
		if err == nil && pos.Full {
			var closed journal.Gen
			if closed, err = j.Rotate(); err == nil {
				err = j.Release(closed)
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
