package commitlog

// Partition names a topic partition.
type Partition struct {
	Topic string
	Index int32
}

// Origin says who appends: it decides which producer checks apply.
type Origin uint8

const (
	FromClient      Origin = iota // sequence, epoch and duplicate checks
	FromCoordinator               // internal topics and control batches
	FromLeader                    // a follower stores the leader's bytes; offsets and epochs are the batch's own
)

// AppendParams goes with one batch.
type AppendParams struct {
	Origin      Origin
	LeaderEpoch int32 // stamped into the batch, unless FromLeader
	// CoordinatorEpoch of a control batch (FromCoordinator).
	CoordinatorEpoch int32
	// RaisedEpoch says that a control batch has an epoch that no transaction was ever written under (transaction version
	// 2, KIP-1228): if one is open under it here, the batch is late and that one is a later transaction.
	RaisedEpoch bool
	// Guard of a transactional batch.
	Guard Guard
	// AppendTime in Unix milliseconds, for topics with LogAppendTime; -1 and 0 leave timestamps alone. Not looked at
	// with FromLeader.
	AppendTime int64
}

// Guard keeps a batch out of a transaction that ended since it was found open (KIP-890): unless its producer's
// transaction is open here already, no marker of the producer may lie at End or above. The zero value guards nothing.
type Guard struct {
	Set bool
	End int64 // of the log, before the coordinator was asked
}

// Appended is what became of a batch.
type Appended struct {
	BaseOffset     int64 // of the original when Duplicate
	LastOffset     int64
	LogStartOffset int64
	Duplicate      bool // one of the last five batches of its producer: nothing was appended (broker.md IDM-1)
	MaxTimestamp   int64
}

// Chunk is a run of whole batches, CRCs checked. The bytes are valid until Release, which must be called once.
type Chunk struct {
	Bytes   []byte
	Release func() // nil when Bytes is empty
	// NextOffset is the offset behind the last batch in Bytes.
	NextOffset int64
}

// TimeOffset is an answer to a search by time.
type TimeOffset struct {
	Timestamp   int64
	Offset      int64
	LeaderEpoch int32
}

// ProducerState is what a partition knows of one producer, for DescribeProducers.
type ProducerState struct {
	ProducerID       int64
	Epoch            int16
	LastSequence     int32
	LastTimestamp    int64
	CoordinatorEpoch int32
	TxnStartOffset   int64 // -1 when no transaction is open
}

// AbortedTxn is an entry of the transaction index.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset int64
	LastOffset  int64
	LastStable  int64
}
