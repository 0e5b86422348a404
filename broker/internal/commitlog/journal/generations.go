package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// GenName is the name of a generation: ten digits, so that names sort as numbers do, and the engine's suffix.
func GenName(gen Gen, suffix string) string { return fmt.Sprintf("%010d%s", gen, suffix) }

// ListGens answers the generations in dir whose names end in suffix, rising. A missing dir has none.
func ListGens(fsys vfs.FS, dir, suffix string) ([]Gen, error) {
	entries, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list journal %s: %w", dir, err)
	}
	var gens []Gen
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		if n, err := strconv.ParseUint(digits, 10, 32); ok && err == nil && GenName(Gen(n), suffix) == e.Name() {
			gens = append(gens, Gen(n))
		}
	}
	slices.Sort(gens)
	return gens, nil
}

// selectGens answers the generations to replay, from "from" on, and the damage that a missing one is.
func selectGens(dir string, gens []Gen, from Gen) ([]Gen, []*DamageError) {
	i, _ := slices.BinarySearch(gens, from)
	gens = gens[i:]
	if from == 0 && len(gens) > 0 {
		from = gens[0]
	}
	var missing []*DamageError
	next := from
	for _, gen := range gens {
		if gen != next {
			missing = append(missing, missingGens(dir, next, gen))
		}
		next = gen + 1
	}
	if from > 0 && len(gens) == 0 {
		missing = append(missing, missingGens(dir, from, from+1))
	}
	return gens, missing
}

// missingGens says that the generations [from, to) are not there.
func missingGens(dir string, from, to Gen) *DamageError {
	reason := fmt.Sprintf("generation %d is missing", from)
	if to > from+1 {
		reason = fmt.Sprintf("generations %d to %d are missing", from, to-1)
	}
	return &DamageError{Name: dir, Gen: from, Reason: reason}
}
