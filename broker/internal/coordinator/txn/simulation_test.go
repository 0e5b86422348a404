package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/internal/sim"
)

// TestSimulation plays producers of both protocols against a machine that is loaded anew at any moment, with writes
// that stay between the coordinator's word and the log, calls that come late, and markers that take their time.
//
//   - no transaction is committed in one partition and aborted in another, nor against what its producer was told;
//   - a marker never ends a later transaction than its own;
//   - an epoch that was raised never writes again;
//   - the last stable offset never falls;
//   - a machine that replays the log has the same state.
func TestSimulation(t *testing.T) {
	sim.Seeds(t, 300, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed)
		for range 400 {
			s.step()
		}
		s.settle()
	})
}

const simTopic = "t"

type simulation struct {
	*world
	rng        *rand.Rand
	seed       uint64
	partitions []*simPartition
	producers  []*simProducer
	flights    []flight // writes and calls on their way, taken in any order
	work       map[string]*simWork
	waiting    coordinator.Ticket
	nextID     int64
	told       map[string]bool // transaction to commit or abort, as its producer was told
	outcome    map[string]bool // as a marker said
}

// flight is something on its way; by is whose write it is, nil for a call that comes again.
type flight struct {
	by     *simProducer
	arrive func()
}

// simPartition is what commitlog keeps of a partition's producers.
type simPartition struct {
	end    int64
	lso    int64
	states map[int64]*simState
}

type simState struct {
	epoch  int16
	open   string // transaction, "" without one
	first  int64
	marked int64
}

type simProducer struct {
	id      string
	pid     int64
	epoch   int16
	version int16
	n       int // transactions so far
	open    bool
	parts   map[int32]bool
	lost    bool // fenced, or not begun
}

type simWork struct {
	m    Markers
	left []int32
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	s := &simulation{
		world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 1)), seed: seed, work: map[string]*simWork{},
		nextID: 100, told: map[string]bool{}, outcome: map[string]bool{},
	}
	for range 3 {
		s.partitions = append(s.partitions, &simPartition{states: map[int64]*simState{}})
	}
	for i := range 4 { // two of each share a transactional id and fence each other
		s.producers = append(s.producers, &simProducer{id: fmt.Sprint("x", i/2), version: int16(i % 2 * 2), lost: true})
	}
	return s
}

func (s *simulation) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

func (s *simulation) step() {
	p := s.producers[s.rng.IntN(len(s.producers))]
	switch n := s.rng.IntN(100); {
	case n < 8 && p.lost, n < 1:
		s.begin(p)
	case n < 40 && !p.lost:
		s.write(p)
	case n < 50 && !p.lost && p.open:
		s.end(p, s.rng.IntN(3) > 0)
	case n < 65:
		s.fly()
	case n < 85:
		s.mark()
	case n < 88:
		s.reload()
		s.waiting = 0
	case n < 91:
		s.pass(time.Duration(s.rng.IntN(20)) * time.Second)
	case n < 93:
		s.sameAfterReplay()
	}
}

// settle lets everything come to its end.
func (s *simulation) settle() {
	for len(s.flights) > 0 {
		s.fly()
	}
	for range 200 {
		s.pass(10 * time.Second)
		s.mark()
	}
	s.sameAfterReplay()
	for i, p := range s.partitions {
		for pid, st := range p.states {
			if st.open != "" {
				s.failf("%s of producer %d hangs in partition %d", st.open, pid, i)
			}
		}
	}
	for name, commit := range s.told {
		if got, ok := s.outcome[name]; ok && got != commit {
			s.failf("%s: told commit=%v, became commit=%v", name, commit, got)
		}
	}
}

func (s *simulation) begin(p *simProducer) {
	s.nextID++
	got := s.do(InitProducerID{ID: p.id, Timeout: 30000, ExpectedID: NoID, ExpectedEpoch: -1, Fresh: s.nextID}).(Begun)
	if got.Code == 0 {
		p.pid, p.epoch, p.lost, p.open, p.parts = got.ProducerID, got.Epoch, false, false, map[int32]bool{}
		p.n++
	}
}

func (p *simProducer) name() string { return fmt.Sprintf("%s/%d/%d/%d", p.id, p.pid, p.epoch, p.n) }

// write adds or verifies a partition, and lets the batch fly.
func (s *simulation) write(p *simProducer) {
	index := int32(s.rng.IntN(len(s.partitions)))
	part, pid, epoch, name := s.partitions[index], p.pid, p.epoch, p.name()
	ev := AddPartitions{ID: p.id, ProducerID: pid, Epoch: epoch, ClientVersion: p.version, Partitions: []TopicPartition{{simTopic, index}}}
	if p.version < 2 {
		if code := s.do(ev).(Added)[0]; code != 0 {
			p.lost = code != kerr.ConcurrentTransactions.Code
			return
		}
		ev.VerifyOnly = true
	}
	p.open, p.parts[index] = true, true
	since := part.end
	if st := part.states[pid]; st == nil || st.epoch != epoch || st.open == "" {
		if code := s.do(ev).(Added)[0]; code != 0 {
			if code != kerr.ConcurrentTransactions.Code {
				p.lost = true
			} else {
				p.open = len(p.parts) > 1
			}
			return
		}
	}
	s.flights = append(s.flights, flight{p, func() { part.append(s, pid, epoch, name, since) }})
}

// append is commitlog's check and apply of a client's batch.
func (p *simPartition) append(s *simulation, pid int64, epoch int16, name string, since int64) {
	st := p.states[pid]
	if st == nil {
		st = &simState{epoch: epoch, marked: -1}
		p.states[pid] = st
	}
	if epoch < st.epoch || st.open == "" && st.marked >= since {
		return // refused
	}
	if st.open != "" && st.open != name {
		s.failf("%s writes into %s", name, st.open)
	}
	if st.epoch = epoch; st.open == "" {
		st.open, st.first = name, p.end
	}
	p.end++
	p.moved(s)
}

// marker is commitlog's check and apply of a control batch.
func (p *simPartition) marker(s *simulation, m Markers) {
	st := p.states[m.ProducerID]
	if st == nil {
		st = &simState{epoch: -1, marked: -1}
		p.states[m.ProducerID] = st
	}
	if m.Epoch < st.epoch || m.ClientVersion >= 2 && m.Epoch == st.epoch && st.open != "" {
		s.failf("the marker of epoch %d comes late for %s", m.Epoch, st.open)
		return
	}
	if st.open != "" {
		if was, ok := s.outcome[st.open]; ok && was != m.Commit {
			s.failf("%s is committed and aborted", st.open)
		}
		s.outcome[st.open] = m.Commit
	}
	st.epoch, st.open, st.marked = m.Epoch, "", p.end
	p.end++
	p.moved(s)
}

func (p *simPartition) moved(s *simulation) {
	lso := p.end
	for _, st := range p.states {
		if st.open != "" {
			lso = min(lso, st.first)
		}
	}
	if lso < p.lso {
		s.failf("the last stable offset falls from %d to %d", p.lso, lso)
	}
	p.lso = lso
}

// flying tells whether writes of a producer are on their way; to land them is to wait for their answers.
func (s *simulation) flying(p *simProducer, land bool) (any bool) {
	s.flights = slices.DeleteFunc(s.flights, func(f flight) bool {
		if f.by != p {
			return false
		}
		if any = true; land {
			f.arrive()
		}
		return land
	})
	return any
}

// end commits or aborts. Who commits has the answers to its writes; a client that keeps its epoch and aborts without
// them begins anew. A client of version 2 may have its call come again, any time later.
func (s *simulation) end(p *simProducer, commit bool) {
	s.nextID++
	if s.flying(p, commit) && !commit && p.version < 2 {
		defer func() { p.lost = true }()
	}
	name := p.name()
	ev := EndTxn{ID: p.id, ProducerID: p.pid, Epoch: p.epoch, Commit: commit, ClientVersion: p.version, Fresh: s.nextID}
	got := s.do(ev).(Ended)
	if p.version >= 2 {
		s.flights = append(s.flights, flight{nil, func() { s.do(ev) }})
	}
	switch got.Code {
	case 0:
		s.told[name] = commit
		p.pid, p.epoch, p.open, p.parts = got.ProducerID, got.Epoch, false, map[int32]bool{}
		p.n++
	case kerr.ConcurrentTransactions.Code:
	default:
		p.lost = true
	}
}

// fly lets something arrive.
func (s *simulation) fly() {
	if len(s.flights) == 0 {
		return
	}
	at := s.rng.IntN(len(s.flights))
	f := s.flights[at]
	s.flights = slices.Delete(s.flights, at, at+1)
	f.arrive()
}

// mark is a step of the marker writer: it takes work, or writes one marker, or reports.
func (s *simulation) mark() {
	if s.waiting == 0 {
		s.waiting = s.ask(NextMarkers{})
	}
	if reply, ok := s.replies[s.waiting]; ok {
		s.waiting = 0
		for _, m := range reply.([]Markers) {
			if s.work[m.ID] == nil { // else a machine that was loaded anew hands out what is worked on
				s.work[m.ID] = &simWork{m, slices.Clone(m.Partitions[0].List)}
			}
		}
	}
	ids := sortedKeys(s.work)
	if len(ids) == 0 {
		return
	}
	w := s.work[ids[s.rng.IntN(len(ids))]]
	if len(w.left) > 0 {
		index := w.left[0]
		if s.partitions[index].marker(s, w.m); s.rng.IntN(5) > 0 { // else the answer is lost, and it is written again
			w.left = w.left[1:]
		}
		return
	}
	delete(s.work, w.m.ID)
	s.do(Completed{ID: w.m.ID, ProducerID: w.m.ProducerID, Epoch: w.m.Epoch})
}

// TestReplayEqualsLive goes through every transition there is.
func TestReplayEqualsLive(t *testing.T) {
	w := newWorld(t)
	both := []TopicPartition{{"a", 1}, {"b", 0}}
	for n, ev := range []Event{
		InitProducerID{ID: "x", Timeout: 60000, ExpectedID: NoID, Fresh: 7},
		AddPartitions{ID: "x", ProducerID: 7, Partitions: both},
		EndTxn{ID: "x", ProducerID: 7, Commit: true},
		Completed{ID: "x", ProducerID: 7},
		InitProducerID{ID: "x", Timeout: 60000, ExpectedID: 7, ExpectedEpoch: 0},
		AddPartitions{ID: "x", ProducerID: 7, Epoch: 1, Partitions: both[:1], ClientVersion: 2},
		AddPartitions{ID: "x", ProducerID: 7, Epoch: 1, Partitions: both[1:], ClientVersion: 2},
		InitProducerID{ID: "x", Timeout: 60000, ExpectedID: NoID},
		Completed{ID: "x", ProducerID: 7, Epoch: 2},
		EndTxn{ID: "x", ProducerID: 7, Epoch: 2, ClientVersion: 2},
		AddPartitions{ID: "x", ProducerID: 7, Epoch: 3, Partitions: both, ClientVersion: 2},
		timeUp{abortKey},
		EndTxn{ID: "x", ProducerID: 7, Epoch: 3, Commit: true, ClientVersion: 2},
		Completed{ID: "x", ProducerID: 7, Epoch: 4},
	} {
		w.ask(ev)
		w.sameAfterReplay()
		if len(w.machine.ids) != 1 {
			t.Fatalf("after event %d: %s", n, dump(w.machine))
		}
	}
	w.now = w.now.Add(testConfig.Expiration)
	w.ask(timeUp{expireKey})
	if w.sameAfterReplay(); len(w.machine.ids) != 0 {
		t.Fatalf("expired ids stay: %s", dump(w.machine))
	}
}
