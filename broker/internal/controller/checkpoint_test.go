package controller

import (
	"fmt"
	"path"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// recovered starts a node on what is left, waits until it leads, and answers its state without offset and epoch.
func recovered(t *testing.T, fs *vfs.Mem, j *journal) []string {
	t.Helper()
	n := start(t, fs, j)
	n.submit(cluster.ElectLeaders{})
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	return describe(n.Image())[1:]
}

func TestACheckpointCarriesWhatTheJournalReleases(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	for i := range 5 {
		n.create(fmt.Sprintf("t%d", i), 2)
		if err := j.release(); err != nil {
			t.Fatal(err)
		}
		n.create(fmt.Sprintf("u%d", i), 1)
		want := describe(n.Image())[1:]
		for _, clone := range []*vfs.Mem{fs.CrashClone(vfs.Crash{}), fs.CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll})} {
			if diff := cmp.Diff(want, recovered(t, clone, j.restart())); diff != "" {
				t.Fatalf("after checkpoint %d:\n%s", i, diff)
			}
		}
	}
	if got := snapshotsIn(t, fs); len(got) != 2 {
		t.Errorf("snapshots that are kept: %v", got)
	}
	if err := j.release(); err != nil {
		t.Fatal(err)
	}
	want := describe(n.Image())[1:]
	_ = n.stop()
	if diff := cmp.Diff(want, recovered(t, fs, &journal{})); diff != "" {
		t.Errorf("from the files alone:\n%s", diff)
	}
}

func TestAnIdleCheckpointWritesNoSnapshot(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	for range 3 {
		if err := j.release(); err != nil {
			t.Fatal(err)
		}
	}
	if got := snapshotsIn(t, fs); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// TestACrashInACheckpointLosesNothing loses the power before every operation of two checkpoints, in every way a disk may.
func TestACrashInACheckpointLosesNothing(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	crashes := 0
	for round := range 2 {
		n.create(fmt.Sprintf("t%d", round), 3)
		want := describe(n.Image())[1:]
		fs.OnOp(func(op vfs.Op, name string) {
			if op&vfs.OpChange == 0 {
				return
			}
			for _, keep := range []vfs.Keep{vfs.KeepNothing, vfs.KeepAll, vfs.KeepTorn, vfs.KeepSectors} {
				crashes++
				clone := fs.CrashClone(vfs.Crash{Seed: uint64(crashes), Data: keep, Names: keep})
				if diff := cmp.Diff(want, recovered(t, clone, j.restart())); diff != "" {
					t.Fatalf("before %v of %s, keeping %d:\n%s", op, name, keep, diff)
				}
			}
		})
		if err := j.release(); err != nil {
			t.Fatal(err)
		}
		fs.OnOp(nil)
	}
	if crashes < 80 {
		t.Errorf("only %d crashes were tried", crashes)
	}
}

// TestADiskThatFailsKeepsTheJournal: a checkpoint that fails at any operation answers an error, so that the journal keeps its
// generation, and the next one succeeds.
func TestADiskThatFailsKeepsTheJournal(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	for nth := 1; ; nth++ {
		n.create(fmt.Sprintf("t%d", nth), 1)
		want := describe(n.Image())[1:]
		fs.Fail(vfs.Fault{Op: vfs.OpWrite | vfs.OpSync | vfs.OpRename | vfs.OpSyncDir | vfs.OpMkdir, Nth: nth, Err: syscall.EIO, Times: 1})
		err := j.release()
		fs.Heal()
		if diff := cmp.Diff(want, recovered(t, fs.CrashClone(vfs.Crash{}), j.restart())); diff != "" {
			t.Fatalf("operation %d failed with %v:\n%s", nth, err, diff)
		}
		if err == nil {
			if nth < 10 {
				t.Errorf("operation %d was the last", nth)
			}
			return
		}
	}
}

func TestADamagedSnapshotNeverWins(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"cut":             func(b []byte) []byte { return b[:len(b)-1] },
		"a bit flipped":   func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"no records":      func(b []byte) []byte { return emptySnapshot(t) },
		"without footer":  func(b []byte) []byte { return b[:len(b)-75] },
		"bytes behind it": func(b []byte) []byte { return append(b, b[:100]...) },
	} {
		t.Run(name, func(t *testing.T) {
			fs, j := vfs.NewMem(), &journal{}
			n := start(t, fs, j)
			n.register()
			for i := range 3 {
				n.create(fmt.Sprintf("t%d", i), 1)
				if err := j.release(); err != nil {
					t.Fatal(err)
				}
			}
			n.create("last", 1)
			want := describe(n.Image())[1:]
			_ = n.stop()
			all := snapshotsIn(t, fs)
			newest := all[len(all)-1]
			b, err := vfs.ReadFile(fs, newest)
			if err != nil {
				t.Fatal(err)
			}
			if err := vfs.WriteFileAtomic(fs, newest, spoil(b)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, recovered(t, fs, j.restart())); diff != "" {
				t.Error(diff)
			}
			if err := vfs.WriteFileAtomic(fs, all[0], nil); err != nil {
				t.Fatal(err)
			}
			if _, err := New(config(fs, j.restart())); err == nil {
				t.Error("both snapshots are gone, and the node starts")
			}
		})
	}
}

func emptySnapshot(t *testing.T) []byte {
	b, err := encodeSnapshot(metadata.Empty("test"), []quorum.NodeID{1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAHoleInTheLogIsAnError(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	n.create("a", 1)
	_ = n.stop()
	whole := j.restart().replayed
	if _, err := New(config(vfs.NewMem(), &journal{replayed: whole[1:]})); err == nil {
		t.Error("the first record is gone, and the node starts")
	}
	if _, err := New(config(vfs.NewMem(), &journal{replayed: append(whole[:1:1], whole[2:]...)})); err == nil {
		t.Error("a record in the middle is gone, and the node starts")
	}
	if err := j.release(); err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove(path.Join(dataDir, Directory, stateName)); err != nil {
		t.Fatal(err)
	}
	n = start(t, fs, &journal{replayed: whole, records: whole}) // the journal was not released: it has everything
	n.submit(cluster.ElectLeaders{})
	if n.Image().Topic("a") == nil {
		t.Error("the topic is gone")
	}
}

func TestTheLogIsCutWhenItHasGrown(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	cfg := config(fs, j)
	cfg.SnapshotBytes = 2000
	n := startWith(t, cfg)
	n.register()
	created := 0
	for ; created < 40 || len(snapshotsIn(t, fs)) < 2; created++ { // they are written in the background, when it gets to it
		if created == 5000 {
			t.Fatal("no two snapshots were written")
		}
		n.create(fmt.Sprintf("t%d", created), 2)
	}
	n.create("last", 2)
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	if len(n.saved.entries) >= created {
		t.Errorf("%d entries are kept", len(n.saved.entries))
	}
	if diff := cmp.Diff(describe(n.Image())[1:], recovered(t, fs, j.restart())); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecodeRaft(f *testing.F) {
	f.Add(raftRecord{sequence: 3, hard: &quorum.HardState{Term: 2, Vote: 1, Commit: 9}, snapshot: &position{7, 1},
		entries: []quorum.Entry{{Index: 8, Term: 2, Data: []byte("x")}, {Index: 9, Term: 2, Kind: quorum.ConfChange}}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRaft(b)
		if err != nil {
			return
		}
		again, err := decodeRaft(r.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(raftRecord{}, position{})); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	d := metadata.NewDelta(metadata.Empty("test"))
	for _, r := range cluster.Bootstrap() {
		_ = d.Apply(r)
	}
	b, err := encodeSnapshot(d.Image(7, 1), []quorum.NodeID{1, 2, 3})
	if err != nil {
		f.Fatal(err)
	}
	image, voters, err := decodeSnapshot(b, "test", position{7, 1})
	if err != nil || len(voters) != 3 || image.Feature("metadata.version") != 30 {
		f.Fatal(err, voters)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = decodeSnapshot(b, "test", position{7, 1})
		_, _ = decodeEntries(b)
		_, _ = decodeState(b, "test")
	})
}
