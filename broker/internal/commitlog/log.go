package commitlog

// CONTRACT (written first, so that the rooms above can be built beside this one).
//
// The rooms above rely on the following types and signatures; keep names and meaning, add what is missing.
//
//	func Open(cfg Config) (*Store, error)          // locks the directories, recovers; starts no goroutine
//	func (s *Store) Run(ctx context.Context) error // committer, checkpointer, retention, deletion; returns when ctx ends, after a clean shutdown
//	                                               // (flush, snapshots, marker), or with the error that took the last (or the metadata) directory offline
//	func (s *Store) ClusterID() string; NodeID() int32; DirectoryID(dir string) [16]byte; Dirs() []DirState
//	func (s *Store) Create(p Partition, topicID [16]byte, cfg LogConfig) (*Log, error) // idempotent for the same topic id
//	func (s *Store) Log(p Partition) *Log                                          // nil when there is none
//	func (s *Store) Logs() []*Log
//	func (s *Store) Delete(p Partition) error                                      // DELETE record, rename to -delete, remove later
//	func (s *Store) AppendRaft(payload []byte) <-chan error                        // one RAFT record; the channel yields once it is durable
//	func (s *Store) ReplayedRaft() [][]byte                                        // RAFT payloads that recovery found, in order
//	func (s *Store) OnRaftCheckpoint(fn func() error)                              // called before a generation that may hold RAFT records is released:
//	                                                                               // what they say must be durable elsewhere when it returns nil
//
//	func (l *Log) Append(batch []byte, p AppendParams) (Appended, error)
//	func (l *Log) Read(offset, maxOffset int64, maxBytes int, wholeFirst bool) (Chunk, error)
//	func (l *Log) StartOffset() int64; EndOffset() int64; DurableEnd() int64
//	func (l *Log) FirstUnstableOffset() (int64, bool)     // first offset of the first open transaction
//	func (l *Log) OffsetForTime(ts, maxOffset int64) (TimeOffset, bool, error)
//	func (l *Log) MaxTimestamp(maxOffset int64) (TimeOffset, bool, error)
//	func (l *Log) EndOffsetForEpoch(epoch int32) (e int32, end int64) // KIP-101; (-1, -1) when unknown
//	func (l *Log) LatestEpoch() int32
//	func (l *Log) AssignEpoch(epoch int32, start int64) error
//	func (l *Log) DeleteRecords(before int64) error       // moves the log start offset; durable on return
//	func (l *Log) Truncate(end int64) error
//	func (l *Log) Producers(now time.Time) []ProducerState
//	func (l *Log) AbortedTxns(from, to int64) ([]AbortedTxn, error)
//	func (l *Log) SetConfig(cfg LogConfig)
//	func (l *Log) SetHighWatermark(hw int64); HighWatermark() int64 // as last set or as found in the checkpoint at start
//	func (l *Log) OnDurable(fn func(durableEnd int64, err error))
//	       // fn is called by the committer, once per group and log whose durable end moved, and with err when the directory went offline;
//	       // under flush.policy=os it is called by Append itself, after all locks are released. Set once, before the first Append.
//	func (l *Log) Size() int64; Partition() Partition; TopicID() [16]byte; Dir() string; Unclean() bool; Offline() error

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
	// AppendTime in Unix milliseconds, for topics with LogAppendTime; -1 leaves timestamps alone.
	AppendTime int64
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
