package journal

import (
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// History is what a journal left on disk, in whatever engine's files. Engines read through it, so that
// there is one rule for all of them.
type History struct {
	FS      vfs.FS
	Dir     string
	Suffix  string // of the names of generations
	Layout  Layout
	Parts   func(Gen) ([]Part, error) // the files of a generation, in order
	Options Options
}

// Tail is where a history ends.
type Tail struct {
	Gen      Gen    // the last generation that holds a group; 0: none does
	Sequence uint64 // of the last group; 0: there is none
	Ends     []End  // of the parts that were read, in order
}

// Replay hands out every record from generation from on, or from the oldest when from is 0.
func (h *History) Replay(from Gen, fn func(Gen, Record) error) (Tail, error) {
	gens, err := ListGens(h.FS, h.Dir, h.Suffix)
	if err != nil {
		return Tail{}, err
	}
	w := h.walker(fn)
	gens, missing := selectGens(h.Dir, gens, from)
	for _, d := range missing {
		if err := w.damage(d); err != nil {
			return Tail{}, err
		}
	}
	for i, gen := range gens {
		if i == 0 {
			w.first = gen
		}
		if err := h.walk(w, gen); err != nil {
			return Tail{}, err
		}
	}
	if from > 0 && w.frames == 0 && len(gens) > 0 {
		if err := w.damage(emptyGen(h.Dir, from)); err != nil {
			return Tail{}, err
		}
	}
	return w.tail(), nil
}

// Fresh answers whether there is no journal here: no generation, or only a first one that a crash kept
// from beginning. It refuses when it cannot tell.
func (h *History) Fresh() (bool, error) {
	gens, err := ListGens(h.FS, h.Dir, h.Suffix)
	if err != nil || len(gens) != 1 {
		return len(gens) == 0, err
	}
	w := h.walker(nil)
	w.quick, w.one = true, true // a first group tells, and there is one but for the rare crash
	if err := h.walk(w, gens[0]); err != nil || w.frames > 0 {
		return false, err
	}
	tail, err := h.Replay(0, nil)
	return tail.Gen == 0, err
}

// Last answers the position of the last group without replaying: it reads the valid beginning of the
// last generation and does not look behind it. It is for a start after a clean stop. A generation
// that does not begin with a group is looked into whole, for the journal may write to that next.
func (h *History) Last() (Tail, error) {
	gens, err := ListGens(h.FS, h.Dir, h.Suffix)
	if err != nil {
		return Tail{}, err
	}
	for i := len(gens) - 1; i >= 0; i-- {
		for _, quick := range []bool{true, false} {
			w := h.walker(nil)
			w.quick = quick
			if err := h.walk(w, gens[i]); err != nil {
				return Tail{}, err
			}
			if w.frames > 0 {
				return w.tail(), nil
			}
		}
	}
	return Tail{}, nil
}

func (h *History) walker(fn func(Gen, Record) error) *walker {
	return &walker{fs: h.FS, layout: h.Layout, options: h.Options, fn: fn}
}

func (h *History) walk(w *walker, gen Gen) error {
	parts, err := h.Parts(gen)
	if err != nil {
		return fmt.Errorf("replay journal generation %d: %w", gen, err)
	}
	for _, p := range parts {
		if err := w.part(p); err != nil || w.one && w.frames > 0 {
			return err
		}
	}
	return nil
}

func (w *walker) tail() Tail {
	t := Tail{Ends: w.ends}
	for _, end := range w.ends {
		if end.Frames > 0 {
			t.Gen = end.Gen
		}
	}
	if w.frames > 0 {
		t.Sequence = w.next - 1
	}
	return t
}
