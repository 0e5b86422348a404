package controller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

var _ Journal = (*commitlog.Store)(nil)

// onStore runs a controller on a real store, whose journal releases its generations all the time.
func onStore(t *testing.T, fs *vfs.Mem) *node {
	t.Helper()
	store, err := commitlog.Open(commitlog.Config{FS: fs, Dirs: []string{dataDir}, NodeID: 1, ClusterID: "test", JournalFileBytes: 1 << 20,
		CheckpointInterval: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{NodeID: 1, ClusterID: store.ClusterID(), Journal: store, FS: fs, Dir: dataDir, Cluster: cluster.Config{Configs: anyConfig{}}})
	if err != nil {
		t.Fatal(err)
	}
	inner, stopController := context.WithCancel(context.Background())
	outer, stopStore := context.WithCancel(context.Background())
	ended, closed := make(chan error, 1), make(chan error, 1)
	go func() { closed <- store.Run(outer) }()
	go func() { ended <- c.Run(inner) }()
	n := &node{Controller: c, t: t}
	n.stop = sync.OnceValue(func() error {
		stopController()
		err := <-ended
		stopStore()
		if closeErr := <-closed; err == nil {
			err = closeErr
		}
		return err
	})
	t.Cleanup(func() { _ = n.stop() })
	return n
}

// TestOnARealStoreNothingIsLost loses the power again and again while the journal checkpoints beside the loop.
func TestOnARealStoreNothingIsLost(t *testing.T) { synctest.Test(t, nothingIsLost) }

func nothingIsLost(t *testing.T) {
	disk := vfs.NewMem()
	for round := range 8 {
		n := onStore(t, disk)
		if round > 0 && n.Image().TopicCount() != round*10 {
			t.Fatalf("round %d begins with %d topics", round, n.Image().TopicCount())
		}
		n.register()
		for i := range 10 {
			n.create(fmt.Sprintf("t%d-%d", round, i), 2)
			if i == 5 {
				time.Sleep(8 * time.Millisecond) // of the bubble's clock: a checkpoint happens
			}
		}
		want := describe(n.Image())[1:]
		if round%4 == 3 {
			if err := n.stop(); err != nil { // a clean stop for once
				t.Fatal(err)
			}
		}
		disk = disk.CrashClone(vfs.Crash{Seed: uint64(round), Data: vfs.Keep(round % 4), Names: vfs.Keep(round % 4)})
		_ = n.stop()
		again := onStore(t, disk.CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll}))
		again.submit(cluster.ElectLeaders{})
		if diff := cmp.Diff(want, describe(again.Image())[1:]); diff != "" {
			t.Fatalf("round %d:\n%s", round, diff)
		}
		if err := again.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if len(snapshotsIn(t, disk)) == 0 {
		t.Error("no checkpoint ever happened")
	}
}
