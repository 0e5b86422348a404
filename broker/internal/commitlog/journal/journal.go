package journal

// Type is the kind of a journal record. The values are on disk: never renumber.
type Type uint8

const (
	Append    Type = 1 // payload: the batch bytes exactly as in the .log
	Truncate  Type = 2 // BaseOffset: the partition was cut to this end; written before its next append
	LogStart  Type = 3 // BaseOffset: the new log start offset
	Delete    Type = 4 // the partition is gone; later records of the same topic id are ignored
	Partition Type = 5 // payload: topic id (16 bytes), partition index i32, topic name: what local id means in this generation
	Epoch     Type = 6 // LeaderEpoch starts at BaseOffset
	Raft      Type = 7 // payload: hard state and entries of the metadata log, opaque to the journal
	Opened    Type = 8 // Position: size of the generation's file when its first group was written; an engine's own
)

// Record is one record of the journal (storage.md 4.2).
type Record struct {
	Type        Type
	Partition   uint32 // local id; 0 for Raft
	LeaderEpoch int32
	BaseOffset  int64
	SegmentBase int64
	Position    int64  // file position in the segment's .log
	Payload     []byte // Commit: borrowed until it returns. Replay: borrowed until the callback returns
}

// Gen names a generation: what one rotation closes. Generations rise by one.
type Gen uint32

// Pos is where a group ended: durable up to here.
type Pos struct {
	Gen      Gen
	Sequence uint64
	Bytes    int64 // bytes of this generation so far, frames and padding included
	Full     bool  // the generation has reached journal.file.bytes: checkpoint and Rotate
}

// Journal makes records durable. One goroutine calls Commit, Rotate and Release; Replay runs only
// before the first Commit; nobody reads while it runs. The first error of Commit, Rotate or Replay poisons
// the journal: every later call returns it, and only a new Open, which replays, gets out.
type Journal interface {
	// Commit writes recs as one group frame and returns when they are durable.
	Commit(recs []Record) (Pos, error)
	// Rotate closes the current generation and opens the next, which is durable on return. It takes one
	// sequence number, for the empty group that a generation begins with.
	Rotate() (closed Gen, err error)
	// Release forgets every generation up to and including upTo: a checkpoint covers them.
	Release(upTo Gen) error
	// Replay calls fn for every record from generation from on, in order. It cuts a torn tail and
	// answers a DamageError for everything worse. From is 0 for "the oldest there is". It may be called
	// again before the first Commit. On return a new generation is begun, to which Commit writes.
	Replay(from Gen, fn func(Gen, Record) error) error
	// Sequence is the sequence number of the last group, durable or replayed.
	Sequence() uint64
	// Current is the generation that the next Commit writes to. It is on disk, and so a "from" that Replay
	// will find, once a new directory was opened or Replay, Commit or Rotate returned.
	Current() Gen
	Close() error
}
