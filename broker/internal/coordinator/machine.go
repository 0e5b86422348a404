package coordinator

import "time"

// Machine is a pure core over events E and records R. One goroutine owns it.
type Machine[E, R any] interface {
	// Decide answers ev at now. It reads the durable half and never writes it. t is how a reply that comes later is
	// addressed; 0 when nobody waits for one.
	Decide(now time.Time, t Ticket, ev E) Effects[R]
	// Apply is the one writer of the durable half.
	Apply(r R)
	// Loaded is called once, after the last record of the log was applied and before the first event.
	Loaded(now time.Time) Effects[R]
	// Fired is the event of a timer.
	Fired(key TimerKey) E

	// Encode is a record as it lies in the log; a nil value is a tombstone.
	Encode(r R) (key, value []byte)
	// Decode is its inverse. It answers false for a record that this core does not know and leaves alone; an error is
	// a damaged record.
	Decode(key, value []byte) (r R, known bool, err error)
}

// Transactional is implemented by cores whose records may belong to a producer's transaction. The host then hands
// records of transactional batches to ApplyPending instead of Apply, and markers to EndTransaction; to other cores it
// hands them as if they belonged to none.
type Transactional[R any] interface {
	ApplyPending(p Producer, r R)
	EndTransaction(p Producer, commit bool)
}

// Effects is what must happen for a decision to become true.
type Effects[R any] struct {
	Records  []R       // appended as one batch, then each applied
	Producer *Producer // the transaction that the records belong to; nil: none
	Reply    any       // to the event, once the records and all before them are durable; nil: later, as an Answer
	Answers  []Answer  // to events that waited, at the same moment
	Timers   []Timer   // set or cancelled after the records were applied
}

// Ticket names an event that waits for its reply.
type Ticket uint64

// Answer is a reply to an event that was decided earlier.
type Answer struct {
	To    Ticket
	Reply any
}

// TimerKey names a timer of a machine. Setting it again replaces it.
type TimerKey struct {
	Kind, Name, Member string
}

// Timer sets a timer; with After 0 it is cancelled.
type Timer struct {
	Key   TimerKey
	After time.Duration
}

// Producer is a transactional producer.
type Producer struct {
	ID    int64
	Epoch int16
	// Guarded keeps records out of a transaction that ended since it was found open: a marker of the producer at Since or
	// above, an offset of the partition, refuses them (KIP-890).
	Guarded bool
	Since   int64
}
