package commitlog

import (
	"sync/atomic"
	"time"
)

// Stats are counters of one log directory since the start, for metrics.
type Stats struct {
	Groups         int64 // committed to the journal
	Records        int64 // in them
	SyncTime       time.Duration
	JournalLag     int64 // journal bytes that no checkpoint covers
	Checkpoints    int64
	CheckpointTime time.Duration
	QueuedBytes    int64 // waiting for the committer
}

type stats struct {
	groups, records, syncTime, journalLag, checkpoints, checkpointTime atomic.Int64
}

func (s *stats) committed(records int, took time.Duration, bytes int64) {
	s.groups.Add(1)
	s.records.Add(int64(records))
	s.syncTime.Add(int64(took))
	s.journalLag.Add(bytes)
}

// Stats answers the counters of every directory, in the order of Dirs.
func (s *Store) Stats() []Stats {
	out := make([]Stats, len(s.directories))
	for i, d := range s.directories {
		out[i] = Stats{
			Groups: d.stats.groups.Load(), Records: d.stats.records.Load(), SyncTime: time.Duration(d.stats.syncTime.Load()),
			JournalLag: d.stats.journalLag.Load(), Checkpoints: d.stats.checkpoints.Load(),
			CheckpointTime: time.Duration(d.stats.checkpointTime.Load()), QueuedBytes: d.queuedBytes.Load(),
		}
	}
	return out
}
