package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// golden is a journal whose bytes tests damage again and again: groups of one record each.
type golden struct {
	*bench
	size   int // of a payload
	files  map[string][]byte
	groups []span
}

// span is where the group of a record lies. Padding behind it is not part of it.
type span struct {
	file       string
	start, end int
}

// newGolden writes count groups, and begins a new generation after each "each" of them; 0: never.
func newGolden(t *testing.T, b *bench, count, size, each int) *golden {
	t.Helper()
	// What is damaged here was durable: no need to wait for a disk.
	b.fs = vfs.WithFaults(unsynced{b.fs})
	if !b.memory {
		b.dir = filepath.Join(memoryDir(t), "journal")
	}
	j := b.open(t)
	for i := range count {
		if each > 0 && i > 0 && i%each == 0 {
			rotate(t, j)
		}
		commit(t, j, numbered(i, size))
	}
	closeJournal(t, j)
	g := &golden{bench: b, size: size, files: b.load(t)}
	for i := range count {
		g.groups = append(g.groups, g.find(t, i))
	}
	return g
}

// memoryDir is a directory of the operating system that is in memory, where there is one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "mainstem-journal-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// cases is how many random cases a test tries: the number of the fault table for each engine, where it is
// fastest, and fewer where the same code only has larger files or a slower disk.
func (b *bench) cases(n int) int {
	switch {
	case b.engine == engine.Ring && (!b.memory || b.options.Fill == journal.FillAlways):
		n /= 10
	case b.engine == engine.Ring && b.options.IO == journal.Direct:
		n /= 4
	}
	if testing.Short() {
		n /= 4
	}
	return max(n/slow, 1)
}

// find looks for the group of record i by its payload.
func (g *golden) find(t *testing.T, i int) span {
	const headers = 24 + 45
	payload := numbered(i, g.size).Payload
	for _, name := range slices.Sorted(maps.Keys(g.files)) {
		at := bytes.Index(g.files[name], payload)
		if at < 0 {
			continue
		}
		s := span{name, at - headers, at + g.size}
		if g.engine == engine.Tidwall {
			s.start -= len(binary.AppendUvarint(nil, uint64(headers+g.size)))
		}
		return s
	}
	t.Fatalf("record %d is in no file", i)
	return span{}
}

func (g *golden) last() span { return g.groups[len(g.groups)-1] }

// load reads every file of the journal.
func (b *bench) load(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := b.fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if e.IsDir() {
				walk(name)
			} else if files[name], err = vfs.ReadFile(b.fs, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	walk(b.dir)
	return files
}

// with puts the journal back on disk, with the file name changed, and replays it.
func (g *golden) with(t *testing.T, name string, change func([]byte) []byte) ([]seen, error) {
	t.Helper()
	if err := g.fs.RemoveAll(g.dir); err != nil {
		t.Fatal(err)
	}
	for file, data := range g.files {
		if file == name {
			data = change(bytes.Clone(data))
		}
		if data != nil { // nil: the file is missing
			g.store(t, file, data)
		}
	}
	j, err := g.tryOpen()
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return replay(j, 0)
}

func (g *golden) store(t *testing.T, name string, data []byte) {
	t.Helper()
	err := g.fs.MkdirAll(filepath.Dir(name))
	if err == nil {
		var f vfs.File
		if f, err = g.fs.Open(name, vfs.ReadWrite|vfs.Create); err == nil {
			_, err = f.WriteAt(data, 0)
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// prefix answers how many records all is, when they are the first ones, and what is wrong otherwise.
func (g *golden) prefix(all []seen) (int, error) {
	for i, s := range all {
		if !same(s.Record, numbered(i, g.size)) {
			return i, fmt.Errorf("record %d is wrong: %.100v", i, s.Record)
		}
	}
	return len(all), nil
}

// opens says that the journal opened, with these first records and nothing else.
func (g *golden) opens(t *testing.T, what string, all []seen, err error, want int) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if n, err := g.prefix(all); err != nil || n != want {
		t.Fatalf("%s: %d records, want %d; %v", what, n, want, err)
	}
}

func isDamage(err error) bool {
	var d *journal.DamageError
	return errors.As(err, &d)
}

// unsynced is a file system that does not wait for the disk.
type unsynced struct{ vfs.FS }

func (u unsynced) SyncDir(string) error { return nil }

func (u unsynced) Open(name string, flag vfs.Flag) (vfs.File, error) {
	f, err := u.FS.Open(name, flag&^(vfs.Direct|vfs.DSync))
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error { return nil }
