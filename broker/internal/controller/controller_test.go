package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// node is a running controller of a test.
type node struct {
	*Controller
	t       *testing.T
	journal *journal
	stop    func() error
}

const dataDir = "data"

var errDisk = errors.New("the disk has failed")

func config(fs *vfs.Mem, j *journal) Config {
	_ = fs.MkdirAll(dataDir) // the store makes and keeps it
	_ = fs.SyncDir(".")
	return Config{NodeID: 1, ClusterID: "test", Journal: j, FS: fs, Dir: dataDir, Cluster: cluster.Config{Configs: anyConfig{}}}
}

func start(t *testing.T, fs *vfs.Mem, j *journal) *node {
	t.Helper()
	return startWith(t, config(fs, j))
}

func startWith(t *testing.T, cfg Config) *node {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	n := &node{Controller: c, t: t, journal: cfg.Journal.(*journal)}
	n.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = n.stop() })
	return n
}

func (n *node) submit(ev cluster.Event) cluster.Reply {
	n.t.Helper()
	r, err := n.Submit(context.Background(), ev)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

func (n *node) register() int64 {
	n.t.Helper()
	epoch, err := n.Register(context.Background(), metadata.Broker{ID: 1, LogDirs: []metadata.UUID{{7}}}, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return epoch
}

func (n *node) create(name string, partitions int32) {
	n.t.Helper()
	id := metadata.UUID{15: 1}
	copy(id[:], name)
	r := n.submit(cluster.CreateTopics{Topics: []cluster.NewTopic{{Name: name, Partitions: partitions, ReplicationFactor: 1, ID: id}}})
	if got := r.([]cluster.CreatedTopic)[0]; !got.OK() {
		n.t.Fatalf("create %s: %d %v", name, got.Code, *got.Message)
	}
}

// describe is an image as something to compare.
func describe(i *metadata.Image) []string {
	out := []string{fmt.Sprintf("%d %d %s", i.Offset, i.Epoch, i.ClusterID)}
	for _, r := range i.Records() {
		out = append(out, fmt.Sprintf("%T %x", r, metadata.Append(nil, r)))
	}
	return out
}

func TestANewClusterBeginsAndTakesTopics(t *testing.T) {
	n := start(t, vfs.NewMem(), &journal{})
	epoch := n.register()
	n.create("orders", 3)
	i := n.Image()
	if i.Feature("metadata.version") != 30 || i.TopicCount() != 1 || len(i.Topic("orders").Partitions) != 3 {
		t.Errorf("image: %v", describe(i))
	}
	if b := i.Broker(1); b == nil || b.Epoch != epoch || epoch <= 0 {
		t.Errorf("broker %+v, epoch %d", b, epoch)
	}
	s := n.Status()
	if s.LeaderID != 1 || s.LeaderEpoch != 1 || s.HighWatermark != i.Offset+1 || len(s.Voters) != 1 || s.Voters[0].LogEndOffset != i.Offset+1 ||
		s.Voters[0].LastFetch.IsZero() {
		t.Errorf("status %+v, image at %d", s, i.Offset)
	}
}

func TestARestartComesBackWithTheSameState(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	n.create("a", 2)
	before := describe(n.Image())
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	c, err := New(config(fs, j.restart()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, describe(c.Image())); diff != "" {
		t.Errorf("state before Run:\n%s", diff)
	}
	n = start(t, fs, j.restart())
	n.submit(cluster.ElectLeaders{}) // waits until the node leads
	after := describe(n.Image())
	if diff := cmp.Diff(before[1:], after[1:]); diff != "" {
		t.Errorf("state after the restart:\n%s", diff)
	}
	if n.Status().LeaderEpoch != 2 {
		t.Errorf("epoch %d", n.Status().LeaderEpoch)
	}
	old := n.Image().Topic("a").Partition(0).LeaderEpoch
	n.register()
	if now := n.Image().Topic("a").Partition(0).LeaderEpoch; now != old+1 {
		t.Errorf("leader epoch %d after %d: a broker that comes back must not lead on in its old epoch", now, old)
	}
}

// TestTheStartCostsOneSync: election, first entry and commitment are one RAFT record; a new cluster's records are a second.
func TestTheStartCostsOneSync(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.submit(cluster.ElectLeaders{})
	if j.appends != 2 {
		t.Errorf("a new cluster took %d syncs", j.appends)
	}
	_ = n.stop()
	j = j.restart()
	n = start(t, fs, j)
	n.submit(cluster.ElectLeaders{})
	if j.appends != 1 {
		t.Errorf("a restart took %d syncs", j.appends)
	}
}

func TestEventsThatWaitShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{gate: make(chan struct{})}
		n := start(t, vfs.NewMem(), j)
		go func() {
			for range 3 { // election, first records, registration
				j.gate <- struct{}{}
			}
		}()
		n.register()
		var all sync.WaitGroup
		const topics = 50
		for i := range topics {
			all.Go(func() { n.create(fmt.Sprintf("t%d", i), 1) })
			synctest.Wait()
		}
		j.gate <- struct{}{} // of the first, while the others wait
		j.gate <- struct{}{} // of all the others
		all.Wait()
		if j.appends != 5 || n.Image().TopicCount() != topics {
			t.Errorf("%d topics took %d syncs", n.Image().TopicCount(), j.appends-3)
		}
		close(j.gate)
		_ = n.stop()
	})
}

// TestAReplyRestsOnWhatCameBefore: the second creation is refused because of the first, whose sync is still under way.
func TestAReplyRestsOnWhatCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{gate: make(chan struct{})}
		n := start(t, vfs.NewMem(), j)
		go func() {
			for range 3 {
				j.gate <- struct{}{}
			}
		}()
		n.register()
		ev := cluster.CreateTopics{Topics: []cluster.NewTopic{{Name: "a", Partitions: 1, ReplicationFactor: 1, ID: metadata.UUID{1}}}}
		codes := make(chan int16, 2)
		for range 2 {
			go func() { codes <- n.submit(ev).([]cluster.CreatedTopic)[0].Code }()
		}
		synctest.Wait()
		if len(codes) != 0 {
			t.Fatalf("answered %d before anything was durable", <-codes)
		}
		j.gate <- struct{}{}
		if a, b := <-codes, <-codes; a+b != 36 {
			t.Errorf("codes %d and %d", a, b)
		}
		close(j.gate)
		_ = n.stop()
	})
}

func TestListenersSeeEveryImageInOrderBeforeTheReply(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	n.create("a", 1)
	if err := j.release(); err != nil {
		t.Fatal(err)
	}
	n.create("b", 1)
	_ = n.stop()

	c, err := New(config(fs, j.restart()))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var topics []string
	last := int64(-1)
	c.OnImage(func(old, next *metadata.Image, d *metadata.Delta) {
		mu.Lock()
		defer mu.Unlock()
		if old.Offset != last {
			t.Errorf("from %d, after %d", old.Offset, last)
		}
		last = next.Offset
		for _, ch := range d.TopicsChanged() {
			topics = append(topics, ch.New.Name)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	n = &node{Controller: c, t: t, journal: j}
	n.create("c", 1)
	mu.Lock()
	got := strings.Join(topics, " ")
	mu.Unlock()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got != "a b c" {
		t.Errorf("listeners saw %q", got)
	}
}

func TestAJournalThatFailsEndsTheRun(t *testing.T) {
	j := &journal{}
	n := start(t, vfs.NewMem(), j)
	n.register()
	j.mu.Lock()
	j.fail = errDisk
	j.mu.Unlock()
	_, err := n.Submit(context.Background(), cluster.CreateTopics{Topics: []cluster.NewTopic{{Name: "a", Partitions: 1, ReplicationFactor: 1, ID: metadata.UUID{1}}}})
	if !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("submit: %v", err)
	}
	if err := n.stop(); !errors.Is(err, errDisk) {
		t.Errorf("run: %v", err)
	}
	if n.Image().TopicCount() != 0 {
		t.Error("the topic is there, though it is not durable")
	}
	if _, err := n.Submit(context.Background(), cluster.ElectLeaders{}); !errors.Is(err, ErrStopped) {
		t.Errorf("submit after the end: %v", err)
	}
}

func TestACallerMayGoAway(t *testing.T) {
	n := start(t, vfs.NewMem(), &journal{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	if _, err := n.Submit(ctx, cluster.ElectLeaders{}); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	n.register()
}

func TestAnotherClustersFilesAreRefused(t *testing.T) {
	fs, j := vfs.NewMem(), &journal{}
	n := start(t, fs, j)
	n.register()
	if err := j.release(); err != nil {
		t.Fatal(err)
	}
	_ = n.stop()
	cfg := config(fs, j.restart())
	cfg.ClusterID = "other"
	if _, err := New(cfg); err == nil {
		t.Error("passes")
	}
}
