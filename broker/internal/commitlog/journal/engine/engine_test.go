package engine_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestTheEngineMayChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	last := journal.Pos{}
	for run, name := range []string{engine.Ring, engine.Tidwall, engine.Ring} {
		j, err := engine.Open(name, vfs.OS, dir, journal.Options{FileBytes: 1 << 20, Behind: last})
		if err != nil {
			t.Fatal(err)
		}
		wantNumbered(t, mustReplay(t, j, 0), 0, 0, 10)
		pos := commit(t, j, numbered(run, 10))
		if pos.Gen <= last.Gen || pos.Sequence <= last.Sequence {
			t.Errorf("%s continues at %+v behind %+v", name, pos, last)
		}
		last = pos
		closeJournal(t, j)
		if present, err := engine.Present(vfs.OS, dir); err != nil || !slices.Equal(present, []string{name}) {
			t.Errorf("present: %v, %v", present, err)
		}
		if err := engine.Remove(name, vfs.OS, dir); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := vfs.OS.List(dir); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	disk := vfs.NewMem()
	for _, o := range []journal.Options{{IO: "mmap"}, {FileBytes: 1}, {FileBytes: 2 << 30}} {
		if j, err := engine.Open(engine.Ring, disk, "/j", o); err == nil || j != nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if _, err := engine.Open("bolt", disk, "/j", journal.Options{}); err == nil {
		t.Error("an engine that there is not")
	}
	if _, err := engine.Open(engine.Tidwall, disk, "/j", journal.Options{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("tidwall on a memory disk: %v", err)
	}
}
