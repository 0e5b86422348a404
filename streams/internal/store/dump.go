package store

// Dumped is a row of any store for those who look at one: tests and tools. Fields that a kind does not have are zero.
type Dumped struct {
	Kind       string // kv, window, session, versioned
	Key, Value []byte // without timestamp
	Time       int64  // of timestamped and versioned rows
	Timed      bool
	Start, End int64
	ValidTo    int64 // MaxInt64: the newest version
}
