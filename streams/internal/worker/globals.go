package worker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// globals is the tables that every instance holds in full. They are read before anything else starts and followed while it runs.
type globals struct {
	r    *Runtime
	task *task.Task
	cl   *kgo.Client
	have map[string]any
}

func (g *globals) stores() map[string]any {
	if g == nil {
		return nil
	}
	return g.have
}

func (g *globals) close() {
	if g.cl != nil {
		g.cl.Close()
	}
}

// startGlobals reads the topics of global tables from their start to what is their end now.
func (r *Runtime) startGlobals(ctx context.Context) (*globals, error) {
	g := &globals{r: r, have: map[string]any{}}
	var nodes []*topology.Node
	var topics []string
	for _, gr := range r.layout.groups {
		if gr.Global {
			nodes = append(nodes, gr.Nodes...)
			topics = append(topics, r.layout.sources(gr)...)
		}
	}
	if len(topics) == 0 {
		return g, nil
	}
	g.task = task.New(task.Config{
		ID: "global", AppID: r.cfg.AppID, OnError: r.cfg.OnError, MaxIdle: -1, Timestamps: r.cfg.Timestamps, Engine: store.NewMemory(),
		Now: func() int64 { return time.Now().UnixMilli() },
	})
	if _, err := r.bp.Bind(ctx, g.task, nodes, r.layout.topicsOf); err != nil {
		return nil, fmt.Errorf("bind the global tables: %w", err)
	}
	for _, st := range r.bp.Graph.Stores() {
		if st.Global {
			g.have[st.Name] = g.task.Store(st.Name)
		}
	}
	if err := g.task.Open(); err != nil {
		return nil, err
	}
	return g, g.load(ctx, topics)
}

func (g *globals) load(ctx context.Context, topics []string) error {
	ends, err := g.r.adm.ListCommittedOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("list the ends of the global topics: %w", err)
	}
	left := map[string]map[int32]int64{}
	from := map[string]map[int32]kgo.Offset{}
	for topic, ps := range ends {
		left[topic], from[topic] = map[int32]int64{}, map[int32]kgo.Offset{}
		for p, o := range ps {
			from[topic][p] = kgo.NewOffset().AtStart()
			if o.Offset > 0 {
				left[topic][p] = o.Offset
			}
		}
	}
	g.cl, err = kgo.NewClient(g.r.cfg.options(kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return fmt.Errorf("configure the consumer of global tables: %w", err)
	}
	for quiet := 0; pending(left) && quiet < 3; quiet++ {
		pctx, cancel := context.WithTimeout(ctx, time.Second)
		fetches := g.cl.PollFetches(pctx)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fetches.NumRecords() > 0 {
			quiet = -1
		}
		if err := g.apply(fetches); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if n := len(p.Records); n > 0 && p.Records[n-1].Offset+1 >= left[p.Topic][p.Partition] {
				delete(left[p.Topic], p.Partition)
			}
		})
	}
	return nil
}

func pending(left map[string]map[int32]int64) bool {
	for _, ps := range left {
		if len(ps) > 0 {
			return true
		}
	}
	return false
}

func (g *globals) apply(fetches kgo.Fetches) error {
	var err error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		records := slices.DeleteFunc(slices.Clone(p.Records), func(k *kgo.Record) bool { return k.Attrs.IsControl() })
		if err != nil || len(records) == 0 {
			return
		}
		if err = g.task.Enqueue(p.Topic, raws(records)); err != nil {
			return
		}
		for did := true; did && err == nil; {
			did, err = g.task.Step()
		}
		g.task.Take()
		if err == nil {
			err = g.task.Engine().Commit(nil)
		}
	})
	return err
}

// follow keeps the tables up to date.
func (g *globals) follow(ctx context.Context) error {
	if g.cl == nil {
		return nil
	}
	for ctx.Err() == nil {
		if err := g.apply(g.cl.PollFetches(ctx)); err != nil {
			g.r.fail(fmt.Errorf("global tables: %w", err))
			return nil
		}
	}
	return nil
}

// learnFeatures asks whether the broker adds offsets to a transaction by itself.
func (r *Runtime) learnFeatures(ctx context.Context, cl *kgo.Client) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "mainstem-streams", "1"
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("ask the broker for its features: %w", err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" && f.MaxVersionLevel >= 2 {
			r.txnV2 = true
		}
	}
	return nil
}
