package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/streams/internal/assign"
	"github.com/mainstem-io/mainstem/streams/internal/blueprint"
	"github.com/mainstem-io/mainstem/streams/internal/store/disk"
)

// Runtime runs one instance of an application.
type Runtime struct {
	cfg       Config
	bp        *blueprint.Blueprint
	dir       *stateDir
	cache     *disk.Cache
	layout    *layout
	adm       *kadm.Client
	consumer  *kgo.Client
	workers   []*worker
	globals   *globals
	txnV2     bool // the broker adds partitions and offsets to a transaction by itself (KIP-890)
	failure   chan error
	statistic Statistics

	mu    sync.Mutex // over tasks: the poller and the rebalance callbacks
	tasks map[assign.Task]*handle
}

// New prepares an instance; Run connects.
func New(cfg Config, bp *blueprint.Blueprint) *Runtime {
	return &Runtime{cfg: cfg, bp: bp, tasks: map[assign.Task]*handle{}, failure: make(chan error, 1)}
}

// Run joins the application's group and processes until ctx ends or a task fails. When it returns everything that was processed is
// committed, unless the error says otherwise.
func (r *Runtime) Run(ctx context.Context) (err error) {
	if r.dir, err = openStateDir(r.cfg.StateDir, r.cfg.AppID); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.dir.close()) }()
	if r.cfg.StateDir != "" {
		r.cache = disk.NewCache(r.cfg.CacheBytes)
		defer r.cache.Unref()
	}
	cl, err := kgo.NewClient(r.cfg.options()...)
	if err != nil {
		return fmt.Errorf("configure the client: %w", err)
	}
	defer cl.Close()
	r.adm = kadm.NewClient(cl)
	if r.layout, err = learn(ctx, r.adm, r.cfg, r.bp.Graph); err != nil {
		return err
	}
	if err := r.learnFeatures(ctx, cl); err != nil {
		return err
	}
	if r.globals, err = r.startGlobals(ctx); err != nil {
		return err
	}
	defer r.globals.close()
	return r.run(ctx)
}

// run is Run once the cluster is known.
func (r *Runtime) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i := range r.cfg.Workers {
		w, err := newWorker(r, i)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, w)
	}
	if err := r.join(); err != nil {
		return err
	}
	var workers, rest errgroup.Group
	alive, stop := context.WithCancel(context.WithoutCancel(ctx)) // workers outlive ctx: they commit first
	for _, w := range r.workers {
		workers.Go(func() error { return w.run(alive) })
	}
	rest.Go(func() error { return r.globals.follow(ctx) })
	rest.Go(func() error { r.poll(ctx); return nil })
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-r.failure:
	}
	cancel(failed)
	rerr := rest.Wait()
	r.leave(failed == nil)
	stop()
	werr := workers.Wait()
	if errors.Is(rerr, context.Canceled) {
		rerr = nil
	}
	return errors.Join(failed, werr, rerr)
}

// fail ends the run with an error; the first one counts.
func (r *Runtime) fail(err error) {
	select {
	case r.failure <- err:
	default:
	}
}

// join makes the group member; it joins with the first poll.
func (r *Runtime) join() (err error) {
	var topics []string
	for i, gr := range r.layout.groups {
		if !gr.Global && r.layout.tasks[i] > 0 {
			topics = append(topics, r.layout.sources(gr)...)
		}
	}
	isolation := kgo.ReadUncommitted()
	if r.cfg.ExactlyOnce {
		isolation = kgo.ReadCommitted()
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(r.cfg.AppID), kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(isolation),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.Balancers(&balancer{l: r.layout, topics: topics}), kgo.SessionTimeout(r.cfg.SessionTimeout),
		kgo.HeartbeatInterval(r.cfg.SessionTimeout / 15), kgo.RebalanceTimeout(max(r.cfg.SessionTimeout, time.Minute)),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { r.assigned(m) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { r.revoked(m, true) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { r.revoked(m, false) }),
	}
	if r.consumer, err = kgo.NewClient(r.cfg.options(opts...)...); err != nil {
		return fmt.Errorf("configure the consumer: %w", err)
	}
	return nil
}

// leave closes all tasks, committing them first, and the group member.
func (r *Runtime) leave(commit bool) {
	r.mu.Lock()
	var hs []*handle
	for _, h := range r.tasks {
		hs = append(hs, h)
	}
	clear(r.tasks)
	r.mu.Unlock()
	r.closeTasks(hs, commit)
	if r.cfg.Leave {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := r.consumer.LeaveGroupContext(ctx); err != nil {
			r.cfg.Logger.Warn("did not leave the group", "error", err)
		}
	}
	r.consumer.CloseAllowingRebalance()
}
