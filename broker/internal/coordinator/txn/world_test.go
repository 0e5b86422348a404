package txn

import (
	"reflect"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

var testConfig = Config{
	MaxTimeout: 15 * time.Minute, Expiration: 7 * 24 * time.Hour, AbortCheck: 10 * time.Second, ExpireCheck: time.Hour, MaxBatchBytes: 1 << 20,
}

// world is a machine and its log, with the runtime's part played by hand.
type world struct {
	t       testing.TB
	now     time.Time
	machine *Machine
	log     [][2][]byte
	last    coordinator.Ticket
	replies map[coordinator.Ticket]any
	timers  map[coordinator.TimerKey]time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.UnixMilli(0)}
	w.reload()
	return w
}

// reload begins a new life of the machine from the log.
func (w *world) reload() {
	w.machine = w.replayed()
	w.replies, w.timers = map[coordinator.Ticket]any{}, map[coordinator.TimerKey]time.Time{}
	w.carryOut(w.machine.Loaded(w.now), 0)
	w.do(Features{TransactionVersion: 2})
}

func (w *world) replayed() *Machine {
	m := New(testConfig)
	for _, r := range w.log {
		rec, known, err := m.Decode(r[0], r[1])
		if err != nil || !known {
			w.t.Fatalf("replay: known %v, %v", known, err)
		}
		m.Apply(rec)
	}
	return m
}

// ask decides an event and answers its ticket.
func (w *world) ask(ev Event) coordinator.Ticket {
	w.last++
	w.carryOut(w.machine.Decide(w.now, w.last, ev), w.last)
	return w.last
}

// do answers the event's reply, which must be there.
func (w *world) do(ev Event) any { return w.replies[w.ask(ev)] }

func (w *world) carryOut(e Effects, t coordinator.Ticket) {
	for _, r := range e.Records {
		key, value := w.machine.Encode(r)
		w.log = append(w.log, [2][]byte{key, value})
		w.machine.Apply(r)
	}
	if e.Reply != nil {
		w.replies[t] = e.Reply
	}
	for _, a := range e.Answers {
		w.replies[a.To] = a.Reply
	}
	for _, timer := range e.Timers {
		w.timers[timer.Key] = w.now.Add(timer.After)
	}
}

// pass lets time pass and fires what becomes due.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	for _, key := range []coordinator.TimerKey{abortKey, expireKey} {
		if at, ok := w.timers[key]; ok && !at.After(w.now) {
			delete(w.timers, key)
			w.carryOut(w.machine.Decide(w.now, 0, w.machine.Fired(key)), 0)
		}
	}
}

// sameAfterReplay compares the durable half with that of a machine that replays the log.
func (w *world) sameAfterReplay() {
	w.t.Helper()
	again := w.replayed()
	if !reflect.DeepEqual(normal(again.ids), normal(w.machine.ids)) || !reflect.DeepEqual(again.preparing, w.machine.preparing) {
		w.t.Fatalf("replay differs\n live %v\nagain %v", dump(w.machine), dump(again))
	}
}

// normal makes empty lists equal.
func normal(ids map[string]*Value) map[string]Value {
	out := map[string]Value{}
	for id, v := range ids {
		c := *v
		if len(c.Partitions) == 0 {
			c.Partitions = nil
		}
		out[id] = c
	}
	return out
}
