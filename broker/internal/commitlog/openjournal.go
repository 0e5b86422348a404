package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
)

// journalPath is where the directory's journal lies: with journal.dir in a subdirectory named by the directory's id.
func (d *directory) journalPath() string {
	if d.store.cfg.JournalDir == "" {
		return d.file(defaultJournalName)
	}
	return path.Join(d.store.cfg.JournalDir, d.meta.directory.String())
}

func (r *recovery) options() journal.Options {
	cfg := &r.d.store.cfg
	return journal.Options{
		IO: journal.IO(cmp.Or(cfg.JournalIO, string(journal.Direct))), FileBytes: cfg.JournalFileBytes, DamageAccept: cfg.DamageAccept, Logger: cfg.Logger,
		Skipped: func(e *journal.DamageError) {
			r.skipped = true
			cfg.Logger.Error("damaged journal is accepted; every replica of the directory is unclean", "dir", r.d.path, "error", e)
		},
	}
}

// openJournal opens the journal that was written last and, after a stop that was not clean, replays it.
func (r *recovery) openJournal() error {
	d := r.d
	name := cmp.Or(d.state.engine, d.store.cfg.JournalEngine)
	j, err := engine.Open(name, d.store.cfg.FS, d.journalPath(), r.options())
	if err != nil {
		return err
	}
	d.journal = j
	if r.clean {
		return nil
	}
	if err := j.Replay(d.state.gen, r.apply); err != nil {
		if damage := (*journal.DamageError)(nil); errors.As(err, &damage) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return fmt.Errorf("replay the journal: %w", err)
	}
	// The replay began a generation, with a group of its own.
	if last := j.Sequence() - 1; d.state.sequence > last && !r.skipped {
		return fmt.Errorf("%w: the journal in %s ends at sequence %d, and %s wants it from %d on: is journal.dir another one than before?",
			ErrCorrupt, d.journalPath(), last, journalStateFile, d.state.sequence)
	}
	if err := r.flushAll(); err != nil {
		return err
	}
	d.store.mu.Lock()
	d.store.raft = append(d.store.raft, r.raft...)
	d.store.mu.Unlock()
	return nil
}

// finish makes the recovered state the new beginning: all of it durable and in the checkpoints, and the replayed
// generations released. The journal began a new one after the replay.
func (r *recovery) finish() error {
	d := r.d
	if !r.clean {
		if err := d.flushLogs(d.takeDirty()); err != nil {
			return fmt.Errorf("sync what was recovered: %w", err)
		}
		if err := d.writeCheckpoints(); err != nil {
			return err
		}
	}
	if old := d.state.engine; old != "" && old != d.store.cfg.JournalEngine {
		return r.changeEngine(old)
	}
	if r.clean {
		return nil
	}
	state := journalState{d.store.cfg.JournalEngine, d.journal.Current(), d.journal.Sequence()}
	if len(r.raft) > 0 {
		// Released by the first checkpoint, when the metadata log has taken them over.
		d.closed = closedGen{gen: state.gen - 1, next: state.sequence, raft: true}
		return nil
	}
	if err := d.writeState(state); err != nil {
		return err
	}
	if err := d.journal.Release(state.gen - 1); err != nil {
		return fmt.Errorf("release the replayed journal: %w", err)
	}
	return nil
}

// changeEngine goes on in the configured engine where the old one ended. RAFT records come along, because nobody has
// taken them over yet.
func (r *recovery) changeEngine(old string) error {
	d := r.d
	options := r.options()
	options.Behind = journal.Pos{Gen: d.journal.Current(), Sequence: d.journal.Sequence()}
	if err := d.journal.Close(); err != nil {
		return err
	}
	d.journal = nil
	fsys, dir := d.store.cfg.FS, d.journalPath()
	j, err := engine.Open(d.store.cfg.JournalEngine, fsys, dir, options)
	if err != nil {
		return err
	}
	d.journal = j
	state := journalState{d.store.cfg.JournalEngine, j.Current(), j.Sequence()}
	if len(r.raft) > 0 {
		records := make([]journal.Record, len(r.raft))
		for i, payload := range r.raft {
			records[i] = journal.Record{Type: journal.Raft, Payload: payload}
		}
		if _, err := j.Commit(records); err != nil {
			return err
		}
		d.hasRaft = true
	}
	if err := d.writeState(state); err != nil {
		return err
	}
	return engine.Remove(old, fsys, dir)
}
