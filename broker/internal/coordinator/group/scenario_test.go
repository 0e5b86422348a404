package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// A scenario is a story: each command is a request, a change of topics or some time that passes; the answer shows the
// replies that it set free, of whoever waited, and the records that were written. See testdata; -rewrite writes the
// answers anew.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := newStory(t)
		datadriven.RunTest(t, path, s.run)
	})
}

// story is a world with people in it.
type story struct {
	*world
	out    strings.Builder
	who    map[coordinator.Ticket]string
	people map[string]*person // by group and name
	d      *datadriven.TestData
}

// person is a client in one group.
type person struct {
	name       string
	member     string
	generation int32
	instance   *string
	owned      []kmsg.ConsumerGroupHeartbeatRequestTopic
}

func newStory(t *testing.T) *story {
	s := &story{world: newWorld(t), who: map[coordinator.Ticket]string{}, people: map[string]*person{}}
	s.replied = s.hear
	s.wrote = func(r Record) { fmt.Fprintf(&s.out, "  %s\n", s.show(r)) }
	return s
}

func (s *story) run(t *testing.T, d *datadriven.TestData) string {
	s.t, s.d = t, d
	s.out.Reset()
	switch d.Cmd {
	case "config":
		s.config()
	case "topic":
		s.makeTopic(s.text("name"), s.number("partitions", 1))
	case "grow":
		s.growTopic(s.text("name"), s.number("partitions", 1))
	case "drop":
		s.world.dropTopic(s.text("name"), s.has("unseen"))
	case "wait":
		s.pass(s.duration("for", 0))
	case "reload":
		s.start()
	case "compact":
		s.compact()
		s.start()
	default:
		s.request()
	}
	if s.out.Len() == 0 {
		return "-\n"
	}
	return s.out.String()
}

// Arguments.

func (s *story) has(key string) bool {
	return slices.ContainsFunc(s.d.CmdArgs, func(a datadriven.CmdArg) bool { return a.Key == key })
}

func (s *story) list(key string) []string {
	for _, a := range s.d.CmdArgs {
		if a.Key == key {
			return a.Vals
		}
	}
	return nil
}

func (s *story) text(key string) string {
	if l := s.list(key); len(l) > 0 {
		return l[0]
	}
	return ""
}

func (s *story) number(key string, or int) int {
	if s.has(key) {
		_, _ = fmt.Sscan(s.text(key), &or)
	}
	return or
}

func (s *story) duration(key string, or time.Duration) time.Duration {
	if s.has(key) {
		d, err := time.ParseDuration(s.text(key))
		if err != nil {
			s.t.Fatal(err)
		}
		return d
	}
	return or
}

func (s *story) millis(key string, or time.Duration) int32 {
	return int32(s.duration(key, or).Milliseconds())
}

func (s *story) config() {
	s.cfg.InitialRebalanceDelay = s.duration("delay", s.cfg.InitialRebalanceDelay)
	s.cfg.MaxSize = s.number("max-size", s.cfg.MaxSize)
	s.cfg.MaxConsumers = s.number("max-consumers", s.cfg.MaxConsumers)
	s.cfg.MaxBatchBytes = s.number("max-batch", s.cfg.MaxBatchBytes)
	if s.has("migration") {
		s.cfg.Migration = ParseMigration(s.text("migration"))
	}
	s.start()
}

// me is whoever a command is about, remembered from one to the next.
func (s *story) me() *person {
	key := s.text("group") + "/" + s.text("who")
	p := s.people[key]
	if p == nil {
		p = &person{name: s.text("who"), generation: -1}
		s.people[key] = p
	}
	if s.has("member") {
		p.member = s.text("member")
	}
	if s.has("instance") {
		p.instance = new(s.text("instance"))
	}
	return p
}

func (s *story) ask(p *person, ev Event) {
	s.who[s.last+1] = s.text("group") + "/" + p.name
	s.submit(ev)
}

// hear takes replies.
func (s *story) hear(t coordinator.Ticket, reply any) {
	name := s.who[t]
	group, who, _ := strings.Cut(name, "/")
	if p := s.people[name]; p != nil {
		p.learn(reply)
	}
	if who == "" {
		who = group
	}
	fmt.Fprintf(&s.out, "%s: %s\n", who, s.tell(reply))
}

func (p *person) learn(reply any) {
	switch r := reply.(type) {
	case *kmsg.JoinGroupResponse:
		if r.ErrorCode == 0 || r.ErrorCode == kerr.MemberIDRequired.Code {
			p.member, p.generation = r.MemberID, r.Generation
		}
	case *kmsg.ConsumerGroupHeartbeatResponse:
		if r.ErrorCode == 0 {
			p.member, p.generation = *r.MemberID, r.MemberEpoch
		}
		if r.Assignment != nil {
			p.owned = nil
			for _, t := range r.Assignment.Topics {
				o := kmsg.NewConsumerGroupHeartbeatRequestTopic()
				o.TopicID, o.Partitions = t.TopicID, t.Partitions
				p.owned = append(p.owned, o)
			}
		}
	}
}

func code(c int16) string {
	if c == 0 {
		return "ok"
	}
	return kerr.ErrorForCode(c).(*kerr.Error).Message
}

func (s *story) topicName(id UUID) string {
	if t := s.image.TopicByID(id); t != nil {
		return t.Name
	}
	return fmt.Sprintf("topic%d", id[0])
}

func (s *story) partitions(list []TopicPartitions) string {
	var out []string
	for _, t := range list {
		for _, p := range t.Partitions {
			out = append(out, fmt.Sprintf("%s-%d", s.topicName(t.TopicID), p))
		}
	}
	return "(" + strings.Join(out, " ") + ")"
}
