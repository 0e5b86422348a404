package ring

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// claimSpare is claim at a start, before there is a goroutine: an earlier run's spare saves the filling,
// and needs no space on a disk that is full.
func (k *keeper) claimSpare(gen journal.Gen) (named bool, err error) {
	if err := k.load(); err != nil {
		return false, err
	}
	if _, err := k.fs.Stat(filepath.Join(k.dir, journal.GenName(gen, Suffix))); err == nil {
		return true, k.fs.SyncDir(k.dir) // the last run had named it already
	}
	i := k.best(true)
	if i < 0 {
		return false, nil
	}
	return true, k.rename(i, gen)
}

// load finds the files that earlier runs left, once.
func (k *keeper) load() error {
	if k.loaded {
		return nil
	}
	k.loaded = true
	entries, err := k.fs.List(k.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), SpareSuffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		k.spares = append(k.spares, spare{filepath.Join(k.dir, e.Name()), info.Size()})
	}
	return nil
}

// takeBack makes the oldest generation, if it is released, a spare, or removes it when there are enough files.
// One at a time and oldest first, so that no crash leaves a gap.
func (k *keeper) takeBack(gens []journal.Gen) (did bool, err error) {
	k.mu.Lock()
	released := k.released
	k.mu.Unlock()
	if len(gens) == 0 || gens[0] > released {
		return false, nil
	}
	name := filepath.Join(k.dir, journal.GenName(gens[0], Suffix))
	if len(gens)+len(k.spares) > files {
		err = k.fs.Remove(name)
	} else {
		err = k.toSpare(name)
	}
	if err == nil {
		err = k.fs.SyncDir(k.dir)
	}
	return true, err
}

// toSpare renames a generation. One that outgrew its size is cut back.
func (k *keeper) toSpare(name string) error {
	info, err := k.fs.Stat(name)
	if err != nil {
		return err
	}
	size := min(info.Size(), k.options.FileBytes)
	if info.Size() > size {
		if err := k.shrink(name, size); err != nil {
			return err
		}
	}
	to := k.unused(usedPrefix)
	if err := k.fs.Rename(name, to); err != nil {
		return err
	}
	k.spares = append(k.spares, spare{to, size})
	return nil
}

func (k *keeper) shrink(name string, size int64) error {
	f, err := k.fs.Open(name, vfs.ReadWrite)
	if err != nil {
		return err
	}
	if err = f.Truncate(size); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// unused answers a name for a spare that none has.
func (k *keeper) unused(prefix string) string {
	for i := 1; ; i++ {
		name := filepath.Join(k.dir, fmt.Sprintf("%s%d%s", prefix, i, SpareSuffix))
		if !slices.ContainsFunc(k.spares, func(s spare) bool { return s.name == name }) {
			return name
		}
	}
}

// rename puts spare i under the name of generation gen, for good.
func (k *keeper) rename(i int, gen journal.Gen) error {
	err := k.fs.Rename(k.spares[i].name, filepath.Join(k.dir, journal.GenName(gen, Suffix)))
	if err == nil {
		err = k.fs.SyncDir(k.dir)
	}
	k.spares = slices.Delete(k.spares, i, i+1)
	return err
}

// nameNext puts spare i under the next generation's name, before it is needed. Claim waits for it.
func (k *keeper) nameNext(i int) error {
	k.mu.Lock()
	next := k.next
	k.naming = next != 0 // it may have been claimed since step looked
	k.mu.Unlock()
	if next == 0 {
		return nil
	}
	err := k.rename(i, next)
	k.mu.Lock()
	k.naming, k.named = false, err == nil
	k.mu.Unlock()
	k.settled.Broadcast()
	return err
}

func (k *keeper) tidy() error {
	if err := k.load(); err != nil {
		return err
	}
	for did := true; did; {
		gens, err := journal.ListGens(k.fs, k.dir, Suffix)
		if err == nil {
			did, err = k.takeBack(gens)
		}
		if err != nil {
			return err
		}
	}
	if !k.named {
		return nil
	}
	if err := k.toSpare(filepath.Join(k.dir, journal.GenName(k.next, Suffix))); err != nil {
		return err
	}
	return k.fs.SyncDir(k.dir)
}
