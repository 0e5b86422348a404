package txn

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// Config is what the core must know of its surroundings.
type Config struct {
	MaxTimeout    time.Duration // that a producer may ask for
	Expiration    time.Duration // of a transactional id that nobody uses
	AbortCheck    time.Duration // between two looks for transactions over their time-out
	ExpireCheck   time.Duration // between two looks for expired ids
	MaxBatchBytes int           // of the records of one decision
}

// Effects are those of this core.
type Effects = coordinator.Effects[Record]

// Machine is the core of one partition. One goroutine owns it.
type Machine struct {
	cfg       Config
	ids       map[string]*Value
	preparing map[string]bool // ids whose transaction waits for its markers

	// Soft: gone after a reload.
	version int16              // transaction version of the cluster
	waiting coordinator.Ticket // of NextMarkers
	handed  map[string]bool    // of preparing: somebody writes the markers
}

var _ coordinator.Machine[Event, Record] = (*Machine)(nil)

// New makes a core without any transactional id.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, ids: map[string]*Value{}, preparing: map[string]bool{}, handed: map[string]bool{}}
}

// decision collects the effects of one event.
type decision struct {
	*Machine
	now    time.Time
	ticket coordinator.Ticket
	out    Effects
	size   int       // of the records, at most
	work   []Markers // that became due
}

// Decide is coordinator.Machine's.
func (m *Machine) Decide(now time.Time, t coordinator.Ticket, ev Event) Effects {
	d := &decision{Machine: m, now: now, ticket: t}
	switch ev := ev.(type) {
	case InitProducerID:
		d.out.Reply = d.initProducer(ev)
	case AddPartitions:
		d.out.Reply = d.addPartitions(ev)
	case EndTxn:
		d.out.Reply = d.end(ev)
	case NextMarkers:
		d.nextMarkers()
	case Completed:
		d.out.Reply = d.completed(ev)
	case Describe:
		d.out.Reply = d.describe(ev)
	case List:
		d.out.Reply = d.list(ev)
	case Features:
		m.version = ev.TransactionVersion
	case timeUp:
		d.timeUp(ev.key)
	default:
		panic(fmt.Sprintf("txn: no rule for the event %T", ev))
	}
	d.handOut()
	return d.out
}

// What a batch and a record in it take beside keys and values, at most.
const (
	batchOverhead  = 61
	recordOverhead = 24
)

// write adds a record. The transition is legal or the core is broken.
func (d *decision) write(id string, v *Value) {
	if old := d.latest(id); old != nil {
		to := Dead
		if v != nil {
			to = v.State
		}
		if !slices.Contains(legal[old.State], to) {
			panic(fmt.Sprintf("txn: %q may not go from %v to %v", id, old.State, to))
		}
	}
	r := Record{ID: id, Value: v}
	key, value := Encode(r)
	d.size += len(key) + len(value) + recordOverhead
	d.out.Records = append(d.out.Records, r)
}

// latest is what an id will be once the records so far are applied.
func (d *decision) latest(id string) *Value {
	for _, r := range slices.Backward(d.out.Records) {
		if r.ID == id {
			return r.Value
		}
	}
	return d.ids[id]
}

// tooLarge tells whether the records so far are more than a batch may hold.
func (d *decision) tooLarge() bool { return d.size+batchOverhead > d.cfg.MaxBatchBytes }

// full bounds the records of a sweep.
func (d *decision) full() bool { return d.size > d.cfg.MaxBatchBytes/2 }

func (d *decision) drop() { d.out, d.size, d.work = Effects{}, 0, nil }

func (d *decision) millis() int64 { return d.now.UnixMilli() }

// Apply is coordinator.Machine's.
func (m *Machine) Apply(r Record) {
	delete(m.preparing, r.ID)
	switch {
	case r.Value == nil:
		delete(m.ids, r.ID)
	case r.Value.State.preparing():
		m.preparing[r.ID] = true
		m.ids[r.ID] = r.Value
	default:
		m.ids[r.ID] = r.Value
	}
	if !m.preparing[r.ID] {
		delete(m.handed, r.ID)
	}
}

// Loaded is coordinator.Machine's.
func (m *Machine) Loaded(time.Time) Effects {
	return Effects{Timers: []coordinator.Timer{{Key: abortKey, After: m.cfg.AbortCheck}, {Key: expireKey, After: m.cfg.ExpireCheck}}}
}

// Fired is coordinator.Machine's.
func (m *Machine) Fired(key coordinator.TimerKey) Event { return timeUp{key} }

// Encode is coordinator.Machine's.
func (m *Machine) Encode(r Record) (key, value []byte) { return Encode(r) }

// Decode is coordinator.Machine's.
func (m *Machine) Decode(key, value []byte) (Record, bool, error) { return Decode(key, value) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
