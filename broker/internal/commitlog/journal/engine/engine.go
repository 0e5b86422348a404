// Package engine opens a journal by the name of its engine (journal.engine). It is apart from package
// journal because it imports the engines, and they import that.
//
// It owns the table of engines and nothing on disk. Engines can share a directory: each sees only its
// own names. So a change of engine is: open and replay the old one, checkpoint, Remove it.
package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/ring"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/tidwall"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Names of the engines.
const (
	Ring    = "ring" // the default
	Tidwall = "tidwall"
)

// suffixes are the endings of the names that each engine keeps in a directory, generations first.
var suffixes = map[string][]string{
	Ring:    {ring.Suffix, ring.SpareSuffix},
	Tidwall: {tidwall.Suffix, tidwall.GoneSuffix},
}

// Open opens the journal in dir with the engine called name; "" is the default.
func Open(name string, fs vfs.FS, dir string, options journal.Options) (journal.Journal, error) {
	switch name {
	case Ring, "":
		return opened(ring.Open(fs, dir, options))
	case Tidwall:
		return opened(tidwall.Open(fs, dir, options))
	}
	return nil, fmt.Errorf("journal.engine is %q, want %q or %q", name, Ring, Tidwall)
}

// opened keeps a nil pointer from becoming an interface that is not nil.
func opened[J journal.Journal](j J, err error) (journal.Journal, error) {
	if err != nil {
		return nil, err
	}
	return j, nil
}

// Present answers the engines that have generations in dir.
func Present(fs vfs.FS, dir string) ([]string, error) {
	var present []string
	for name, endings := range suffixes {
		gens, err := journal.ListGens(fs, dir, endings[0])
		if err != nil {
			return nil, err
		}
		if len(gens) > 0 {
			present = append(present, name)
		}
	}
	slices.Sort(present)
	return present, nil
}

// Remove removes what the engine called name keeps in dir. The journal must be closed, and everything
// in it checkpointed.
func Remove(name string, fs vfs.FS, dir string) error {
	entries, err := fs.List(dir)
	for _, e := range entries {
		ours := slices.ContainsFunc(suffixes[name], func(s string) bool { return strings.HasSuffix(e.Name(), s) })
		if ours {
			err = errors.Join(err, fs.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	if err == nil {
		err = fs.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("remove %s journal in %s: %w", name, dir, err)
	}
	return nil
}
