package ring

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// begin opens the next generation and writes its first, empty group.
func (r *Ring) begin() (err error) {
	next, named := r.gen+1, false
	if r.keeper != nil {
		named, err = r.keeper.claim(next)
	}
	if err == nil {
		err = r.enter(next, named)
	}
	if err != nil {
		return r.poison.Fail(fmt.Errorf("begin journal generation %d: %w", next, err))
	}
	if r.keeper != nil {
		r.keeper.proceed(next + 1)
	}
	return nil
}

func (r *Ring) enter(gen journal.Gen, named bool) error {
	old := r.file
	r.file, r.gen, r.offset = nil, gen, 0
	err := r.openWith(r.direct)
	if r.direct && refusesDirect(err) {
		r.withoutDirect()
		err = r.openWith(false) // nothing was written yet: this is no retry
	}
	if err == nil && !named {
		err = r.fs.SyncDir(r.dir)
	}
	if old != nil {
		err = errors.Join(err, old.Close())
	}
	return err
}

// openWith opens the file of the generation and writes the first group.
func (r *Ring) openWith(direct bool) error {
	flag := vfs.ReadWrite | vfs.Create
	if direct {
		flag |= vfs.Direct | vfs.DSync
	}
	f, err := r.fs.Open(r.path(r.gen), flag)
	if err != nil {
		return err
	}
	r.file = f
	first, err := opened(f)
	if err == nil {
		err = r.put(first)
	}
	if err != nil {
		r.file = nil
		return errors.Join(err, f.Close())
	}
	return nil
}

// opened is the first group of a generation: how long its file is already. A file never becomes shorter, so a replay
// that finds it so knows that somebody cut it.
func opened(f vfs.File) ([]journal.Record, error) {
	size, err := f.Size()
	if err != nil || size == 0 {
		return nil, err
	}
	return []journal.Record{{Type: journal.Opened, Position: size}}, nil
}

// refusesDirect: the file system does not take O_DIRECT, at open or at the first write.
func refusesDirect(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// withoutDirect goes on with buffered writes.
func (r *Ring) withoutDirect() {
	r.direct = false
	r.options.Logger.Warn("the file system has no direct I/O, the journal writes as with journal.io=dsync", "dir", r.dir)
}

// put writes one group and returns when it is durable.
func (r *Ring) put(recs []journal.Record) error {
	align := 1
	if r.direct {
		align = vfs.DirectAlign
	}
	frame, err := r.encoder.Frame(r.gen, r.sequence+1, recs, align)
	if err != nil {
		return err
	}
	if _, err := r.file.WriteAt(frame, r.offset); err != nil {
		return err
	}
	if !r.direct {
		if err := r.file.Sync(); err != nil {
			return err
		}
	}
	r.sequence++
	r.offset += int64(len(frame))
	return nil
}

// cut wipes the header of a torn group, so that a later replay cannot take it for whole when this one
// did not.
func (r *Ring) cut(tail journal.Tail) error {
	for _, end := range tail.Ends {
		if end.Gen != tail.Gen || end.At >= end.Size {
			continue
		}
		if err := r.wipe(end); err != nil {
			return fmt.Errorf("cut torn journal tail: %w", err)
		}
	}
	return nil
}

func (r *Ring) wipe(end journal.End) error {
	f, err := r.fs.Open(end.Name, vfs.ReadWrite)
	if err != nil {
		return err
	}
	changed := false
	for _, at := range [...]int64{end.At, vfs.AlignUp(end.At)} {
		torn, err := journal.HeaderAt(f, at, end.Gen)
		if err == nil && torn {
			changed = true
			_, err = f.WriteAt(make([]byte, journal.HeaderBytes), at)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if changed {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// remove is Release without recycling. Oldest first and one at a time, so that no crash leaves a gap.
func (r *Ring) remove(upTo journal.Gen) error {
	gens, err := journal.ListGens(r.fs, r.dir, Suffix)
	for _, gen := range gens {
		if gen > upTo || err != nil {
			break
		}
		if err = r.fs.Remove(r.path(gen)); err == nil {
			err = r.fs.SyncDir(r.dir)
		}
	}
	if err != nil {
		return r.poison.Fail(fmt.Errorf("release journal generations up to %d: %w", upTo, err))
	}
	return nil
}
