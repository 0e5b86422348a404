package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// request sends what a command says.
func (s *story) request() {
	p, g := s.me(), s.text("group")
	switch s.d.Cmd {
	case "join":
		s.ask(p, s.joinOf(p, g))
	case "sync":
		req := kmsg.NewPtrSyncGroupRequest()
		req.Version, req.Group, req.MemberID, req.Generation, req.InstanceID = 5, g, p.member, int32(s.number("generation", int(p.generation))), p.instance
		for _, a := range s.list("assign") {
			name, what, _ := strings.Cut(a, ":")
			ra := kmsg.NewSyncGroupRequestGroupAssignment()
			ra.MemberID, ra.MemberAssignment = s.people[g+"/"+name].member, []byte(what)
			if topic, list, ok := strings.Cut(what, "/"); ok { // topic/0+1: as a consumer writes it
				ra.MemberAssignment = encodeAssignment(1, []topicList{{topic, numbers(list)}})
			}
			req.GroupAssignment = append(req.GroupAssignment, ra)
		}
		s.ask(p, SyncGroup{req})
	case "heartbeat":
		req := kmsg.NewPtrHeartbeatRequest()
		req.Version, req.Group, req.MemberID, req.Generation, req.InstanceID = 4, g, p.member, int32(s.number("generation", int(p.generation))), p.instance
		s.ask(p, Heartbeat{req})
	case "leave":
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group = 5, g
		m := kmsg.NewLeaveGroupRequestMember()
		if m.MemberID = p.member; s.has("instance") {
			m.MemberID, m.InstanceID = "", p.instance
		}
		req.Members = append(req.Members, m)
		s.ask(p, LeaveGroup{req})
	case "beat":
		s.ask(p, s.beatOf(p, g))
	case "commit":
		s.commitOf(p, g)
	case "fetch":
		ev := OffsetFetch{Group: g, Epoch: -1, All: true, RequireStable: s.has("stable")}
		for _, at := range s.list("of") {
			topic, n := place(at)
			ev.All, ev.Topics = false, append(ev.Topics, TopicList{topic, []int32{n}})
		}
		s.ask(p, ev)
	case "delete-offset":
		topic, n := place(s.text("of"))
		s.ask(p, OffsetDelete{g, []TopicList{{topic, []int32{n}}}})
	case "end-transaction":
		s.endTransaction(coordinator.Producer{ID: int64(s.number("producer", 0))}, s.text("result") == "commit")
	case "delete":
		s.ask(p, DeleteGroups{Groups: []string{g}})
	case "describe":
		s.ask(p, DescribeGroups{Groups: []string{g}, Version: 6})
		s.ask(p, DescribeConsumerGroups{Groups: []string{g}})
	case "list":
		s.ask(p, ListGroups{})
	default:
		s.d.Fatalf(s.t.(*testing.T), "unknown command %s", s.d.Cmd)
	}
}

func (s *story) joinOf(p *person, g string) JoinGroup {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.InstanceID = int16(s.number("v", 9)), g, p.member, p.instance
	if s.has("anew") {
		req.MemberID = ""
	}
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = s.millis("session", 10*time.Second), s.millis("rebalance", 20*time.Second)
	req.ProtocolType = ConsumerProtocol
	if s.has("type") {
		req.ProtocolType = s.text("type")
	}
	names := s.list("protocols")
	if names == nil {
		names = []string{"range"}
	}
	for _, n := range names {
		rp := kmsg.NewJoinGroupRequestProtocol()
		rp.Name, rp.Metadata = n, subscriptionBlob(s.list("topics"), s.ownedNames(p))
		req.Protocols = append(req.Protocols, rp)
	}
	return JoinGroup{JoinGroupRequest: req, Client: Client{ID: p.name, Host: "/1.2.3.4"}}
}

// ownedNames is what a classic consumer of a KIP-848 group says it owns: owned=(t/0+1).
func (s *story) ownedNames(*person) (out []topicList) {
	for _, o := range s.list("owned") {
		topic, list, _ := strings.Cut(o, "/")
		out = append(out, topicList{topic, numbers(list)})
	}
	return out
}

// subscriptionBlob is a consumer's metadata, version 1.
func subscriptionBlob(topics []string, owned []topicList) []byte {
	c := codec{version: 1}
	c.int16(&c.version)
	v := subscription{topics: topics, userData: []byte{}, owned: owned}
	v.fields(&c)
	return c.buf
}

func numbers(list string) (out []int32) {
	for n := range strings.SplitSeq(list, "+") {
		var i int32
		if _, err := fmt.Sscan(n, &i); err == nil {
			out = append(out, i)
		}
	}
	return out
}

func place(at string) (topic string, n int32) {
	i := strings.LastIndexByte(at, '-')
	_, _ = fmt.Sscan(at[i+1:], &n)
	return at[:i], n
}

// beatOf is a KIP-848 heartbeat: the first one joins, later ones say what is given; owned reports what it was assigned.
func (s *story) beatOf(p *person, g string) ConsumerGroupHeartbeat {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	if p.member == "" {
		p.member, p.generation = p.name, 0
	}
	req.Version, req.Group, req.MemberID, req.InstanceID = 1, g, p.member, p.instance
	req.MemberEpoch = int32(s.number("epoch", int(p.generation)))
	if s.has("leave") {
		req.MemberEpoch = -1
	}
	if req.MemberEpoch == 0 {
		req.RebalanceTimeoutMillis, req.Topics, req.SubscribedTopicNames = s.millis("rebalance", 30*time.Second), []kmsg.ConsumerGroupHeartbeatRequestTopic{}, []string{}
	}
	if s.has("topics") {
		req.SubscribedTopicNames = append([]string{}, s.list("topics")...)
	}
	if s.has("regex") {
		req.SubscribedTopicRegex = new(s.text("regex"))
	}
	if s.has("assignor") {
		req.ServerAssignor = new(s.text("assignor"))
	}
	if s.has("owned") {
		req.Topics = append([]kmsg.ConsumerGroupHeartbeatRequestTopic{}, p.owned...)
	}
	return ConsumerGroupHeartbeat{ConsumerGroupHeartbeatRequest: req, Client: Client{ID: p.name, Host: "/1.2.3.4"}}
}

func (s *story) commitOf(p *person, g string) {
	ev := OffsetCommit{
		Group: g, Member: p.member, Instance: p.instance, Generation: int32(s.number("generation", int(p.generation))), Version: int16(s.number("v", 9)), Retention: -1,
	}
	if s.has("retention") {
		ev.Retention = s.duration("retention", 0).Milliseconds()
	}
	if s.has("producer") {
		ev.Producer = &coordinator.Producer{ID: int64(s.number("producer", 0))}
	}
	for _, at := range s.list("of") {
		topic, n := place(at)
		o := Offset{Topic: topic, Partition: n, Offset: int64(s.number("offset", 0)), LeaderEpoch: -1, Metadata: s.text("metadata")}
		if t := s.image.Topic(topic); t != nil {
			o.TopicID = t.ID
		}
		ev.Offsets = append(ev.Offsets, o)
	}
	s.ask(p, ev)
}

// tell is a reply in short.
func (s *story) tell(reply any) string {
	switch r := reply.(type) {
	case *kmsg.JoinGroupResponse:
		if r.ErrorCode != 0 {
			return fmt.Sprintf("join %s %s", code(r.ErrorCode), r.MemberID)
		}
		out := fmt.Sprintf("join ok as %s generation=%d %s leader=%s", r.MemberID, r.Generation, *r.Protocol, r.LeaderID)
		for _, m := range r.Members {
			out += " +" + m.MemberID
		}
		if r.SkipAssignment {
			out += " skip-assignment"
		}
		return out
	case *kmsg.SyncGroupResponse:
		if list, err := parseAssignment(r.MemberAssignment); err == nil && len(list) > 0 {
			return fmt.Sprintf("sync %s %v", code(r.ErrorCode), list)
		}
		return fmt.Sprintf("sync %s %q", code(r.ErrorCode), r.MemberAssignment)
	case *kmsg.HeartbeatResponse:
		return "heartbeat " + code(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		out := "leave " + code(r.ErrorCode)
		for _, m := range r.Members {
			out += " " + code(m.ErrorCode)
		}
		return out
	case *kmsg.ConsumerGroupHeartbeatResponse:
		if r.ErrorCode != 0 {
			return fmt.Sprintf("beat %s (%s)", code(r.ErrorCode), *r.ErrorMessage)
		}
		out := fmt.Sprintf("beat ok epoch=%d", r.MemberEpoch)
		if r.Assignment != nil {
			var list []TopicPartitions
			for _, t := range r.Assignment.Topics {
				list = append(list, TopicPartitions{TopicID: t.TopicID, Partitions: t.Partitions})
			}
			out += " assigned=" + s.partitions(list)
		}
		return out
	}
	return s.tellOffsets(reply)
}

func (s *story) tellOffsets(reply any) string {
	var out []string
	switch r := reply.(type) {
	case Committed:
		for _, c := range r {
			out = append(out, code(c))
		}
		return "commit " + strings.Join(out, " ")
	case Fetched:
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if p.Code != 0 {
					out = append(out, fmt.Sprintf("%s-%d:%s", t.Topic, p.Partition, code(p.Code)))
				} else {
					out = append(out, fmt.Sprintf("%s-%d=%d", t.Topic, p.Partition, p.Offset))
				}
			}
		}
		return "fetch " + code(r.Code) + " " + strings.Join(out, " ")
	case Deleted:
		return fmt.Sprintf("delete-offset %s %v", code(r.Code), r.Partitions)
	case []kmsg.DeleteGroupsResponseGroup:
		return "delete " + code(r[0].ErrorCode)
	case []kmsg.ListGroupsResponseGroup:
		for _, g := range r {
			out = append(out, fmt.Sprintf("%s(%s %s %s)", g.Group, g.GroupType, g.ProtocolType, g.GroupState))
		}
		return "list " + strings.Join(out, " ")
	case []kmsg.DescribeGroupsResponseGroup:
		for _, m := range r[0].Members {
			out = append(out, fmt.Sprintf("%s=%q", m.MemberID, m.MemberAssignment))
		}
		return fmt.Sprintf("classic %s %s %s %s", code(r[0].ErrorCode), r[0].State, r[0].Protocol, strings.Join(out, " "))
	case []kmsg.ConsumerGroupDescribeResponseGroup:
		for _, m := range r[0].Members {
			out = append(out, fmt.Sprintf("%s@%d", m.MemberID, m.MemberEpoch))
		}
		return fmt.Sprintf("consumer %s %s epoch=%d/%d %s", code(r[0].ErrorCode), r[0].State, r[0].AssignmentEpoch, r[0].Epoch, strings.Join(out, " "))
	}
	return fmt.Sprintf("%T", reply)
}

// show is a record in short.
func (s *story) show(r Record) string {
	name := map[Kind]string{
		KindOffset: "offset", KindClassic: "classic", KindEpoch: "epoch", KindPartitions: "partitions", KindMember: "member", KindTargetEpoch: "target-epoch",
		KindTarget: "target", KindCurrent: "current", KindRegex: "regex",
	}[r.Kind]
	if r.Kind == KindOffset {
		name = fmt.Sprintf("offset %s %s-%d", r.Group, r.Name, r.Partition)
	} else if name += " " + r.Group; r.Name != "" {
		name += " " + r.Name
	}
	switch v := r.Value.(type) {
	case nil:
		return "- " + name
	case *OffsetValue:
		return fmt.Sprintf("+ %s = %d", name, v.Offset)
	case *ClassicValue:
		out := fmt.Sprintf("+ %s generation=%d", name, v.Generation)
		for _, m := range v.Members {
			out += " " + m.ID
		}
		return out
	case *EpochValue:
		return fmt.Sprintf("+ %s = %d", name, v.Epoch)
	case *TargetEpochValue:
		return fmt.Sprintf("+ %s = %d", name, v.Epoch)
	case *TargetValue:
		return fmt.Sprintf("+ %s = %s", name, s.partitions(v.Topics))
	case *RegexValue:
		return fmt.Sprintf("+ %s = %v", name, v.Topics)
	case *CurrentValue:
		out := fmt.Sprintf("+ %s = epoch %d %s %s", name, v.Epoch, [...]string{"stable", "unrevoked", "unreleased"}[v.State], s.partitions(v.Assigned))
		if len(v.Revoking) > 0 {
			out += " gives up " + s.partitions(v.Revoking)
		}
		return out
	case *MemberValue:
		out := fmt.Sprintf("+ %s %v", name, v.Topics)
		if re := deref(v.Regex); re != "" {
			out += " /" + re + "/"
		}
		if v.Classic != nil {
			out += " classic"
		}
		return out
	}
	return "+ " + name
}
