package metadata

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// random makes records that fit a state more often than not.
type random struct {
	*rand.Rand
	d    *Delta
	next uint64
}

func (r *random) id() UUID {
	r.next++
	var id UUID
	binary.BigEndian.PutUint64(id[8:], r.next*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[:8], r.next)
	return id
}

func (r *random) ids() []int32 {
	out := make([]int32, 0, 3)
	for _, n := range r.Perm(4)[:r.IntN(4)] {
		out = append(out, int32(n))
	}
	return out
}

func (r *random) topic() UUID {
	all := r.d.View().Topics()
	if len(all) == 0 {
		return UUID{}
	}
	return all[r.IntN(len(all))].ID
}

func (r *random) record() Record {
	name := fmt.Sprintf("t%d", r.IntN(12))
	id := r.topic()
	switch r.IntN(14) {
	case 0:
		return &TopicRecord{name, r.id()}
	case 1:
		return &RemoveTopicRecord{id}
	case 2, 3, 4:
		n := int32(0)
		if t := r.d.View().TopicByID(id); t != nil {
			n = int32(len(t.Partitions))
		}
		return &PartitionRecord{PartitionID: n, TopicID: id, Replicas: r.ids(), ISR: r.ids(), Leader: 1, EligibleLeaderReplicas: r.ids()}
	case 5, 6:
		c := &PartitionChangeRecord{PartitionID: int32(r.IntN(3)), TopicID: id, ISR: r.ids(), Leader: int32(r.IntN(4)) - 2, LeaderRecoveryState: NoRecoveryChange}
		if r.IntN(2) == 0 {
			c.EligibleLeaderReplicas = r.ids()
		}
		return c
	case 7:
		value := new(name)
		if r.IntN(3) == 0 {
			value = nil
		}
		return &ConfigRecord{TopicResource, name, fmt.Sprintf("k%d", r.IntN(3)), value}
	case 8:
		b := Broker{ID: int32(r.IntN(3)), Epoch: int64(r.IntN(2)), Fenced: true, Features: map[string][2]int16{"f": {0, int16(r.IntN(3))}}}
		return b.Record()
	case 9:
		return &BrokerRegistrationChangeRecord{BrokerID: int32(r.IntN(3)), BrokerEpoch: int64(r.IntN(2)), Fenced: int8(r.IntN(3)) - 1, LogDirs: []UUID{r.id()}}
	case 10:
		return &FeatureLevelRecord{name, int16(r.IntN(3))}
	case 11:
		return &ClearElrRecord{name}
	case 12:
		return &ClientQuotaRecord{Entity: []QuotaEntity{{"user", new(name)}, {"ip", nil}}, Key: fmt.Sprintf("q%d", r.IntN(2)), Value: 1, Remove: r.IntN(2) == 0}
	default:
		return &UserScramCredentialRecord{Name: name, Mechanism: 1, Salt: []byte{1}}
	}
}

// diff is what two descriptions differ in, found the quick way when it is nothing.
func diff(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// describe is an image as something to compare.
func describe(i *Image) []string {
	var out []string
	for _, r := range i.Records() {
		out = append(out, fmt.Sprintf("%T %x", r, Append(nil, r)))
	}
	return out
}

func TestReplayEqualsLive(t *testing.T) {
	for seed := range uint64(60) {
		live := Empty("c")
		r := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
		var log [][]byte
		before := map[*Image][]string{}
		for n := range 60 {
			d := NewDelta(live)
			r.d = d
			var entry []Record
			for range 1 + r.IntN(5) {
				rec := r.record()
				trial := NewDelta(d.View()) // a delta over what is not frozen yet: only asks whether the record fits
				if trial.Apply(rec) != nil {
					continue
				}
				if err := d.Apply(rec); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				entry = append(entry, rec)
			}
			before[live] = describe(live)
			live = d.Image(int64(n), 1)
			log = append(log, EncodeList(entry))
		}
		for image, want := range before {
			if diff := diff(want, describe(image)); diff != "" {
				t.Fatalf("seed %d: the image at %d changed afterwards:\n%s", seed, image.Offset, diff)
			}
		}

		replayed := NewDelta(Empty("c"))
		for _, entry := range log {
			list, err := DecodeList(entry)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range list {
				if err := replayed.Apply(rec); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		want := describe(live)
		if diff := diff(want, describe(replayed.View())); diff != "" {
			t.Fatalf("seed %d: replay differs from live:\n%s", seed, diff)
		}
		restored := NewDelta(Empty("c"))
		for _, rec := range live.Records() {
			if err := restored.Apply(rec); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if diff := diff(want, describe(restored.View())); diff != "" {
			t.Fatalf("seed %d: the snapshot differs from live:\n%s", seed, diff)
		}
	}
}

func apply(t testing.TB, from *Image, records ...Record) (*Image, *Delta) {
	t.Helper()
	d := NewDelta(from)
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return d.Image(from.Offset+1, 1), d
}

func TestADeltaTellsWhatChanged(t *testing.T) {
	a, b := UUID{1}, UUID{2}
	one, d := apply(t, Empty("c"), &TopicRecord{"a", a}, &PartitionRecord{TopicID: a, Leader: 1},
		&ConfigRecord{TopicResource, "a", "k", new("v")}, &FeatureLevelRecord{"f", 1})
	if c := d.TopicsChanged(); len(c) != 1 || c[0].Old != nil || c[0].New.Name != "a" {
		t.Errorf("made: %+v", c)
	}
	if !d.FeaturesChanged() || d.SecurityChanged() || len(d.ConfigsChanged()) != 1 {
		t.Error("features, security or configs")
	}
	two, d := apply(t, one, &RemoveTopicRecord{a}, &TopicRecord{"a", b}, &PartitionRecord{TopicID: b, Leader: 1})
	c := d.TopicsChanged()
	if len(c) != 2 || c[0].New != nil || c[0].Old.ID != a || c[1].Old != nil || c[1].New.ID != b {
		t.Errorf("made again: %+v", c)
	}
	if two.Config(Resource{TopicResource, "a"}) != nil || one.Config(Resource{TopicResource, "a"})["k"] != "v" {
		t.Error("a topic's configuration goes with the topic")
	}
	_, d = apply(t, two, &TopicRecord{"x", UUID{3}}, &RemoveTopicRecord{UUID{3}})
	if c := d.TopicsChanged(); len(c) != 0 {
		t.Errorf("made and removed at once: %+v", c)
	}
	if c := Between(one, two).TopicsChanged(); len(c) != 2 {
		t.Errorf("between two images: %+v", c)
	}
}

func TestALeaderThatIsSetRaisesTheEpoch(t *testing.T) {
	id := UUID{1}
	i, _ := apply(t, Empty("c"), &TopicRecord{"a", id}, &PartitionRecord{TopicID: id, Leader: 1, LeaderEpoch: 3, PartitionEpoch: 5, ISR: []int32{1}})
	same := &PartitionChangeRecord{TopicID: id, Leader: 1, LeaderRecoveryState: NoRecoveryChange}
	shrunk := &PartitionChangeRecord{TopicID: id, Leader: NoLeaderChange, ISR: []int32{}, LeaderRecoveryState: NoRecoveryChange}
	i, _ = apply(t, i, same, shrunk)
	if p := i.Topic("a").Partition(0); p.Leader != 1 || p.LeaderEpoch != 4 || p.PartitionEpoch != 7 || len(p.ISR) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestRecordsThatDoNotFitAreErrors(t *testing.T) {
	id := UUID{1}
	i, _ := apply(t, Empty("c"), &TopicRecord{"a", id}, &RegisterBrokerRecord{BrokerID: 1, BrokerEpoch: 7})
	for _, r := range []Record{
		&TopicRecord{"a", UUID{2}}, &TopicRecord{"b", id}, &RemoveTopicRecord{UUID{2}},
		&PartitionRecord{TopicID: UUID{2}}, &PartitionRecord{TopicID: id, PartitionID: 1}, &PartitionRecord{TopicID: id, PartitionID: -1},
		&PartitionChangeRecord{TopicID: id}, &ClearElrRecord{"b"}, &UnregisterBrokerRecord{1, 8}, &UnregisterBrokerRecord{2, 7},
		&FenceBrokerRecord{1, 8}, &BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 7, Fenced: 2},
	} {
		if err := NewDelta(i).Apply(r); err == nil {
			t.Errorf("%T %+v passes", r, r)
		}
	}
}

// BenchmarkOneChangeAmongMany: one partition change among 10,000 topics must not cost a copy of the topics.
func BenchmarkOneChangeAmongMany(b *testing.B) {
	d := NewDelta(Empty("c"))
	r := &random{Rand: rand.New(rand.NewPCG(1, 1))}
	var last UUID
	for n := range 10_000 {
		last = r.id()
		_ = d.Apply(&TopicRecord{fmt.Sprintf("topic-%d", n), last})
		_ = d.Apply(&PartitionRecord{TopicID: last, Replicas: []int32{1}, ISR: []int32{1}, Leader: 1})
	}
	image := d.Image(0, 1)
	b.ReportAllocs()
	for b.Loop() {
		d := NewDelta(image)
		if err := d.Apply(&PartitionChangeRecord{TopicID: last, Leader: 1, LeaderRecoveryState: NoRecoveryChange}); err != nil {
			b.Fatal(err)
		}
		image = d.Image(image.Offset+1, 1)
	}
}
