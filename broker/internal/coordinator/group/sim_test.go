package group

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/internal/sim"
)

// TestSimulation lets clients of both protocols come and go, lose answers, pause and die, in a few groups; the coordinator
// crashes, its log is compacted, topics grow. After every step:
//
//   - no partition has two owners among those that the coordinator has not given up;
//   - committed offsets never fall, although clients that were paused commit what they had;
//   - the state is what a replay of the log makes.
//
// At the end faults cease: every group becomes stable, and all partitions are somebody's.
func TestSimulation(t *testing.T) {
	sim.Seeds(t, 150, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed)
		for range 400 {
			s.step()
		}
		s.settle()
	})
}

// simulation is a world with clients that act at random.
type simulation struct {
	*world
	rng     *rand.Rand
	clients []*client
	waiting map[coordinator.Ticket]func(reply any)
	offsets map[groupOffset]int64
	made    int
	faults  bool
}

const simTopic = "t"

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{
		world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 1)), waiting: map[coordinator.Ticket]func(any){}, offsets: map[groupOffset]int64{}, faults: true,
	}
	s.cfg.MaxConsumers, s.cfg.MaxSize = 8, 8
	s.cfg.InitialRebalanceDelay = []time.Duration{0, 500 * time.Millisecond}[s.rng.IntN(2)]
	s.start()
	s.replied = func(t coordinator.Ticket, reply any) {
		if f := s.waiting[t]; f != nil {
			delete(s.waiting, t)
			f(reply)
		}
	}
	s.makeTopic(simTopic, 1+s.rng.IntN(6))
	return s
}

func (s *simulation) chance(percent int) bool { return s.rng.IntN(100) < percent }

// ask sends a request; its answer may get lost, and then the client hears nothing until it asks again.
func (s *simulation) ask(ev Event, answer func(reply any)) {
	if s.faults && s.chance(5) {
		answer = func(any) {}
	}
	s.waiting[s.last+1] = answer
	s.submit(ev)
}

func (s *simulation) step() {
	switch n := s.rng.IntN(100); {
	case n < 3 && len(s.clients) < 8:
		s.add()
	case n < 4:
		s.crash()
	case n < 5:
		s.growTopic(simTopic, min(12, len(s.image.Topic(simTopic).Partitions)+1))
	case n < 6:
		s.checkReplay()
	case n < 25:
		s.pass(time.Duration(s.rng.IntN(1500)) * time.Millisecond)
	case len(s.clients) > 0:
		s.clients[s.rng.IntN(len(s.clients))].act()
	}
	s.check()
}

// add lets a client start.
func (s *simulation) add() {
	s.made++
	c := &client{s: s, name: fmt.Sprintf("c%d", s.made), group: fmt.Sprintf("g%d", s.rng.IntN(3)), next: s.chance(50), owned: map[int32]bool{}, heard: s.now}
	s.clients = append(s.clients, c)
}

// crash loses what the machine had in memory; clients are told that it is no coordinator any more.
func (s *simulation) crash() {
	if s.chance(50) {
		s.compact()
	}
	clear(s.waiting)
	for _, c := range s.clients {
		c.giveUp()
	}
	s.checkReplay()
	s.start()
}

// checkReplay compares the machine with one that was made from the log, and from the log compacted.
func (s *simulation) checkReplay() {
	replayed := New(s.cfg)
	for _, e := range s.log {
		s.replay(replayed, e)
	}
	if live, again := dump(s.m), dump(replayed); live != again {
		s.t.Fatalf("live:\n%s\nreplayed:\n%s", live, again)
	}
}

// check looks for partitions with two owners.
func (s *simulation) check() {
	owner := map[groupOffset]string{}
	for _, c := range s.clients {
		if c.zombie() {
			continue
		}
		for p := range c.owned {
			k := groupOffset{c.group, topicPartition{simTopic, p}}
			if other, ok := owner[k]; ok {
				s.t.Fatalf("%s and %s both own %v at %v", other, c.name, k, s.now)
			}
			owner[k] = c.name
		}
	}
	for k, least := range s.offsets {
		if v, ok := s.m.offsets.get(k.group, k.topicPartition); !ok || v.Offset < least {
			s.t.Fatalf("%v was committed at %d and is %+v", k, least, v)
		}
	}
}

// settle ends the faults: paused clients die, the others go on.
func (s *simulation) settle() {
	s.faults = false
	s.clients = slices.DeleteFunc(s.clients, func(c *client) bool { return c.paused })
	for _, c := range s.clients {
		c.giveUp()
	}
	clear(s.waiting)
	for range 400 {
		s.pass(250 * time.Millisecond)
		for _, c := range s.clients {
			c.act()
		}
		s.check()
	}
	s.checkReplay()
	have := map[string]int{}
	for _, c := range s.clients {
		have[c.group] += len(c.owned)
		if c.state != joined {
			s.t.Errorf("%s of %s is not stable: state %d, member %q, generation %d", c.name, c.group, c.state, c.member, c.generation)
		}
	}
	for _, g := range sortedKeys(have) {
		if n := len(s.image.Topic(simTopic).Partitions); have[g] != n {
			s.t.Errorf("members of %s own %d of %d partitions\n%s", g, have[g], n, dump(s.m))
		}
		if c := s.m.classic[g]; c != nil && c.state != stateStable {
			s.t.Errorf("the classic group %s is %v", g, c.state)
		}
		if c := s.m.consumer[g]; c != nil && c.state() != consumerStable {
			s.t.Errorf("the group %s is %v\n%s", g, c.state(), dump(s.m))
		}
	}
}

// client is a consumer: it does what clients of its protocol do, one request at a time.
type client struct {
	s          *simulation
	name       string
	group      string
	next       bool // it speaks the consumer protocol
	state      clientState
	member     string
	generation int32
	owned      map[int32]bool
	busy       bool // it waits for an answer
	asked      time.Time
	heard      time.Time // of the last answer that kept it in the group
	paused     bool
	told       map[int32]bool // what the coordinator has heard that it owns
	led        int            // partitions that it has assigned as a leader; 0: it is none
	full       bool           // it does not know what was heard: the next KIP-848 heartbeat says everything
}

type clientState uint8

const (
	outside clientState = iota
	syncing
	joined
)

// simSession is the session timeout and the rebalance timeout of classic clients; simRevocation is the rebalance timeout
// of the others, in milliseconds. It is long: a client that hears late that it has to let go does not know how late.
const (
	simSession    = 10 * time.Second
	simRevocation = 60_000
)

// zombie tells that the coordinator may have given it up: it does not know, and its partitions are not its own.
func (c *client) zombie() bool { return c.paused || c.s.now.Sub(c.heard) > simSession-time.Second }

// act does the next thing.
func (c *client) act() {
	s := c.s
	if c.busy && s.now.Sub(c.asked) > 3*time.Second { // it gives up on the answer and asks again
		c.giveUp()
	}
	if c.zombie() && !c.paused { // it has not been heard for a session: it knows that it is out
		c.reset()
	}
	switch {
	case c.paused:
		if s.chance(30) {
			c.commit() // of what it had: it must be fenced, or nobody has committed since
		}
		if s.chance(10) {
			c.paused = false
			c.reset()
		}
		return
	case c.busy:
		return
	case s.faults && s.chance(2):
		c.paused = true
		return
	case s.faults && s.chance(2):
		c.leave()
		return
	case c.state == joined && s.chance(40):
		c.commit()
		return
	}
	if c.state == joined && c.led != 0 && c.led != len(s.image.Topic(simTopic).Partitions) { // a leader watches its topics
		c.state = outside
	}
	c.busy, c.asked = true, s.now
	switch {
	case c.next:
		c.beat()
	case c.state == outside:
		c.join()
	case c.state == syncing:
		c.syncUp(nil)
	default:
		c.heartbeat()
	}
}

// giveUp stops waiting for an answer. A classic client that does not know its assignment joins again.
func (c *client) giveUp() {
	c.full = c.full || c.busy
	c.busy = false
	if !c.next && c.state == syncing {
		c.state = outside
	}
}

func (c *client) reset() {
	c.state, c.owned, c.generation, c.busy, c.told, c.heard = outside, map[int32]bool{}, 0, false, nil, c.s.now
	if !c.next {
		c.member = ""
	}
}

func (c *client) leave() {
	c.busy = false
	if c.next && c.state == joined {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, c.group, c.member, -1
		c.s.ask(ConsumerGroupHeartbeat{ConsumerGroupHeartbeatRequest: req}, func(any) {})
	} else if c.member != "" && !c.next {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group = 5, c.group
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = c.member
		req.Members = append(req.Members, m)
		c.s.ask(LeaveGroup{req}, func(any) {})
	}
	c.s.clients = slices.DeleteFunc(c.s.clients, func(o *client) bool { return o == c })
	c.owned = map[int32]bool{}
}

// commit commits one more than the last for a partition; a paused client what was last when it was paused.
func (c *client) commit() {
	for p := range c.owned {
		k := groupOffset{c.group, topicPartition{simTopic, p}}
		offset := c.s.offsets[k] + 1
		if c.paused {
			offset = max(0, offset-2) // it does not know what others did
		}
		ev := OffsetCommit{Group: c.group, Member: c.member, Generation: c.generation, Version: 9, Retention: -1}
		ev.Offsets = []Offset{{Topic: simTopic, TopicID: c.s.image.Topic(simTopic).ID, Partition: p, Offset: offset}}
		mine := !c.zombie()
		c.s.waiting[c.s.last+1] = func(reply any) {
			if code := reply.(Committed)[0]; code == 0 && mine {
				c.s.offsets[k] = offset
			} else if code == 0 && c.s.ownedByOther(c, p) {
				c.s.t.Fatalf("%s, which is out, committed %v although it is somebody else's", c.name, k)
			} else if code == 0 {
				c.s.offsets[k] = offset // nobody else could have
			}
		}
		c.s.submit(ev)
		return
	}
}

func (s *simulation) ownedByOther(c *client, p int32) bool {
	return slices.ContainsFunc(s.clients, func(o *client) bool { return o != c && o.group == c.group && !o.zombie() && o.owned[p] })
}

// failed looks at an error; it answers whether there was one.
func (c *client) failed(code int16) bool {
	switch code {
	case 0:
		return false
	case kerr.RebalanceInProgress.Code:
		c.state = outside                                     // from the first time that it was told, heard or not, its rebalance timeout runs
		if c.s.m.consumer[c.group] == nil || c.s.chance(50) { // the eager way: let go of everything
			c.owned = map[int32]bool{}
		}
	case kerr.GroupMaxSizeReached.Code, kerr.InconsistentGroupProtocol.Code:
		c.reset()
	default:
		c.reset()
	}
	return true
}

func (c *client) join() {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 9, c.group, c.member, ConsumerProtocol
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = int32(simSession.Milliseconds()), int32(simSession.Milliseconds())
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", subscriptionBlob([]string{simTopic}, []topicList{{simTopic, sortedKeys(c.owned)}})
	req.Protocols = append(req.Protocols, p)
	if c.s.m.consumer[c.group] == nil {
		c.owned = map[int32]bool{}
	}
	if len(c.owned) == 0 {
		c.heard = c.s.now
	}
	c.s.ask(JoinGroup{JoinGroupRequest: req, Client: Client{ID: c.name}}, func(reply any) {
		r := reply.(*kmsg.JoinGroupResponse)
		c.busy = false
		if r.ErrorCode == kerr.MemberIDRequired.Code {
			c.member = r.MemberID
			return
		}
		if c.failed(r.ErrorCode) {
			return
		}
		c.member, c.generation, c.state, c.heard = r.MemberID, r.Generation, syncing, c.s.now
		if r.LeaderID == r.MemberID && !r.SkipAssignment {
			c.busy, c.asked = true, c.s.now
			c.syncUp(r.Members)
		}
	})
}

func (c *client) syncUp(members []kmsg.JoinGroupResponseMember) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 5, c.group, c.member, c.generation
	n := int32(len(c.s.image.Topic(simTopic).Partitions))
	if c.led = 0; len(members) > 0 {
		c.led = int(n)
	}
	for i, m := range members {
		var list []int32
		for p := int32(i); p < n; p += int32(len(members)) {
			list = append(list, p)
		}
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = m.MemberID, encodeAssignment(1, []topicList{{simTopic, list}})
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	c.s.ask(SyncGroup{req}, func(reply any) {
		r := reply.(*kmsg.SyncGroupResponse)
		c.busy = false
		if c.failed(r.ErrorCode) {
			return
		}
		list, err := parseAssignment(r.MemberAssignment)
		if err != nil {
			c.s.t.Fatal(err)
		}
		c.state, c.owned, c.heard = joined, map[int32]bool{}, c.s.now
		for _, l := range list {
			for _, p := range l.partitions {
				c.owned[p] = true
			}
		}
	})
}

func (c *client) heartbeat() {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 4, c.group, c.member, c.generation
	c.s.ask(Heartbeat{req}, func(reply any) {
		c.busy = false
		if !c.failed(reply.(*kmsg.HeartbeatResponse).ErrorCode) {
			c.heard = c.s.now
		}
	})
}

// beat is a KIP-848 heartbeat. What it owns is told when that changed.
func (c *client) beat() {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	if c.member == "" {
		c.member = c.name
	}
	req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, c.group, c.member, c.generation
	if c.state == outside {
		req.MemberEpoch, req.SubscribedTopicNames, req.RebalanceTimeoutMillis, req.Topics = 0, []string{simTopic}, simRevocation, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	} else if c.full || c.told == nil || len(c.told) != len(c.owned) || c.s.chance(20) {
		t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		t.TopicID, t.Partitions = c.s.image.Topic(simTopic).ID, sortedKeys(c.owned)
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{t}
		if c.full {
			req.SubscribedTopicNames, req.RebalanceTimeoutMillis = []string{simTopic}, simRevocation
		}
	}
	told := maps.Clone(c.owned)
	c.s.ask(ConsumerGroupHeartbeat{ConsumerGroupHeartbeatRequest: req}, func(reply any) {
		r := reply.(*kmsg.ConsumerGroupHeartbeatResponse)
		c.busy = false
		if c.failed(r.ErrorCode) {
			return
		}
		c.state, c.generation, c.heard = joined, r.MemberEpoch, c.s.now
		if c.full = false; req.Topics != nil {
			c.told = told
		}
		if r.Assignment != nil {
			c.owned = map[int32]bool{}
			for _, t := range r.Assignment.Topics {
				for _, p := range t.Partitions {
					c.owned[p] = true
				}
			}
		}
	})
}
