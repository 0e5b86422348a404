package txn

import "fmt"

// State is where a transactional id stands. The numbers are those of the records.
//
//	none           -> Empty           the first InitProducerId
//	Empty          -> Empty           InitProducerId
//	Empty          -> Ongoing         a partition joins
//	Empty          -> PrepareAbort    EndTxn v5 with nothing to abort: it raises the epoch
//	Ongoing        -> Ongoing         another partition joins
//	Ongoing        -> PrepareCommit   EndTxn
//	Ongoing        -> PrepareAbort    EndTxn, InitProducerId by another producer, the time-out
//	PrepareCommit  -> CompleteCommit  every marker is durable
//	PrepareAbort   -> CompleteAbort   likewise
//	Complete*      -> Empty           InitProducerId
//	Complete*      -> Ongoing         a partition joins the next transaction
//	Complete*      -> PrepareAbort    EndTxn v5 with nothing to abort
//	Empty          -> Dead            the id expired: a tombstone
//	Complete*      -> Dead            likewise
type State int8

// The states. PrepareEpochFence is Kafka's own in-memory state and never in a record.
const (
	Empty             State = 0
	Ongoing           State = 1
	PrepareCommit     State = 2
	PrepareAbort      State = 3
	CompleteCommit    State = 4
	CompleteAbort     State = 5
	Dead              State = 6
	PrepareEpochFence State = 7
)

var stateNames = [...]string{"Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"}

// String is Kafka's name.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int8(s))
	}
	return stateNames[s]
}

// ParseState answers the state of a name.
func ParseState(name string) (State, bool) {
	for i, n := range stateNames {
		if n == name {
			return State(i), true
		}
	}
	return 0, false
}

func (s State) preparing() bool { return s == PrepareCommit || s == PrepareAbort }

func (s State) complete() bool { return s == CompleteCommit || s == CompleteAbort }

var legal = map[State][]State{
	Empty:          {Empty, Ongoing, PrepareAbort, Dead},
	Ongoing:        {Ongoing, PrepareCommit, PrepareAbort},
	PrepareCommit:  {CompleteCommit},
	PrepareAbort:   {CompleteAbort},
	CompleteCommit: {Empty, Ongoing, PrepareAbort, Dead},
	CompleteAbort:  {Empty, Ongoing, PrepareAbort, Dead},
}

// maxEpoch is the last epoch of a producer id that a client is given; the one above it is left for the marker that
// fences it.
const maxEpoch = 1<<15 - 2
