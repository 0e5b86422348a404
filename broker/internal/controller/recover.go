package controller

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// recover builds node, image and saved from the files and from what the journal replayed. It writes nothing.
func (c *Controller) recover() error {
	s := &c.saved
	s.hard.Vote = quorum.None
	if err := c.loadFiles(); err != nil {
		return err
	}
	for i, b := range c.cfg.Journal.ReplayedRaft() {
		r, err := decodeRaft(b)
		if err != nil {
			return fmt.Errorf("RAFT record %d of the journal: %w", i, err)
		}
		if err := s.replay(r); err != nil {
			return err
		}
	}
	snapshot, err := c.loadSnapshot()
	if err != nil {
		return err
	}
	if s.image == nil {
		s.image = metadata.Empty(c.cfg.ClusterID)
	}
	voters := make([]quorum.NodeID, len(c.cfg.Voters))
	for i, id := range c.cfg.Voters {
		voters[i] = quorum.NodeID(id)
	}
	if s.voters == nil {
		s.voters = voters
	}
	c.node, err = quorum.New(quorum.Config{
		ID: quorum.NodeID(c.cfg.NodeID), Voters: voters, ElectionTicks: c.cfg.ElectionTicks,
		Saved: quorum.Saved{HardState: s.hard, Snapshot: snapshot, Entries: s.entries, FirstTerm: s.base.term},
	})
	if err != nil {
		return err
	}
	if err := c.catchUp(); err != nil {
		return err
	}
	c.log.Info("recovered the metadata log", "epoch", s.hard.Term, "snapshot", s.snapshot.index, "offset", s.last(), "committed", s.hard.Commit)
	return nil
}

// catchUp takes what is known to be committed into the image, so that Image tells the recovered state before Run. What saved
// has for the next snapshot stays behind until raft itself has handed these entries out, membership changes among them.
func (c *Controller) catchUp() error {
	image := c.saved.image
	for _, e := range c.saved.entries {
		if int64(e.Index) <= image.Offset || e.Index > c.saved.hard.Commit {
			continue
		}
		d, err := step(image, e)
		if err != nil {
			return err
		}
		image = d.Image(int64(e.Index), epoch(e.Term))
	}
	c.image.Store(image)
	return nil
}

// loadFiles reads the hard state and the entries of the last checkpoint. Without them the journal must have everything.
func (c *Controller) loadFiles() error {
	b, err := vfs.ReadFile(c.cfg.FS, path.Join(c.dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := decodeState(b, c.cfg.ClusterID)
	if errors.Is(err, errState) {
		c.log.Warn("the journal must hold the whole metadata log", "error", err)
		return nil // replay finds out whether it does
	}
	if err != nil {
		return err
	}
	b, err = vfs.ReadFile(c.cfg.FS, path.Join(c.dir, entriesName(f.Sequence)))
	if err != nil {
		return err
	}
	entries, err := decodeEntries(b)
	if err != nil {
		return fmt.Errorf("%s: %w", entriesName(f.Sequence), err)
	}
	s := &c.saved
	s.sequence, s.base = f.Sequence, position{f.BaseIndex, f.BaseTerm}
	s.hard = quorum.HardState{Term: f.LeaderEpoch, Vote: f.VotedID, Commit: f.Commit}
	if len(entries) > 0 && entries[0].Index != s.base.index+1 {
		return fmt.Errorf("%w: %s begins at %d, not behind %d", errEntries, entriesName(f.Sequence), entries[0].Index, s.base.index)
	}
	s.add(entries)
	return nil
}

// replay takes one RAFT record in, unless the files have it.
func (s *saved) replay(r raftRecord) error {
	if r.sequence <= s.sequence {
		return nil
	}
	if r.sequence != s.sequence+1 {
		return fmt.Errorf("the metadata log has a hole: RAFT record %d follows %d", r.sequence, s.sequence)
	}
	s.sequence = r.sequence
	if r.hard != nil {
		s.hard = *r.hard
	}
	if r.snapshot != nil {
		s.reset(*r.snapshot)
	}
	if len(r.entries) > 0 && (r.entries[0].Index <= s.base.index || r.entries[0].Index > s.last()+1) {
		return fmt.Errorf("the metadata log has a hole: entry %d in a log from %d to %d", r.entries[0].Index, s.base.index, s.last())
	}
	s.add(r.entries)
	return nil
}

// loadSnapshot finds the newest good snapshot that the log can go on from. A snapshot that is empty or damaged is passed
// over: the log is longer than it, because the entries behind the snapshot before it are still there.
func (c *Controller) loadSnapshot() (*quorum.Snapshot, error) {
	s := &c.saved
	files, err := c.cfg.FS.List(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for i := len(files) - 1; i >= 0; i-- { // names sort as their indexes do
		p, ok := parseSnapshotName(files[i].Name())
		if !ok || p.index < s.base.index {
			continue
		}
		data, err := vfs.ReadFile(c.cfg.FS, path.Join(c.dir, files[i].Name()))
		if err != nil {
			return nil, err
		}
		image, voters, err := decodeSnapshot(data, c.cfg.ClusterID, p)
		if err != nil {
			c.log.Warn("passed over a snapshot of the metadata log", "file", files[i].Name(), "error", err)
			continue
		}
		if p.index > s.last() {
			s.reset(p) // a leader's snapshot, whose RAFT record did not come to be
		}
		s.image, s.voters, s.snapshot = image, voters, p
		s.bytes = 0
		for _, e := range s.entries {
			if e.Index > p.index {
				s.bytes += int64(len(e.Data))
			}
		}
		return &quorum.Snapshot{Index: p.index, Term: p.term, Voters: voters, Data: data}, nil
	}
	if s.base.index > 0 {
		return nil, fmt.Errorf("no good snapshot, and the log begins behind %d", s.base.index)
	}
	return nil, nil
}
