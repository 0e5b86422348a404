package processor

import "time"

// Stage is where an error happened.
type Stage string

// The stages of a record's way.
const (
	Deserialize Stage = "deserialize" // bytes of a source topic into a key or a value
	Process     Stage = "process"     // a function or processor of the topology
	Punctuate   Stage = "punctuate"   // a punctuation
	Serialize   Stage = "serialize"   // a key or a value into bytes for a topic or a store
	Produce     Stage = "produce"     // the broker refused a record
)

// ErrorContext is everything that is known about a failure. Byte slices are valid during the call.
type ErrorContext struct {
	Stage     Stage
	Task      string // "<sub-topology>_<partition>"
	Node      string
	Topic     string // of the source record; empty in a punctuation
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Action is what becomes of a record that failed.
type Action int

// The actions. Skip ends the record at the failing node and counts it: what nodes above did stays, other branches go on.
const (
	Fail Action = iota
	Skip
	Retry // of a produce time-out only; elsewhere it is Fail
)

// Decision is an action, and the dead letter topic that gets the source record besides.
type Decision struct {
	Action     Action
	DeadLetter string
}
