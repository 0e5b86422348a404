package ring

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Suffixes of file names.
const (
	Suffix      = ".ring"
	SpareSuffix = ".spare"
)

// Ring is a journal.Journal. One goroutine uses it.
type Ring struct {
	fs      vfs.FS
	dir     string
	options journal.Options
	history journal.History
	keeper  *keeper // nil with FillNever
	poison  journal.Poison
	encoder journal.Encoder

	known    bool // gen and sequence are what the disk says
	gen      journal.Gen
	sequence uint64
	file     vfs.File // of gen; nil before this Ring began a generation
	offset   int64    // in file
	direct   bool     // a write is durable when it returns
}

var _ journal.Journal = (*Ring)(nil)

// Open opens the journal in dir, which is made when it is missing. It starts no goroutine. A new
// journal has its first generation on return; an old one begins its next with Replay or the first Commit.
func Open(fs vfs.FS, dir string, options journal.Options) (*Ring, error) {
	if options.Fill == journal.FillAuto {
		options.Fill = journal.FillAlways
		if vfs.InMemory(fs) {
			options.Fill = journal.FillNever
		}
	}
	options, err := options.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	r := &Ring{fs: fs, dir: dir, options: options, direct: options.IO == journal.Direct}
	r.history = journal.History{FS: fs, Dir: dir, Suffix: Suffix, Layout: journal.Padded, Parts: r.parts, Options: options}
	if options.Fill == journal.FillAlways {
		r.keeper = newKeeper(fs, dir, options, &r.poison)
	}
	if err := vfs.MkdirAllSync(fs, dir); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	fresh, err := r.history.Fresh()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	if fresh {
		r.known, r.gen, r.sequence = true, options.Behind.Gen, options.Behind.Sequence
		if err := r.begin(); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

func (r *Ring) parts(gen journal.Gen) ([]journal.Part, error) {
	return []journal.Part{{Gen: gen, Name: r.path(gen)}}, nil
}

func (r *Ring) path(gen journal.Gen) string {
	return filepath.Join(r.dir, journal.GenName(gen, Suffix))
}

// Replay implements [journal.Journal]. Then it begins a new generation.
func (r *Ring) Replay(from journal.Gen, fn func(journal.Gen, journal.Record) error) error {
	if err := r.poison.Err(); err != nil {
		return err
	}
	sizes := map[journal.Gen]int64{}
	tail, err := r.history.Replay(from, func(gen journal.Gen, rec journal.Record) error {
		if rec.Type == journal.Opened {
			sizes[gen] = rec.Position
			return nil
		}
		return fn(gen, rec)
	})
	if err == nil {
		err = r.checkSizes(tail, sizes)
	}
	if err != nil {
		return r.poison.Fail(err) // nobody may write behind what could not be read
	}
	if r.file != nil { // a new journal, and its first generation is begun
		return nil
	}
	if err := r.cut(tail); err != nil {
		return r.poison.Fail(err)
	}
	r.found(tail)
	return r.ready()
}

// checkSizes holds the files against the sizes that they had when they were begun.
func (r *Ring) checkSizes(tail journal.Tail, sizes map[journal.Gen]int64) error {
	for _, end := range tail.Ends {
		if end.Size >= sizes[end.Gen] {
			continue
		}
		err := r.history.Options.Damage(&journal.DamageError{Name: end.Name, Offset: end.Size, Gen: end.Gen, Want: tail.Sequence + 1,
			Reason: fmt.Sprintf("the file ends here, and had %d bytes when it was begun", sizes[end.Gen])})
		if err != nil {
			return err
		}
	}
	return nil
}

// found takes over where the history ends.
func (r *Ring) found(tail journal.Tail) {
	r.known = true
	r.gen = max(tail.Gen, r.options.Behind.Gen)
	r.sequence = max(tail.Sequence, r.options.Behind.Sequence)
}

// Commit implements [journal.Journal].
func (r *Ring) Commit(recs []journal.Record) (journal.Pos, error) {
	if err := r.ready(); err != nil {
		return journal.Pos{}, err
	}
	if err := r.put(recs); err != nil {
		return journal.Pos{}, r.poison.Fail(fmt.Errorf("commit to journal %s: %w", r.path(r.gen), err))
	}
	if r.keeper != nil {
		r.keeper.start()
	}
	return journal.Pos{Gen: r.gen, Sequence: r.sequence, Bytes: r.offset, Full: r.offset >= r.options.FileBytes}, nil
}

// ready makes sure that there is a generation to write to.
func (r *Ring) ready() error {
	if err := r.poison.Err(); err != nil {
		return err
	}
	if err := r.locate(); err != nil {
		return err
	}
	if r.file != nil {
		return nil
	}
	return r.begin()
}

// locate finds the last group, unless a replay has.
func (r *Ring) locate() error {
	if r.known {
		return nil
	}
	tail, err := r.history.Last()
	if err != nil {
		return r.poison.Fail(fmt.Errorf("find the end of journal %s: %w", r.dir, err))
	}
	r.found(tail)
	return nil
}

// Rotate implements [journal.Journal].
func (r *Ring) Rotate() (journal.Gen, error) {
	if err := r.ready(); err != nil {
		return 0, err
	}
	closed := r.gen
	if err := r.begin(); err != nil {
		return 0, err
	}
	return closed, nil
}

// Release implements [journal.Journal]. The keeper does the work.
func (r *Ring) Release(upTo journal.Gen) error {
	if err := r.poison.Err(); err != nil {
		return err
	}
	if current := r.Current(); upTo >= current {
		return fmt.Errorf("release journal generation %d: the current one is %d", upTo, current)
	}
	if r.keeper != nil {
		r.keeper.release(upTo)
		return nil
	}
	return r.remove(upTo)
}

// Sequence implements [journal.Journal].
func (r *Ring) Sequence() uint64 {
	_ = r.locate() // an error poisons, and the next Commit says so
	return r.sequence
}

// Current implements [journal.Journal].
func (r *Ring) Current() journal.Gen {
	_ = r.locate() // as above
	if r.file == nil {
		return r.gen + 1
	}
	return r.gen
}

// Close implements [journal.Journal]. It waits for the keeper.
func (r *Ring) Close() error {
	var err error
	if r.keeper != nil {
		err = r.keeper.close()
	}
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
		r.file = nil
	}
	r.poison.Fail(journal.ErrClosed)
	return err
}
