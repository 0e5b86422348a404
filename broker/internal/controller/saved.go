package controller

import (
	"sync"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// saved mirrors what the journal and the files hold together, so that a checkpoint, which another goroutine asks for, never
// has to wait for the loop: the loop itself may be waiting for the journal, whose checkpoint this is.
//
// The loop writes it before it appends the record to the journal. So whatever a released generation held is in here; what is
// here and not yet durable does no harm in the files, because nothing was sent on the strength of it.
type saved struct {
	mu       sync.Mutex // guards all below
	sequence uint64     // of the last RAFT record
	hard     quorum.HardState
	base     position // the entries begin behind it: the older of the two snapshots, or the beginning of the log
	entries  []quorum.Entry
	snapshot position // the newest snapshot in the files; 0: none
	bytes    int64    // of entries behind it
	image    *metadata.Image
	voters   []quorum.NodeID // as of image
}

// take notes what the quorum wants persisted. It answers the record for the journal, or nil when none is due now: a commit
// index alone can wait, because it is found again.
func (s *saved) take(fx quorum.Effects) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fx.HardState != nil {
		s.hard = *fx.HardState
	}
	if !fx.MustSync {
		return nil
	}
	s.sequence++
	r := raftRecord{sequence: s.sequence, hard: &s.hard, entries: fx.Entries}
	if fx.Snapshot != nil {
		r.snapshot = &position{fx.Snapshot.Index, fx.Snapshot.Term}
		s.reset(*r.snapshot)
	}
	s.add(fx.Entries)
	return r.encode()
}

// reset forgets the log: a snapshot took its place.
func (s *saved) reset(p position) {
	s.base, s.snapshot, s.entries, s.bytes = p, p, nil, 0
}

// add replaces the log from the first of the entries on. What a checkpoint copied is not written to: behind its end there is
// room to append, and a suffix that is replaced gets a new array.
func (s *saved) add(entries []quorum.Entry) {
	if len(entries) == 0 {
		return
	}
	if keep := int(entries[0].Index - s.base.index - 1); keep < len(s.entries) {
		s.entries = s.entries[:keep:keep]
	}
	s.entries = append(s.entries, entries...)
	for _, e := range entries {
		s.bytes += int64(len(e.Data))
	}
}

func (s *saved) last() uint64 { return s.base.index + uint64(len(s.entries)) }

// applied notes the newest image.
func (s *saved) applied(i *metadata.Image, voters []quorum.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.image, s.voters = i, voters
}

// due tells whether the entries behind the newest snapshot weigh more than limit.
func (s *saved) due(limit int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes > limit
}
