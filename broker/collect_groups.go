package broker

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
)

// coordinatorWait bounds how long metrics wait for the coordinators. One that loads is left out.
const coordinatorWait = 2 * time.Second

// submitter is a runtime.Runtime of some coordinator.
type submitter[E any] interface {
	Submit(partition int32, ev E, done func(reply any, err error))
	Shards() []int32
}

// askAll asks every shard the same and answers the replies of type R that came in time, by shard.
func askAll[R, E any](ctx context.Context, to submitter[E], ev E) map[int32]R {
	var mu sync.Mutex // guards out and its end
	out, over := map[int32]R{}, false
	var waiting sync.WaitGroup
	for _, shard := range to.Shards() {
		waiting.Add(1)
		to.Submit(shard, ev, func(reply any, err error) {
			defer waiting.Done()
			mu.Lock()
			defer mu.Unlock()
			if r, ok := reply.(R); ok && err == nil && !over {
				out[shard] = r
			}
		})
	}
	all := make(chan struct{})
	go func() { // ends with the last reply; a shard that is unloaded replies too
		waiting.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	over = true
	return out
}

// collectCoordinators emits the groups and the transactional ids that this broker coordinates, by state; detail adds members,
// committed offsets and lag of each group, under kafka_exporter's names.
func (b *Broker) collectCoordinators(e emitter, r *rooms, detail bool) {
	ctx, cancel := context.WithTimeout(context.Background(), coordinatorWait)
	defer cancel()
	ids := map[txn.State]int{}
	for _, list := range askAll[[]txn.Described](ctx, r.txns, txn.Event(txn.List{})) {
		for _, t := range list {
			ids[t.State]++
		}
	}
	for state, n := range ids {
		e.gauge("mainstem_transactional_ids", "transactional ids that this broker coordinates", float64(n), "state", state.String())
	}
	groups := map[[2]string]int{}
	for shard, list := range askAll[[]kmsg.ListGroupsResponseGroup](ctx, r.groups, group.Event(group.ListGroups{})) {
		for _, g := range list {
			groups[[2]string{g.GroupType, g.GroupState}]++
			if detail {
				b.collectGroup(ctx, e, r, shard, g)
			}
		}
	}
	for k, n := range groups {
		e.gauge("mainstem_groups", "groups that this broker coordinates", float64(n), "type", k[0], "state", k[1])
	}
}

func (b *Broker) collectGroup(ctx context.Context, e emitter, r *rooms, shard int32, g kmsg.ListGroupsResponseGroup) {
	if n, ok := members(ctx, r, shard, g); ok {
		e.gauge("kafka_consumergroup_members", "members of a group", float64(n), "consumergroup", g.Group)
	}
	fetched, ok := askOne[group.Fetched](ctx, r.groups, shard, group.Event(group.OffsetFetch{Group: g.Group, Epoch: -1, All: true}))
	if !ok {
		return
	}
	for _, t := range fetched.Topics {
		for _, p := range t.Partitions {
			if p.Offset < 0 {
				continue
			}
			labels := []string{"consumergroup", g.Group, "topic", t.Topic, "partition", strconv.Itoa(int(p.Partition))}
			e.gauge("kafka_consumergroup_current_offset", "committed offset of a group", float64(p.Offset), labels...)
			if part := r.replicas.Partition(t.Topic, p.Partition); part != nil {
				e.gauge("kafka_consumergroup_lag", "records behind the committed offset of a group", float64(max(0, part.HighWatermark()-p.Offset)), labels...)
			}
		}
	}
}

// members counts the members of a group.
func members(ctx context.Context, r *rooms, shard int32, g kmsg.ListGroupsResponseGroup) (int, bool) {
	if g.GroupType == "consumer" {
		list, ok := askOne[[]kmsg.ConsumerGroupDescribeResponseGroup](ctx, r.groups, shard, group.Event(group.DescribeConsumerGroups{Groups: []string{g.Group}}))
		if !ok || len(list) == 0 {
			return 0, false
		}
		return len(list[0].Members), true
	}
	list, ok := askOne[[]kmsg.DescribeGroupsResponseGroup](ctx, r.groups, shard, group.Event(group.DescribeGroups{Groups: []string{g.Group}, Version: 5}))
	if !ok || len(list) == 0 {
		return 0, false
	}
	return len(list[0].Members), true
}

// askOne asks one shard.
func askOne[R, E any](ctx context.Context, to submitter[E], shard int32, ev E) (R, bool) {
	got := make(chan any, 1) // one reply, maybe when nobody waits any more
	to.Submit(shard, ev, func(reply any, err error) {
		if err != nil {
			reply = nil
		}
		got <- reply
	})
	var none R
	select {
	case reply := <-got:
		r, ok := reply.(R)
		return r, ok
	case <-ctx.Done():
		return none, false
	}
}
