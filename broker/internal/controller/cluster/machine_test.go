package cluster

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// history makes events that make sense more often than not.
type history struct {
	*rand.Rand
	m    *Machine
	made uint64
}

func (h *history) topicName() string { return fmt.Sprintf("t.%d", h.IntN(6)) }

func (h *history) brokerEpoch(id int32) int64 {
	if b := h.m.View().Broker(id); b != nil && h.IntN(10) > 0 {
		return b.Epoch
	}
	return 1
}

func (h *history) someID() metadata.UUID {
	h.made++
	return metadata.UUID{byte(h.made), byte(h.made >> 8), byte(h.Uint32()), 15: 1}
}

func (h *history) partition() (TopicPartition, *metadata.Partition) {
	all := h.m.View().Topics()
	if len(all) == 0 {
		return TopicPartition{}, nil
	}
	t := all[h.IntN(len(all))]
	n := h.IntN(len(t.Partitions))
	return TopicPartition{t.ID, int32(n)}, t.Partitions[n]
}

func (h *history) event() Event {
	id := int32(1 + h.IntN(4))
	switch h.IntN(20) {
	case 16, 17:
		return h.reassignment()
	case 18:
		if h.IntN(3) == 0 {
			return UnregisterBroker{id}
		}
		return h.security()
	case 0, 1:
		t := NewTopic{Name: h.topicName(), Partitions: int32(1 + h.IntN(4)), ReplicationFactor: int16(1 + h.IntN(3)), ID: h.someID()}
		for _, key := range []string{"flush.policy=os", "unclean.leader.election.enable=true", "min.insync.replicas=2"} {
			if h.IntN(4) == 0 {
				t.Configs = append(t.Configs, ConfigOp{Key: key[:len(key)-len(value(key))-1], Value: new(value(key))})
			}
		}
		return CreateTopics{Topics: []NewTopic{t}}
	case 2:
		if h.IntN(4) > 0 {
			return FenceBroker{id, h.brokerEpoch(id)}
		}
		return DeleteTopics{[]TopicRef{{Name: h.topicName()}}}
	case 3:
		return CreatePartitions{Topics: []GrowTopic{{Name: h.topicName(), Count: int32(1 + h.IntN(6))}}}
	case 4:
		return AlterConfigs{Resources: []AlterResource{{metadata.Resource{Type: metadata.TopicResource, Name: h.topicName()},
			[]ConfigOp{{Key: keyMinISR, Op: int8(h.IntN(2)), Value: new(fmt.Sprint(1 + h.IntN(3)))}}}}}
	case 5, 6, 7:
		ev := RegisterBroker{Broker: metadata.Broker{ID: id, Fenced: h.IntN(2) == 0, LogDirs: []metadata.UUID{{byte(id)}}}}
		for range h.IntN(3) {
			if tp, p := h.partition(); p != nil {
				ev.Unclean = append(ev.Unclean, tp)
			}
		}
		return ev
	case 8, 9, 10:
		return UnfenceBroker{id, h.brokerEpoch(id)}
	case 11:
		return FenceBroker{id, h.brokerEpoch(id)}
	case 12:
		return ShutdownBroker{id, h.brokerEpoch(id)}
	case 13:
		return ElectLeaders{Type: int8(h.IntN(2))}
	case 14:
		return AllocateProducerIDs{id, h.brokerEpoch(id)}
	default:
		return h.alterPartition()
	}
}

func (h *history) reassignment() Event {
	tp, p := h.partition()
	if p == nil {
		return ElectLeaders{}
	}
	r := Reassign{Topic: h.m.View().TopicByID(tp.TopicID).Name, Index: tp.Index}
	if h.IntN(4) > 0 {
		for _, id := range h.Perm(4)[:1+h.IntN(3)] {
			r.Replicas = append(r.Replicas, int32(id+1))
		}
	}
	return AlterReassignments{Partitions: []Reassign{r}}
}

func (h *history) security() Event {
	name := fmt.Sprint("u", h.IntN(3))
	switch h.IntN(4) {
	case 0:
		return AlterClientQuotas{Entries: []QuotaChange{{[]metadata.QuotaEntity{{Type: "user", Name: &name}},
			[]QuotaOp{{"producer_byte_rate", float64(1 + h.IntN(2)), h.IntN(2) == 0}}}}}
	case 1:
		return AlterScramCredentials{Upsertions: []metadata.UserScramCredentialRecord{{Name: name, Mechanism: 1, Iterations: 4096}}}
	case 2:
		return DeleteACLs{[]metadata.ACLFilter{{ResourceType: 1, PatternType: 1, Principal: new("User:" + name), Operation: 1, PermissionType: 1}}}
	}
	return CreateACLs{[]metadata.AccessControlEntryRecord{{ID: h.someID(), ResourceType: 2, ResourceName: "t", PatternType: 3,
		Principal: "User:" + name, Host: "*", Operation: 3, PermissionType: 3}}}
}

func value(setting string) string {
	return setting[slices.Index([]byte(setting), '=')+1:]
}

func (h *history) alterPartition() Event {
	tp, p := h.partition()
	if p == nil {
		return ElectLeaders{}
	}
	a := AlterISR{TopicPartition: tp, LeaderEpoch: p.LeaderEpoch - int32(h.IntN(10)/9), PartitionEpoch: p.PartitionEpoch}
	for _, id := range p.Replicas {
		if id == p.Leader || h.IntN(2) == 0 {
			a.ISR = append(a.ISR, ISRMember{id, h.brokerEpoch(id)})
		}
	}
	return AlterPartition{BrokerID: p.Leader, BrokerEpoch: h.brokerEpoch(p.Leader), Partitions: []AlterISR{a}}
}

// check tells which invariant of the package a state breaks.
func check(old, now *metadata.Image) error {
	for _, t := range now.Topics() {
		for i, p := range t.Partitions {
			name := fmt.Sprintf("%s/%d %s", t.Name, i, showPartition(p))
			if p.Leader >= 0 && (!live(now.Broker(p.Leader)) || !slices.Contains(p.ISR, p.Leader)) {
				return fmt.Errorf("%s: the leader is not live or not in the ISR", name)
			}
			if len(minus(p.ISR, p.Replicas))+len(minus(p.ELR, p.Replicas)) > 0 || len(p.Directories) != len(p.Replicas) {
				return fmt.Errorf("%s: in ISR or ELR and no replica, or %d directories", name, len(p.Directories))
			}
			for _, id := range p.ISR {
				if slices.Contains(p.ELR, id) {
					return fmt.Errorf("%s: ISR and ELR overlap", name)
				}
				if b := now.Broker(id); now.Feature(FeatureELR) > 0 && !live(b) {
					return fmt.Errorf("%s: %d is in the ISR and not live", name, id)
				}
			}
			was := old.TopicByID(t.ID).Partition(int32(i))
			if was == nil {
				continue
			}
			switch {
			case p.LeaderEpoch < was.LeaderEpoch || p.PartitionEpoch < was.PartitionEpoch:
				return fmt.Errorf("%s: an epoch fell from %d/%d", name, was.LeaderEpoch, was.PartitionEpoch)
			case p.Leader != was.Leader && p.LeaderEpoch == was.LeaderEpoch:
				return fmt.Errorf("%s: two leaders in one epoch, the other is %d", name, was.Leader)
			case p.Leader >= 0 && p.Leader == was.Leader && p.LeaderEpoch == was.LeaderEpoch && epochOf(old, p.Leader) != epochOf(now, p.Leader):
				return fmt.Errorf("%s: broker %d registered again and leads on in the same epoch", name, p.Leader)
			}
		}
	}
	return nil
}

func epochOf(i *metadata.Image, id int32) int64 {
	if b := i.Broker(id); b != nil {
		return b.Epoch
	}
	return -1
}

func describe(i *metadata.Image) []string {
	var out []string
	for _, r := range i.Records() {
		out = append(out, fmt.Sprintf("%T %x", r, metadata.Append(nil, r)))
	}
	return out
}

// seeds is how many histories are tried: SIM_SEEDS, or a few.
func seeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("SIM_SEEDS"), 10, 64); err == nil {
		return n
	}
	return 60
}

// TestReplayEqualsLive drives random histories. After each event the invariants hold, a decision has changed nothing by
// itself, and a unclean replica is in neither ISR nor ELR; in the end replayed records make the same state.
func TestReplayEqualsLive(t *testing.T) {
	for seed := range seeds() {
		cfg := Config{NodeID: 1, Configs: keys{}, FlushOS: seed%3 == 0}
		m := New(cfg, metadata.Empty("c"))
		h := &history{Rand: rand.New(rand.NewPCG(seed, 7)), m: m}
		log := [][]byte{metadata.EncodeList(Bootstrap())}
		replayInto(t, m, log[0])
		for offset := int64(2); offset < 120; offset++ {
			ev := h.event()
			before := frozen(t, m)
			fx, err := m.Decide(Now{time.Unix(offset, 0), offset}, ev)
			if err != nil {
				t.Fatalf("seed %d: %T: %v", seed, ev, err)
			}
			if offset%20 == 0 {
				if diff := cmp.Diff(describe(before), describe(m.View())); diff != "" {
					t.Fatalf("seed %d: deciding %T changed the state:\n%s", seed, ev, diff)
				}
			}
			for _, r := range fx.Records {
				if err := m.Apply(r); err != nil {
					t.Fatalf("seed %d: %T made a record that does not fit: %v", seed, ev, err)
				}
			}
			if err := check(before, m.View()); err != nil {
				t.Fatalf("seed %d, offset %d: after %+v: %v", seed, offset, ev, err)
			}
			checkUnclean(t, m, ev)
			log = append(log, metadata.EncodeList(fx.Records))
		}
		again := New(cfg, metadata.Empty("c"))
		for _, entry := range log {
			replayInto(t, again, entry)
		}
		if diff := cmp.Diff(describe(m.View()), describe(again.View())); diff != "" {
			t.Fatalf("seed %d: replay differs from live:\n%s", seed, diff)
		}
		if diff := cmp.Diff(m.collisions, again.collisions); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// checkUnclean: a replica that lost something is not eligible, unless it leads because that is the rule for its topic.
func checkUnclean(t *testing.T, m *Machine, ev Event) {
	t.Helper()
	reg, ok := ev.(RegisterBroker)
	if !ok {
		return
	}
	for _, tp := range reg.Unclean {
		p := m.View().TopicByID(tp.TopicID).Partition(tp.Index)
		if id := reg.Broker.ID; p.Leader != id && (slices.Contains(p.ISR, id) || slices.Contains(p.ELR, id)) {
			t.Fatalf("broker %d lost something of %s", id, showPartition(p))
		}
	}
}

// frozen is the state as an image that later records do not touch.
func frozen(t *testing.T, m *Machine) *metadata.Image {
	t.Helper()
	d := metadata.NewDelta(metadata.Empty("c"))
	for _, r := range m.View().Records() {
		if err := d.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return d.Image(0, 0)
}

func replayInto(t *testing.T, m *Machine, entry []byte) {
	t.Helper()
	records, err := metadata.DecodeList(entry)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := m.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnIDThatCannotBeUsedIsAnError(t *testing.T) {
	m := New(Config{Configs: keys{}}, metadata.Empty("c"))
	if _, err := m.Decide(Now{}, CreateTopics{Topics: []NewTopic{{Name: "a", Partitions: 1, ReplicationFactor: 1}}}); err == nil {
		t.Error("a topic without an id passes")
	}
}

// BenchmarkFailover: fencing a broker that leads 10,000 partitions is one decision.
func BenchmarkFailover(b *testing.B) {
	m := New(Config{Configs: keys{}}, metadata.Empty("c"))
	apply := func(ev Event, offset int64) {
		fx, err := m.Decide(Now{Offset: offset}, ev)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range fx.Records {
			_ = m.Apply(r)
		}
	}
	for _, r := range Bootstrap() {
		_ = m.Apply(r)
	}
	for id := range int32(3) {
		apply(RegisterBroker{Broker: metadata.Broker{ID: id}}, int64(id))
	}
	apply(CreateTopics{Topics: []NewTopic{{Name: "a", Partitions: 10_000, ReplicationFactor: 3, ID: metadata.UUID{1}}}}, 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Decide(Now{}, FenceBroker{1, 1}); err != nil {
			b.Fatal(err)
		}
	}
}
