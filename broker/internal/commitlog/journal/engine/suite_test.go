package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// variant is one way to run the suites: an engine, its options and its disk.
type variant struct {
	name    string
	engine  string
	options journal.Options
	memory  bool
}

// variants are all there are. The tidwall engine cannot run on the memory disk.
var variants = []variant{
	{name: "ring/direct", engine: engine.Ring, options: journal.Options{IO: journal.Direct, FileBytes: 1 << 20}},
	{name: "ring/dsync", engine: engine.Ring, options: journal.Options{IO: journal.DSync, FileBytes: 1 << 20}},
	{name: "tidwall", engine: engine.Tidwall, options: journal.Options{FileBytes: 1 << 20}},
	{name: "memory/ring/direct", engine: engine.Ring, options: journal.Options{IO: journal.Direct}, memory: true},
	{name: "memory/ring/dsync", engine: engine.Ring, options: journal.Options{IO: journal.DSync}, memory: true},
	{name: "memory/ring/recycled", engine: engine.Ring, memory: true,
		options: journal.Options{IO: journal.Direct, FileBytes: 1 << 20, Fill: journal.FillAlways}},
}

// onAll runs test once for each variant, at once: most of the time is spent waiting for the disk.
func onAll(t *testing.T, test func(t *testing.T, b *bench)) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, v))
		})
	}
}

// bench is a journal directory on some disk.
type bench struct {
	variant
	fs  *vfs.FaultFS
	dir string
}

func newBench(t *testing.T, v variant) *bench {
	disk := vfs.FS(vfs.OS)
	dir := "/data/journal"
	if v.memory {
		disk = vfs.NewMem()
	} else {
		dir = filepath.Join(t.TempDir(), "journal")
	}
	return &bench{variant: v, fs: vfs.WithFaults(disk), dir: dir}
}

func (b *bench) tryOpen() (journal.Journal, error) {
	return engine.Open(b.engine, b.fs, b.dir, b.options)
}

func (b *bench) open(t *testing.T) journal.Journal {
	t.Helper()
	j, err := b.tryOpen()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// seen is a replayed record, with its generation and a payload of its own.
type seen struct {
	journal.Record
	gen journal.Gen
}

func replay(j journal.Journal, from journal.Gen) (all []seen, err error) {
	err = j.Replay(from, func(gen journal.Gen, rec journal.Record) error {
		rec.Payload = bytes.Clone(rec.Payload)
		all = append(all, seen{rec, gen})
		return nil
	})
	return all, err
}

func mustReplay(t *testing.T, j journal.Journal, from journal.Gen) []seen {
	t.Helper()
	all, err := replay(j, from)
	if err != nil {
		t.Fatalf("replay from %d: %v", from, err)
	}
	return all
}

// numbered is record i of a test, size bytes that nobody can guess from another's.
func numbered(i, size int) journal.Record {
	payload := make([]byte, size)
	for at := 0; at+8 <= size; at += 8 {
		binary.BigEndian.PutUint64(payload[at:], uint64(i)*0x9e3779b97f4a7c15+uint64(at))
	}
	for at := size &^ 7; at < size; at++ {
		payload[at] = 0xa5 // never zero: tests put zeros in its place
	}
	return journal.Record{Type: journal.Append, Partition: uint32(i % 7), LeaderEpoch: int32(i % 3), BaseOffset: int64(i),
		SegmentBase: int64(i / 10), Position: int64(i) * 100, Payload: payload}
}

func same(got journal.Record, want journal.Record) bool {
	payload := bytes.Equal(got.Payload, want.Payload)
	got.Payload, want.Payload = nil, nil
	return payload && fmt.Sprint(got) == fmt.Sprint(want)
}

// wantNumbered checks that all is records from, from+1, ... up to but not to.
func wantNumbered(t *testing.T, all []seen, from, to, size int) {
	t.Helper()
	if len(all) != to-from {
		t.Fatalf("%d records, want %d", len(all), to-from)
	}
	for i, s := range all {
		if want := numbered(from+i, size); !same(s.Record, want) {
			t.Fatalf("record %d is %.200v, want %.200v", i, s.Record, want)
		}
	}
}

func commit(t *testing.T, j journal.Journal, recs ...journal.Record) journal.Pos {
	t.Helper()
	pos, err := j.Commit(recs)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return pos
}

func rotate(t *testing.T, j journal.Journal) journal.Gen {
	t.Helper()
	closed, err := j.Rotate()
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return closed
}

func closeJournal(t *testing.T, j journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}
