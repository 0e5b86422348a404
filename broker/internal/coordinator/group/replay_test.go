package group

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/internal/sim"
)

// TestReplayEqualsLive sends requests that make no sense together, in any order, with topics that come and go, open
// transactions and long silences. Whatever the machine made of them, the log makes the same again, compacted or not; and
// no request is left without its one answer but those that wait for a rebalance.
func TestReplayEqualsLive(t *testing.T) {
	sim.Seeds(t, 200, func(t *testing.T, seed uint64) {
		r := &nonsense{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 2)), answered: map[coordinator.Ticket]int{}}
		r.replied = func(t coordinator.Ticket, _ any) { r.answered[t]++ }
		for i := range 300 {
			r.step()
			if i%60 == 59 {
				r.compare()
			}
		}
		r.pass(24 * time.Hour)
		r.compare()
		for ticket, n := range r.answered {
			if n != 1 && ticket != 0 {
				t.Errorf("request %d was answered %d times", ticket, n)
			}
		}
	})
}

type nonsense struct {
	*world
	rng      *rand.Rand
	answered map[coordinator.Ticket]int
}

func (r *nonsense) one(of ...string) string { return of[r.rng.IntN(len(of))] }
func (r *nonsense) group() string           { return r.one("g", "h") }
func (r *nonsense) topic() string           { return r.one("t", "u", "v") }

func (r *nonsense) maybe(of ...string) *string {
	if r.rng.IntN(2) == 0 {
		return nil
	}
	return new(r.one(of...))
}

// member is somebody: one of the ids that were handed out lately, or nobody's.
func (r *nonsense) member() string {
	if r.rng.IntN(4) == 0 {
		return r.one("", "m", "n")
	}
	return r.one("c-", "i-", "") + fmt.Sprint(max(1, r.ids-r.rng.IntN(4)))
}

func (r *nonsense) compare() {
	live := dump(r.m)
	for _, kind := range []string{"replayed", "compacted"} {
		if kind == "compacted" {
			r.compact()
		}
		again := New(r.cfg)
		for _, e := range r.log {
			r.replay(again, e)
		}
		if got := dump(again); got != live {
			r.t.Fatalf("live:\n%s\n%s:\n%s", live, kind, got)
		}
	}
}

func (r *nonsense) step() {
	switch r.rng.IntN(16) {
	case 0, 1:
		r.join()
	case 2:
		req := kmsg.NewPtrSyncGroupRequest()
		req.Version, req.Group, req.MemberID, req.Generation, req.InstanceID = 5, r.group(), r.member(), int32(r.rng.IntN(4)), r.maybe("i")
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = r.member(), encodeAssignment(1, []topicList{{r.topic(), []int32{int32(r.rng.IntN(3))}}})
		req.GroupAssignment = append(req.GroupAssignment, a)
		r.submit(SyncGroup{req})
	case 3:
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group = 5, r.group()
		for range r.rng.IntN(3) {
			m := kmsg.NewLeaveGroupRequestMember()
			m.MemberID, m.InstanceID = r.member(), r.maybe("i")
			req.Members = append(req.Members, m)
		}
		r.submit(LeaveGroup{req})
	case 4, 5, 6, 7:
		r.beat()
	case 8, 9:
		r.commit()
	case 10:
		r.endTransaction(coordinator.Producer{ID: int64(r.rng.IntN(3))}, r.rng.IntN(2) == 0)
	case 11:
		r.submit(OffsetDelete{r.group(), []TopicList{{r.topic(), []int32{0, 1}}}})
	case 12:
		r.submit(DeleteGroups{Groups: []string{r.group()}})
	case 13:
		r.changeSomeTopic()
	case 14:
		r.pass(time.Duration(r.rng.IntN(90_000)) * time.Millisecond)
	case 15:
		if r.rng.IntN(5) == 0 {
			r.pass(8 * 24 * time.Hour)
		} else if r.rng.IntN(3) == 0 {
			r.start()
		}
	}
}

func (r *nonsense) join() {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = int16(r.rng.IntN(10)), r.group(), r.member(), r.maybe("i")
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = 10_000, 10_000, r.one(ConsumerProtocol, ConsumerProtocol, "connect")
	for _, name := range [][]string{{"range"}, {"range", "sticky"}, {"sticky"}, nil}[r.rng.IntN(4)] {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscriptionBlob([]string{r.topic()}, nil)
		if r.rng.IntN(10) == 0 {
			p.Metadata = []byte("garbage")
		}
		req.Protocols = append(req.Protocols, p)
	}
	r.submit(JoinGroup{JoinGroupRequest: req, Client: Client{ID: "c"}})
}

func (r *nonsense) beat() {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID, req.MemberEpoch = 1, r.group(), r.member(), r.maybe("i", "j"), int32(r.rng.IntN(6)-2)
	if req.MemberEpoch == 0 || r.rng.IntN(3) == 0 {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames, req.Topics = 5000, []string{r.topic(), r.topic()}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		req.SubscribedTopicRegex, req.ServerAssignor = r.maybe("t|u", ".*", ""), r.maybe("range", "uniform")
	}
	if t := r.image.Topic(r.topic()); t != nil && req.MemberEpoch > 0 && r.rng.IntN(2) == 0 {
		o := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		o.TopicID, o.Partitions = t.ID, []int32{int32(r.rng.IntN(3))}
		req.Topics = append(req.Topics, o)
	}
	r.submit(ConsumerGroupHeartbeat{ConsumerGroupHeartbeatRequest: req, Client: Client{ID: r.one("c", "d")}})
}

func (r *nonsense) commit() {
	ev := OffsetCommit{Group: r.group(), Member: r.member(), Instance: r.maybe("i"), Generation: int32(r.rng.IntN(5) - 1), Version: 9, Retention: -1}
	if r.rng.IntN(2) == 0 {
		ev.Member, ev.Instance, ev.Generation = "", nil, -1
	}
	if r.rng.IntN(3) == 0 {
		ev.Producer = &coordinator.Producer{ID: int64(r.rng.IntN(3))}
	}
	if r.rng.IntN(8) == 0 {
		ev.Retention = 60_000
	}
	for p := range int32(r.rng.IntN(3)) {
		o := Offset{Topic: r.topic(), Partition: p, Offset: int64(r.rng.IntN(100)), LeaderEpoch: int32(r.rng.IntN(3) - 1), Metadata: r.one("", "x")}
		if t := r.image.Topic(o.Topic); t != nil {
			o.TopicID = t.ID
		}
		ev.Offsets = append(ev.Offsets, o)
	}
	r.submit(ev)
}

// changeSomeTopic makes, grows or drops a topic.
func (r *nonsense) changeSomeTopic() {
	switch name := r.topic(); {
	case r.image.Topic(name) == nil:
		r.makeTopic(name, 1+r.rng.IntN(3))
	case r.rng.IntN(2) == 0:
		r.dropTopic(name, r.rng.IntN(4) == 0)
	default:
		r.growTopic(name, min(6, len(r.image.Topic(name).Partitions)+1))
	}
}
