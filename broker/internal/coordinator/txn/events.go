package txn

import (
	"regexp"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// Event is one of the types below; each has its reply beside it. Sealed.
//
//sumtype:decl
type Event interface{ event() }

// NoID stands for no producer id.
const NoID = -1

// InitProducerID begins a producer, or goes on with one that is expected (KIP-360). Reply: Begun.
type InitProducerID struct {
	ID            string
	Timeout       int32 // milliseconds
	ExpectedID    int64 // NoID: none in particular
	ExpectedEpoch int16
	Fresh         int64 // a producer id nobody has, for when one is needed; NoID: none at hand
}

// Begun is who a producer is from now on. With NeedID the event is asked again, with a fresh producer id.
type Begun struct {
	Code       int16
	NeedID     bool
	ProducerID int64
	Epoch      int16
}

// AddPartitions adds partitions to a transaction, or with VerifyOnly asks whether they belong to it (KIP-890). Reply: Added.
type AddPartitions struct {
	ID            string
	ProducerID    int64
	Epoch         int16
	VerifyOnly    bool
	ClientVersion int16 // transaction version
	Partitions    []TopicPartition
}

// Added has a code for each partition.
type Added []int16

// EndTxn commits or aborts. Reply: Ended.
type EndTxn struct {
	ID            string
	ProducerID    int64
	Epoch         int16
	Commit        bool
	ClientVersion int16 // transaction version: from 2 on the epoch is raised
	Fresh         int64 // as InitProducerID's
}

// Ended is who the producer is in its next transaction.
type Ended = Begun

// NextMarkers asks what is to be written into partitions. Reply: []Markers, when there is something. Each transaction is
// handed out once in a Machine's life.
type NextMarkers struct{}

// Markers is a transaction whose outcome is decided.
type Markers struct {
	ID            string
	ProducerID    int64
	Epoch         int16
	Commit        bool
	ClientVersion int16
	Partitions    []Partitions
}

// Completed says that every marker is durable. Reply: nothing of interest.
type Completed struct {
	ID         string
	ProducerID int64
	Epoch      int16
}

// Describe asks about transactional ids. Reply: []Described, in order.
type Describe struct{ IDs []string }

// Described is what is known of a transactional id; a nil Value: nothing.
type Described struct {
	ID string
	*Value
}

// List asks for transactional ids. Empty filters let everything through. Reply: []Described, by id.
type List struct {
	States    []State
	Producers []int64
	Longer    int64 // milliseconds that the transaction is open at least; negative: any
	Pattern   *regexp.Regexp
}

// Features is what the cluster has switched on. No reply.
type Features struct{ TransactionVersion int16 }

// timeUp is a timer that fired. No reply.
type timeUp struct{ key coordinator.TimerKey }

func (InitProducerID) event() {}
func (AddPartitions) event()  {}
func (EndTxn) event()         {}
func (NextMarkers) event()    {}
func (Completed) event()      {}
func (Describe) event()       {}
func (List) event()           {}
func (Features) event()       {}
func (timeUp) event()         {}
