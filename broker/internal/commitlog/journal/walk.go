package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Layout is how frames lie in a file.
type Layout uint8

const (
	Padded   Layout = iota // one behind the other, or at the next multiple of vfs.DirectAlign
	Prefixed               // each behind its size as an unsigned varint: an entry of tidwall/wal
)

// Part is a file that holds frames of one generation. A generation is one part or several.
type Part struct {
	Gen  Gen
	Name string
}

// End is what was found in a part.
type End struct {
	Part
	Frames int   // whole frames
	At     int64 // behind the last of them: where a torn frame begins
	Size   int64 // of the file
}

// walker reads the parts of a journal in order and tells a torn tail from damage. The rule, for both
// engines: a bad frame with nothing valid behind it is a torn tail, because a group is durable before
// the next one is written. A bad frame with a whole frame of a later sequence behind it, at any byte of
// the rest of its generation or in a later one, was durable once: damage.
type walker struct {
	fs      vfs.FS
	layout  Layout
	options Options
	fn      func(Gen, Record) error // nil: nobody wants the records
	quick   bool                    // do not look behind the first bad frame
	one     bool                    // stop behind the first frame

	win    *window
	buf    []byte       // of the last window, for the next
	first  Gen          // the generation to begin with
	next   uint64       // sequence that the next frame must have; 0: any
	frames int          // seen in all parts
	torn   *DamageError // a bad frame: a torn tail, unless a later frame shows up
	ends   []End
}

// part reads one part.
func (w *walker) part(p Part) error {
	win, err := openWindow(w.fs, p.Name, w.buf)
	if err != nil {
		return fmt.Errorf("replay journal: %w", err)
	}
	w.win = win
	end, err := w.run(p)
	w.buf = win.buf
	w.ends = append(w.ends, end)
	return errors.Join(err, win.close())
}

// run reads frames until the first bad one. When damage is accepted it goes on with the next whole one.
func (w *walker) run(p Part) (End, error) {
	end := End{Part: p, Size: w.win.size}
	for {
		at, h, whole, err := w.candidate(end.At, p.Gen)
		if err == nil && !whole && !w.quick {
			at, h, whole, err = w.behind(end.At, p)
		}
		if err != nil || !whole {
			return end, err
		}
		if err := w.take(p, at, h); err != nil {
			return end, err
		}
		end.Frames++
		end.At = at + h.size()
		if w.one {
			return end, nil
		}
	}
}

// candidate answers the whole frame that begins at one of the places where the layout allows one
// behind a frame that ended at offset.
func (w *walker) candidate(offset int64, gen Gen) (at int64, h header, whole bool, err error) {
	if w.layout == Padded {
		h, whole, err = w.win.frame(offset, gen)
		if up := vfs.AlignUp(offset); err == nil && !whole && up != offset && up < w.win.size {
			offset = up
			h, whole, err = w.win.frame(offset, gen)
		}
		return offset, h, whole, err
	}
	b, err := w.win.bytes(offset, int(min(binary.MaxVarintLen64, w.win.size-offset)))
	if err != nil {
		return offset, h, false, err
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(w.win.size) {
		return offset, h, false, nil
	}
	offset += int64(n)
	h, whole, err = w.win.frame(offset, gen)
	return offset, h, whole && h.size() == int64(size), err
}

// behind looks for a whole frame behind the bad one at offset. There is none: a torn tail, so far.
// There is one: damage, and where that is accepted the frame to go on with.
func (w *walker) behind(offset int64, p Part) (at int64, h header, found bool, err error) {
	if offset == w.win.size {
		return offset, h, false, nil // the file ends here: not even a torn frame
	}
	bad := &DamageError{Name: p.Name, Offset: offset, Gen: p.Gen, Want: w.next, Reason: "a bad group"}
	least := w.next
	if least != 0 {
		least++ // the expected group itself may be there whole, with the size before it torn off
	}
	at, h, found, err = w.win.search(offset, p.Gen, least)
	switch {
	case errors.Is(err, errSearch):
		bad.Reason = err.Error()
		return offset, h, false, w.damage(bad)
	case err != nil:
		return offset, h, false, err
	case !found:
		if w.torn == nil {
			w.torn = bad
		}
		return offset, h, false, nil
	}
	bad.Found = h.sequence
	if err := w.damage(bad); err != nil {
		return offset, h, false, err
	}
	w.next = h.sequence
	return at, h, true, nil
}

// take checks the sequence of the whole frame at offset and hands its records out.
func (w *walker) take(p Part, offset int64, h header) error {
	if w.frames == 0 && w.first != 0 && p.Gen != w.first {
		if err := w.damage(emptyGen(p.Name, w.first)); err != nil {
			return err
		}
	}
	if w.next != 0 && h.sequence != w.next {
		d := w.torn
		if d == nil {
			d = &DamageError{Name: p.Name, Offset: offset, Gen: p.Gen, Reason: "groups are missing"}
		}
		d.Want, d.Found = w.next, h.sequence
		if h.sequence < w.next {
			d.Reason = "groups come twice"
		}
		if err := w.damage(d); err != nil {
			return err
		}
		if h.sequence < w.next {
			return nil // seen already
		}
	}
	w.torn = nil
	w.next = h.sequence + 1
	w.frames++
	if w.fn == nil {
		return nil
	}
	b, err := w.win.bytes(offset, int(h.size()))
	if err != nil {
		return err
	}
	err = eachRecord(b[frameHeader:], p.Gen, w.fn)
	if errors.Is(err, errRecord) && !isCallback(err) {
		return w.damage(&DamageError{Name: p.Name, Offset: offset, Gen: p.Gen, Want: h.sequence, Reason: err.Error()})
	}
	return err
}

// emptyGen: a generation begins with a group of its own, durable before anybody hears of it. One
// without any is the last, still being prepared.
func emptyGen(name string, gen Gen) *DamageError {
	return &DamageError{Name: name, Gen: gen, Reason: fmt.Sprintf("generation %d has no group", gen)}
}

func isCallback(err error) bool {
	var c *callbackError
	return errors.As(err, &c)
}

func (w *walker) damage(d *DamageError) error { return w.options.Damage(d) }
