package group

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// world hosts one machine as package runtime does, with a clock of its own and a log in memory. Everything that is
// appended is durable at once.
type world struct {
	t      testing.TB
	cfg    Config
	m      *Machine
	now    time.Time
	image  *metadata.Image
	timers map[coordinator.TimerKey]time.Time
	order  map[coordinator.TimerKey]int // of setting, for timers of the same moment
	set    int
	log    []entry
	last   coordinator.Ticket
	ids    int
	topics byte // made so far: the next one's id

	replied func(t coordinator.Ticket, reply any)
	wrote   func(r Record)
}

// entry is a record in the log, or a marker.
type entry struct {
	key, value []byte
	producer   *coordinator.Producer
	marker     bool
	commit     bool
}

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, now: time.Unix(1_800_000_000, 0), image: metadata.Empty("world"), timers: map[coordinator.TimerKey]time.Time{},
		order: map[coordinator.TimerKey]int{}, replied: func(coordinator.Ticket, any) {}, wrote: func(Record) {},
	}
	w.cfg = Config{
		MinSessionTimeout: 6 * time.Second, MaxSessionTimeout: 30 * time.Minute, MaxSize: 1000, MaxConsumers: 1000, Assignors: []string{"uniform", "range"},
		Migration: Bidirectional, Retention: 7 * 24 * time.Hour, RetentionCheck: 10 * time.Minute, MaxMetadataBytes: 4096, MaxBatchBytes: 1 << 20,
		Settings: func(map[string]string) Settings { return Settings{45 * time.Second, 5 * time.Second, time.Second} },
		NewID:    func() string { w.ids++; return fmt.Sprint(w.ids) },
	}
	w.start()
	return w
}

// start makes a machine from the log.
func (w *world) start() {
	w.m = New(w.cfg)
	clear(w.timers)
	for _, e := range w.log {
		w.replay(w.m, e)
	}
	w.carryOut(w.m.Loaded(w.now), 0)
	w.submit(Image{w.image})
}

func (w *world) replay(m *Machine, e entry) {
	if e.marker {
		m.EndTransaction(*e.producer, e.commit)
		return
	}
	r, known, err := Decode(e.key, e.value)
	if err != nil || !known {
		w.t.Fatalf("replay %x %x: known %v, %v", e.key, e.value, known, err)
	}
	if e.producer != nil {
		m.ApplyPending(*e.producer, r)
	} else {
		m.Apply(r)
	}
}

func (w *world) submit(ev Event) coordinator.Ticket {
	w.last++
	t := w.last
	w.carryOut(w.m.Decide(w.now, t, ev), t)
	return t
}

func (w *world) carryOut(e Effects, t coordinator.Ticket) {
	for _, r := range e.Records {
		key, value := w.m.Encode(r)
		w.log = append(w.log, entry{key: key, value: value, producer: e.Producer})
		if e.Producer != nil {
			w.m.ApplyPending(*e.Producer, r)
		} else {
			w.m.Apply(r)
		}
		w.wrote(r)
	}
	for _, timer := range e.Timers {
		w.set++
		if delete(w.timers, timer.Key); timer.After > 0 {
			w.timers[timer.Key], w.order[timer.Key] = w.now.Add(timer.After), w.set
		}
	}
	if e.Reply != nil {
		w.replied(t, e.Reply)
	}
	for _, a := range e.Answers {
		w.replied(a.To, a.Reply)
	}
}

// endTransaction writes a marker.
func (w *world) endTransaction(p coordinator.Producer, commit bool) {
	w.log = append(w.log, entry{marker: true, producer: &p, commit: commit})
	w.m.EndTransaction(p, commit)
}

// pass lets time go by; timers fire in order.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); ; {
		var due []coordinator.TimerKey
		for k, at := range w.timers {
			if !at.After(end) {
				due = append(due, k)
			}
		}
		if len(due) == 0 {
			w.now = end
			return
		}
		next := slices.MinFunc(due, func(a, b coordinator.TimerKey) int {
			return cmp.Or(w.timers[a].Compare(w.timers[b]), cmp.Compare(w.order[a], w.order[b]))
		})
		w.now = w.timers[next]
		delete(w.timers, next)
		w.carryOut(w.m.Decide(w.now, 0, w.m.Fired(next)), 0)
	}
}

// compact keeps the last record of each key, as a log cleaner would; tombstones go with it. Records of open transactions
// and what follows them stay.
func (w *world) compact() {
	open := map[int64]bool{}
	keep := len(w.log)
	for i, e := range w.log {
		switch {
		case e.marker:
			delete(open, e.producer.ID)
		case e.producer != nil:
			open[e.producer.ID] = true
			keep = min(keep, i)
		}
	}
	newest := map[string]int{}
	for i, e := range w.log[:keep] {
		newest[string(e.key)] = i
	}
	var out []entry
	for i, e := range w.log[:keep] {
		if newest[string(e.key)] == i && e.value != nil {
			out = append(out, e)
		}
	}
	w.log = append(out, w.log[keep:]...)
}

// changeTopics applies metadata records and tells the machine.
func (w *world) changeTopics(records ...metadata.Record) {
	w.changeUnseen(records...)
	w.submit(Image{w.image})
}

// changeUnseen is changeTopics while nobody leads the partition.
func (w *world) changeUnseen(records ...metadata.Record) {
	d := metadata.NewDelta(w.image)
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			w.t.Fatal(err)
		}
	}
	w.image = d.Image(w.image.Offset+1, 1)
}

func (w *world) makeTopic(name string, n int) {
	w.topics++
	id := UUID{w.topics}
	w.changeTopics(append([]metadata.Record{&metadata.TopicRecord{Name: name, TopicID: id}}, partitionRecords(id, 0, n)...)...)
}

func (w *world) growTopic(name string, n int) {
	t := w.image.Topic(name)
	w.changeTopics(partitionRecords(t.ID, len(t.Partitions), n)...)
}

func (w *world) dropTopic(name string, unseen bool) {
	r := &metadata.RemoveTopicRecord{TopicID: w.image.Topic(name).ID}
	if unseen {
		w.changeUnseen(r)
	} else {
		w.changeTopics(r)
	}
}

func partitionRecords(id UUID, from, to int) (out []metadata.Record) {
	for i := from; i < to; i++ {
		out = append(out, &metadata.PartitionRecord{TopicID: id, PartitionID: int32(i), Replicas: []int32{1}, ISR: []int32{1}, Leader: 1})
	}
	return out
}

// dump is the durable half of a machine as text: two machines that were told the same by their logs have the same.
func dump(m *Machine) string {
	var b strings.Builder
	put := func(k Key, v Value) {
		key, value := Encode(Record{Key: k, Value: v})
		fmt.Fprintf(&b, "%d %q %q %d %x %x\n", k.Kind, k.Group, k.Name, k.Partition, key, value)
	}
	for _, id := range sortedKeys(m.classic) {
		if g := m.classic[id]; g.stored != nil {
			put(Key{Kind: KindClassic, Group: id}, g.stored)
		}
	}
	for _, id := range sortedKeys(m.consumer) {
		g := m.consumer[id]
		put(Key{Kind: KindEpoch, Group: id}, &EpochValue{g.epoch, g.hash})
		put(Key{Kind: KindTargetEpoch, Group: id}, &TargetEpochValue{g.targetEpoch, g.targetAt})
		for _, mem := range g.sorted() {
			put(Key{Kind: KindMember, Group: id, Name: mem.id}, mem.meta)
			put(Key{Kind: KindCurrent, Group: id, Name: mem.id}, mem.current)
		}
		for _, name := range keysOf(&g.target) {
			put(Key{Kind: KindTarget, Group: id, Name: name}, &TargetValue{g.target.get(name)})
		}
		for _, re := range sortedKeys(g.expressions) {
			put(Key{Kind: KindRegex, Group: id, Name: re}, g.expressions[re])
		}
		fmt.Fprintf(&b, "static %v\nowners %v\n", g.static, maps.Collect(g.owners.all()))
	}
	for _, id := range sortedKeys(m.offsets.groups) {
		for _, tp := range m.offsets.of(id) {
			v, _ := m.offsets.get(id, tp)
			put(offsetKey(id, tp), v)
		}
	}
	for _, producer := range sortedKeys(m.offsets.pending) {
		list := m.offsets.pending[producer]
		for _, k := range slices.SortedFunc(maps.Keys(list), func(a, b groupOffset) int {
			return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
		}) {
			fmt.Fprintf(&b, "producer %d: ", producer)
			put(offsetKey(k.group, k.topicPartition), list[k].OffsetValue)
		}
	}
	fmt.Fprintf(&b, "topics %v\n", m.offsets.topics)
	return b.String()
}
