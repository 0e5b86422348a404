package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Rebalance makes a group of Members over the topic with requests of its own, one connection a member, and answers two
// results: how long it took from the first join until every partition had an owner and nobody had to do anything more, and
// the same for one member more. Members of a KIP-848 group heartbeat without a rest, so the time is the coordinator's and not
// that of heartbeat intervals. Operations are heartbeats (consumer) or joins and syncs (classic).
func Rebalance(ctx context.Context, c Config) ([]Result, error) {
	if c.Members < 1 {
		return nil, fmt.Errorf("a group of %d members cannot be measured", c.Members)
	}
	group := fmt.Sprintf("%s-%s-%d", c.Topic, c.Protocol, time.Now().UnixNano())
	members := make([]*member, c.Members+1)
	for i := range members {
		cl, err := kgo.NewClient(append(append([]kgo.Opt{}, c.Client...), kgo.MetadataMaxAge(time.Hour), kgo.RetryTimeout(time.Minute))...)
		if err != nil {
			return nil, err
		}
		defer cl.Close()
		members[i] = &member{cl: cl, group: group, topic: c.Topic, id: fmt.Sprintf("m-%05d-%d", i, time.Now().UnixNano())}
	}
	if err := each(ctx, members, (*member).connect); err != nil {
		return nil, err
	}
	settle := settleConsumer
	if c.Protocol == "classic" {
		settle = settleClassic
	}
	var out []Result
	for _, n := range []int{c.Members, c.Members + 1} {
		before := owners(members)
		m := c.begin()
		took, err := settle(ctx, members[:n], int(c.Partitions), m)
		if err != nil {
			return nil, err
		}
		r := m.end("rebalance", 0, 0, 0)
		r.Seconds = took.Seconds()
		if len(before) > 0 {
			r.Job = "one-more"
			r.Moved = moved(before, owners(members))
		}
		out = append(out, r)
	}
	return out, nil
}

// member is one of a group: what it is told, and what it owns.
type member struct {
	cl           *kgo.Client
	group, topic string
	id           string
	epoch        int32 // member epoch, or generation
	owned        []int32
	topicID      [16]byte
	said         bool // the coordinator has heard what it owns
}

// each runs do for all members, 32 at a time, and answers the first error.
func each(ctx context.Context, members []*member, do func(*member, context.Context) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex // guards first
	var first error
	next := make(chan *member)
	for range min(32, len(members)) {
		wg.Go(func() {
			for m := range next {
				if err := do(m, ctx); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	for _, m := range members {
		next <- m
	}
	close(next)
	wg.Wait()
	return first
}

// connect opens the connection to the group's coordinator.
func (m *member) connect(ctx context.Context) error {
	req := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = m.group
	req.Groups, req.Group = append(req.Groups, g), m.group
	_, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return fmt.Errorf("reach the coordinator of %s: %w", m.group, err)
	}
	return nil
}

func owners(members []*member) map[int32]string {
	out := map[int32]string{}
	for _, m := range members {
		for _, p := range m.owned {
			out[p] = m.id
		}
	}
	return out
}

// moved counts the partitions that have another owner.
func moved(before, after map[int32]string) (n int64) {
	for p, id := range after {
		if was, ok := before[p]; ok && was != id {
			n++
		}
	}
	return n
}

// settleConsumer heartbeats for all members, round after round, until a round changes nothing and every partition is owned.
func settleConsumer(ctx context.Context, members []*member, partitions int, m *meter) (time.Duration, error) {
	var mu sync.Mutex // guards changed and the meter
	began := time.Now()
	for {
		changed := false
		err := each(ctx, members, func(one *member, ctx context.Context) error {
			sent := time.Now()
			news, err := one.heartbeat(ctx)
			mu.Lock()
			defer mu.Unlock()
			changed = changed || news
			m.latencies = append(m.latencies, int64(time.Since(sent)))
			m.operations++
			return err
		})
		if err != nil {
			return 0, err
		}
		if took := time.Since(began); !changed && settled(members, partitions) {
			return took, nil
		} else if took > 2*time.Minute {
			return 0, fmt.Errorf("after 2 minutes %d of %d partitions have an owner", len(owners(members)), partitions)
		}
	}
}

// settled tells that all members are in one epoch and every partition is owned, by all of them in equal shares.
func settled(members []*member, partitions int) bool {
	total := 0
	for _, m := range members {
		if m.epoch != members[0].epoch || len(m.owned) < partitions/len(members) {
			return false
		}
		total += len(m.owned)
	}
	return total == partitions
}

// heartbeat tells and asks; it answers whether there was news in either direction.
func (m *member) heartbeat(ctx context.Context) (news bool, err error) {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.RebalanceTimeoutMillis = m.group, m.id, m.epoch, -1
	if m.epoch == 0 {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 60_000, []string{m.topic}
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	} else if !m.said {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = m.topicID, m.owned
		req.Topics, req.RebalanceTimeoutMillis = []kmsg.ConsumerGroupHeartbeatRequestTopic{t}, 60_000
		req.SubscribedTopicNames = []string{m.topic}
	}
	resp, err := req.RequestWith(ctx, m.cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return false, fmt.Errorf("heartbeat of %s: %w", m.id, err)
	}
	news = !m.said || resp.MemberEpoch != m.epoch
	m.epoch, m.said = resp.MemberEpoch, true
	if resp.Assignment != nil {
		var now []int32
		for _, t := range resp.Assignment.Topics {
			m.topicID, now = t.TopicID, append(now, t.Partitions...)
		}
		if slices.Sort(now); !slices.Equal(now, m.owned) {
			m.owned, m.said, news = now, false, true
		}
	}
	return news, nil
}

// settleClassic lets all members join and sync once; the leader deals partitions out in turn. Who is in the group already
// heartbeats until it hears that it has to join.
func settleClassic(ctx context.Context, members []*member, partitions int, m *meter) (time.Duration, error) {
	var mu sync.Mutex // guards the meter
	var wg sync.WaitGroup
	errs := make(chan error, len(members))
	began := time.Now()
	for _, one := range members {
		wg.Go(func() {
			sent := time.Now()
			if err := one.joinClassic(ctx, partitions); err != nil {
				errs <- err
				return
			}
			mu.Lock()
			defer mu.Unlock()
			m.latencies = append(m.latencies, int64(time.Since(sent)))
			m.operations += 2
		})
	}
	wg.Wait()
	took := time.Since(began)
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	if n := len(owners(members)); n != partitions {
		return 0, fmt.Errorf("%d of %d partitions have an owner", n, partitions)
	}
	return took, nil
}

// joinClassic joins and syncs until both succeed in one generation.
func (m *member) joinClassic(ctx context.Context, partitions int) error {
	if m.said {
		if err := m.hear(ctx); err != nil {
			return fmt.Errorf("%s in %s: %w", m.id, m.group, err)
		}
	}
	for range 100 {
		err := m.generation(ctx, partitions)
		switch err {
		case nil:
			return nil
		case kerr.MemberIDRequired, kerr.RebalanceInProgress, kerr.IllegalGeneration:
			m.said = true // the id is the coordinator's from here on
		default:
			return fmt.Errorf("%s in %s: %w", m.id, m.group, err)
		}
	}
	return fmt.Errorf("%s in %s: no generation in 100 tries", m.id, m.group)
}

// hear heartbeats until the coordinator says that a rebalance is on.
func (m *member) hear(ctx context.Context) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.epoch
	for {
		resp, err := req.RequestWith(ctx, m.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		switch err {
		case nil:
			time.Sleep(50 * time.Millisecond) // a thousand members; their heartbeats are not what is measured
		case kerr.RebalanceInProgress:
			return nil
		default:
			return err
		}
	}
}

func (m *member) generation(ctx context.Context, partitions int) error {
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis, join.ProtocolType = m.group, 45_000, 60_000, "consumer"
	if m.said {
		join.MemberID = m.id
	}
	p := kmsg.NewJoinGroupRequestProtocol()
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{m.topic}
	p.Name, p.Metadata = "range", meta.AppendTo(nil)
	join.Protocols = append(join.Protocols, p)
	joined, err := join.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	m.id = joined.MemberID
	if err := kerr.ErrorForCode(joined.ErrorCode); err != nil {
		return err
	}
	m.said, m.epoch = true, joined.Generation
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = m.group, m.id, m.epoch
	sync.ProtocolType, sync.Protocol = kmsg.StringPtr("consumer"), joined.Protocol
	if joined.LeaderID == m.id {
		sync.GroupAssignment = deal(joined.Members, m.topic, partitions)
	}
	synced, err := sync.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(synced.ErrorCode); err != nil {
		return err
	}
	var mine kmsg.ConsumerMemberAssignment
	if err := mine.ReadFrom(synced.MemberAssignment); err != nil {
		return fmt.Errorf("read the assignment: %w", err)
	}
	m.owned = nil
	for _, t := range mine.Topics {
		m.owned = append(m.owned, t.Partitions...)
	}
	return nil
}

// deal gives the partitions out in turn.
func deal(members []kmsg.JoinGroupResponseMember, topic string, partitions int) (out []kmsg.SyncGroupRequestGroupAssignment) {
	for i, m := range members {
		a, t := kmsg.NewConsumerMemberAssignment(), kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic = topic
		for p := i; p < partitions; p += len(members) {
			t.Partitions = append(t.Partitions, int32(p))
		}
		a.Topics = append(a.Topics, t)
		g := kmsg.NewSyncGroupRequestGroupAssignment()
		g.MemberID, g.MemberAssignment = m.MemberID, a.AppendTo(nil)
		out = append(out, g)
	}
	return out
}
