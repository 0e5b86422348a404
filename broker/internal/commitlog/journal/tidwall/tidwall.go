package tidwall

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Suffixes of directory names.
const (
	Suffix     = ".wal"
	GoneSuffix = ".gone"
)

// Log is a journal.Journal. One goroutine uses it.
type Log struct {
	fs      vfs.FS
	dir     string
	options journal.Options
	history journal.History
	poison  journal.Poison
	encoder journal.Encoder

	known    bool // gen and sequence are what the disk says
	gen      journal.Gen
	sequence uint64
	log      *log // of gen; nil before this Log began a generation
	bytes    int64
}

var _ journal.Journal = (*Log)(nil)

// Open opens the journal in dir, which is made when it is missing. A new journal has its first
// generation on return; an old one begins its next with Replay or the first Commit.
func Open(fs vfs.FS, dir string, options journal.Options) (*Log, error) {
	options, err := options.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	if vfs.InMemory(fs) {
		return nil, fmt.Errorf("open journal %s: journal.engine=tidwall needs the operating system's files: %w", dir, errors.ErrUnsupported)
	}
	l := &Log{fs: fs, dir: dir, options: options}
	l.history = journal.History{FS: fs, Dir: dir, Suffix: Suffix, Layout: journal.Prefixed, Parts: l.parts, Options: options}
	if err := l.prepare(); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	fresh, err := l.history.Fresh()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	if fresh {
		l.known, l.gen, l.sequence = true, options.Behind.Gen, options.Behind.Sequence
		if err := l.begin(); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// prepare makes the directory, and removes what a crash kept from being removed.
func (l *Log) prepare() error {
	if err := vfs.MkdirAllSync(l.fs, l.dir); err != nil {
		return err
	}
	entries, err := l.fs.List(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), GoneSuffix) {
			if err := l.fs.RemoveAll(filepath.Join(l.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Log) path(gen journal.Gen) string { return filepath.Join(l.dir, journal.GenName(gen, Suffix)) }

func (l *Log) parts(gen journal.Gen) ([]journal.Part, error) {
	return parts(l.fs, l.path(gen), gen)
}

// Replay implements [journal.Journal]. Then it begins a new generation.
func (l *Log) Replay(from journal.Gen, fn func(journal.Gen, journal.Record) error) error {
	if err := l.poison.Err(); err != nil {
		return err
	}
	tail, err := l.history.Replay(from, fn)
	if err != nil {
		return l.poison.Fail(err) // nobody may write behind what could not be read
	}
	if l.log != nil { // a new journal, and its first generation is begun
		return nil
	}
	if err := l.cut(tail); err != nil {
		return l.poison.Fail(err)
	}
	l.found(tail)
	return l.ready()
}

func (l *Log) found(tail journal.Tail) {
	l.known = true
	l.gen = max(tail.Gen, l.options.Behind.Gen)
	l.sequence = max(tail.Sequence, l.options.Behind.Sequence)
}

// cut cuts the torn tail off, so that a later replay cannot take it for whole when this one did not.
func (l *Log) cut(tail journal.Tail) error {
	for _, end := range tail.Ends {
		if end.Gen != tail.Gen || end.At >= end.Size {
			continue
		}
		f, err := l.fs.Open(end.Name, vfs.ReadWrite)
		if err == nil {
			if err = f.Truncate(end.At); err == nil {
				err = f.Sync()
			}
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return fmt.Errorf("cut torn journal tail: %w", err)
		}
	}
	return nil
}

// Commit implements [journal.Journal].
func (l *Log) Commit(recs []journal.Record) (journal.Pos, error) {
	if err := l.ready(); err != nil {
		return journal.Pos{}, err
	}
	if err := l.put(recs); err != nil {
		return journal.Pos{}, l.poison.Fail(fmt.Errorf("commit to journal %s: %w", l.path(l.gen), err))
	}
	return journal.Pos{Gen: l.gen, Sequence: l.sequence, Bytes: l.bytes, Full: l.bytes >= l.options.FileBytes}, nil
}

func (l *Log) put(recs []journal.Record) error {
	frame, err := l.encoder.Frame(l.gen, l.sequence+1, recs, 1)
	if err != nil {
		return err
	}
	if err := l.log.append(frame); err != nil {
		return err
	}
	l.sequence++
	l.bytes += entryBytes(len(frame))
	return nil
}

// ready makes sure that there is a generation to write to.
func (l *Log) ready() error {
	if err := l.poison.Err(); err != nil {
		return err
	}
	if err := l.locate(); err != nil {
		return err
	}
	if l.log != nil {
		return nil
	}
	return l.begin()
}

// locate finds the last group, unless a replay has.
func (l *Log) locate() error {
	if l.known {
		return nil
	}
	tail, err := l.history.Last()
	if err != nil {
		return l.poison.Fail(fmt.Errorf("find the end of journal %s: %w", l.dir, err))
	}
	l.found(tail)
	return nil
}

// begin makes the next generation and writes its first, empty group.
func (l *Log) begin() error {
	old := l.log
	l.log, l.gen, l.bytes = nil, l.gen+1, 0
	next, err := newLog(l.fs, l.path(l.gen))
	if err == nil {
		l.log = next
		err = l.put(nil)
	}
	if old != nil {
		err = errors.Join(err, old.close())
	}
	if err != nil {
		return l.poison.Fail(fmt.Errorf("begin journal generation %d: %w", l.gen, err))
	}
	return nil
}

// Rotate implements [journal.Journal].
func (l *Log) Rotate() (journal.Gen, error) {
	if err := l.ready(); err != nil {
		return 0, err
	}
	closed := l.gen
	if err := l.begin(); err != nil {
		return 0, err
	}
	return closed, nil
}

// Release implements [journal.Journal]. Oldest first, and each one renamed before it is removed, so
// that a crash leaves neither a gap nor half a generation.
func (l *Log) Release(upTo journal.Gen) error {
	if err := l.poison.Err(); err != nil {
		return err
	}
	if current := l.Current(); upTo >= current {
		return fmt.Errorf("release journal generation %d: the current one is %d", upTo, current)
	}
	gens, err := journal.ListGens(l.fs, l.dir, Suffix)
	for _, gen := range gens {
		if gen > upTo || err != nil {
			break
		}
		err = l.remove(gen)
	}
	if err != nil {
		return l.poison.Fail(fmt.Errorf("release journal generations up to %d: %w", upTo, err))
	}
	return nil
}

func (l *Log) remove(gen journal.Gen) error {
	gone := filepath.Join(l.dir, journal.GenName(gen, GoneSuffix))
	if err := l.fs.Rename(l.path(gen), gone); err != nil {
		return err
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return err
	}
	return l.fs.RemoveAll(gone)
}

// Sequence implements [journal.Journal].
func (l *Log) Sequence() uint64 {
	_ = l.locate() // an error poisons, and the next Commit says so
	return l.sequence
}

// Current implements [journal.Journal].
func (l *Log) Current() journal.Gen {
	_ = l.locate() // as above
	if l.log == nil {
		return l.gen + 1
	}
	return l.gen
}

// Close implements [journal.Journal].
func (l *Log) Close() error {
	l.poison.Fail(journal.ErrClosed)
	if l.log == nil {
		return nil
	}
	err := l.log.close()
	l.log = nil
	return err
}
