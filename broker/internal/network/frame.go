package network

import (
	"math/bits"
	"sync"
)

// frame is a buffer from the pool: a request on its way in, or an answer on its way out.
type frame struct {
	b         []byte
	budget    *budget // nil: not charged
	charged   int64
	overdraft *claim // set when the frame was read beyond the budget
}

// Buffers come in size classes, four to a power of two, so that a request wastes at most a fifth of its buffer: a batch of
// one mebibyte and its header must not take two.
const (
	smallestShift = 6 // 4 << 6 = 256 bytes
	largestShift  = 25
	classes       = 4 * (largestShift - smallestShift + 1)
)

var pools [classes]sync.Pool

func classSize(class int) int { return (4 + class%4) << (smallestShift + class/4) }

// classFor returns the smallest class that holds n bytes, and classes when none does.
func classFor(n int) int {
	if n <= classSize(0) {
		return 0
	}
	shift := bits.Len(uint(n-1)) - 3 // n-1 has three bits above shift: 4 to 7
	return (shift-smallestShift)*4 + (n-1)>>shift - 4 + 1
}

// capFor is the capacity of a new frame for n bytes.
func capFor(n int) int {
	if class := classFor(n); class < classes {
		return classSize(class)
	}
	return n
}

// newFrame returns a frame with room for n bytes and a length of 0.
func newFrame(n int) *frame {
	class := classFor(n)
	if class >= classes {
		return &frame{b: make([]byte, 0, n)}
	}
	if f, _ := pools[class].Get().(*frame); f != nil {
		return f
	}
	return &frame{b: make([]byte, 0, classSize(class))}
}

// free gives the frame back, and what it was charged for. Nil is fine.
func (f *frame) free() {
	if f == nil {
		return
	}
	if f.budget != nil {
		f.budget.release(f.charged)
		if f.overdraft != nil {
			f.budget.settle(f.overdraft)
		}
		f.budget, f.charged, f.overdraft = nil, 0, nil
	}
	// An answer may have outgrown its class: it goes where it fits.
	class := classFor(cap(f.b))
	if class < classes && classSize(class) > cap(f.b) {
		class--
	}
	if class < 0 || class >= classes {
		return
	}
	f.b = f.b[:0]
	pools[class].Put(f)
}

// grow moves the bytes into a frame with room for n, and frees f.
func (f *frame) grow(n int) *frame {
	g := newFrame(n)
	g.b = append(g.b, f.b...)
	g.budget, g.charged, g.overdraft = f.budget, f.charged, f.overdraft
	f.budget, f.charged, f.overdraft = nil, 0, nil
	f.free()
	return g
}
