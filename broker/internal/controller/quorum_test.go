package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// network connects the controllers of one process; cut nodes neither send nor receive.
type network struct {
	mu    sync.Mutex
	nodes map[quorum.NodeID]*node
	cut   map[quorum.NodeID]bool
	sent  sync.WaitGroup
}

type link struct{ net *network }

func (l link) Send(messages []quorum.Message) {
	for _, m := range messages {
		l.net.mu.Lock()
		to := l.net.nodes[m.To]
		if l.net.cut[m.From] || l.net.cut[m.To] {
			to = nil
		}
		l.net.mu.Unlock()
		if to != nil {
			l.net.sent.Go(func() { _ = to.Deliver(context.Background(), m) })
		}
	}
}

func (n *network) start(t *testing.T, id int32, fs *vfs.Mem, j *journal) *node {
	t.Helper()
	cfg := config(fs, j)
	cfg.NodeID, cfg.Voters, cfg.Transport = id, []int32{1, 2, 3}, link{n}
	c := startWith(t, cfg)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[quorum.NodeID(id)] = c
	return c
}

// leader waits for a node, other than those cut off, that takes events.
func (n *network) leader(t *testing.T) *node {
	t.Helper()
	for range 200 {
		for id := int32(1); id <= 3; id++ {
			n.mu.Lock()
			c, cut := n.nodes[quorum.NodeID(id)], n.cut[quorum.NodeID(id)]
			n.mu.Unlock()
			if c == nil || cut {
				continue
			}
			if _, err := c.Submit(context.Background(), cluster.ElectLeaders{}); err == nil {
				return c
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("no leader within 20 s")
	return nil
}

// settled waits until a node has what another has, and compares.
func settled(t *testing.T, want, got *node) {
	t.Helper()
	for range 100 {
		if got.Image().Offset >= want.Image().Offset {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if diff := cmp.Diff(describe(want.Image())[1:], describe(got.Image())[1:]); diff != "" {
		t.Errorf("nodes %d and %d differ:\n%s", want.cfg.NodeID, got.cfg.NodeID, diff)
	}
}

func TestThreeControllersAgreeAndFailOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &network{nodes: map[quorum.NodeID]*node{}, cut: map[quorum.NodeID]bool{}}
		disks, journals := map[int32]*vfs.Mem{}, map[int32]*journal{}
		for id := int32(1); id <= 3; id++ {
			disks[id], journals[id] = vfs.NewMem(), &journal{}
			net.start(t, id, disks[id], journals[id])
		}
		first := net.leader(t)
		first.register()
		first.create("a", 3)
		for _, c := range net.nodes {
			settled(t, first, c)
		}
		s := first.Status()
		if s.LeaderID != first.cfg.NodeID || len(s.Voters) != 3 {
			t.Errorf("status %+v", s)
		}
		for _, c := range net.nodes {
			if c == first {
				continue
			}
			_, err := c.Submit(context.Background(), cluster.ElectLeaders{})
			var not *NotLeaderError
			if !errors.As(err, &not) || not.Leader != first.cfg.NodeID {
				t.Errorf("a follower answers %v", err)
			}
		}

		// The leader is cut off in the middle of a change: its caller cannot know the outcome, and the others go on.
		net.mu.Lock()
		net.cut[quorum.NodeID(first.cfg.NodeID)] = true
		net.mu.Unlock()
		_, err := first.Submit(context.Background(), cluster.CreateTopics{Topics: []cluster.NewTopic{
			{Name: "lost", Partitions: 1, ReplicationFactor: 1, ID: metadata.UUID{9}}}})
		if !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("the leader that was cut off answers %v", err)
		}
		second := net.leader(t)
		second.create("b", 1)
		if second.Image().Topic("lost") != nil || second.Status().LeaderEpoch <= s.LeaderEpoch {
			t.Errorf("after the failover: %v", describe(second.Image()))
		}

		// It comes back without memory of its files: the others' log, or their snapshot, makes it whole.
		_ = first.stop()
		if err := second.journal.release(); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			second.create(fmt.Sprintf("c%d", i), 1)
			if err := second.journal.release(); err != nil {
				t.Fatal(err)
			}
		}
		second.create("d", 1) // the loop forgets entries before it does anything else
		net.mu.Lock()
		delete(net.cut, quorum.NodeID(first.cfg.NodeID))
		net.mu.Unlock()
		id := first.cfg.NodeID
		back := net.start(t, id, disks[id], journals[id].restart())
		settled(t, second, back)
		if len(snapshotsIn(t, disks[id])) == 0 {
			t.Error("the node that was behind has no snapshot: it was not needed, and this test proves nothing")
		}
		_ = back.stop()
		back = net.start(t, id, disks[id], back.journal.restart())
		settled(t, second, back)
		for _, c := range net.nodes {
			_ = c.stop()
		}
		net.sent.Wait()
	})
}
