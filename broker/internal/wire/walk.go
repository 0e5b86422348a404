package wire

import "encoding/binary"

// walker goes over encoded bytes along a program. It holds no memory of its own; the same walk checks a body and, with
// a cutter, takes the unknown tags out of it.
type walker struct {
	src       []byte // up to the end of the body, or of the tagged field being read
	pos       int
	maxMemory int
	cost      cost
	cut       *cutter // nil while only checking
}

func (w *walker) left() int { return len(w.src) - w.pos }

func (w *walker) run(p *program) fault {
	for i := p.first; i < p.end; i++ {
		if f := w.step(&shapeSteps[i]); f != faultNone {
			return f
		}
	}
	return faultNone
}

func (w *walker) step(s *step) fault {
	switch s.code {
	case opFixed:
		return w.skip(int(s.n))
	case opTags:
		return w.tags(tagSections[s.n])
	case opMaybe, opMaybeTagged:
		return w.maybe(s)
	}
	n, f := w.length(s.code)
	if f != faultNone {
		return f
	}
	if n < 0 {
		if !s.null {
			return faultNull
		}
		return faultNone
	}
	switch s.code {
	case opArray, opArrayCompact:
		return w.array(&shapePrograms[s.n], n)
	case opString, opStringCompact:
		w.cost.memory += int(s.n) + roundUp(n)
	}
	if n > w.left() {
		return faultLength
	}
	w.pos += n
	return faultNone
}

// roundUp is what n bytes take on the heap: Go's size classes waste less than an eighth, or than a word.
func roundUp(n int) int {
	if n == 0 {
		return 0
	}
	return (n + n/8 + 15) &^ 7
}

func (w *walker) skip(n int) fault {
	if n > w.left() {
		return faultShort
	}
	w.pos += n
	return faultNone
}

// length reads the prefix that stands before a string, bytes or an array; below zero it means null.
func (w *walker) length(code opcode) (int, fault) {
	switch code {
	case opString:
		if w.left() < 2 {
			return 0, faultShort
		}
		n := int16(binary.BigEndian.Uint16(w.src[w.pos:]))
		w.pos += 2
		return int(n), faultNone
	case opBytes, opArray:
		if w.left() < 4 {
			return 0, faultShort
		}
		n := int32(binary.BigEndian.Uint32(w.src[w.pos:]))
		w.pos += 4
		return int(n), faultNone
	default:
		n, f := w.uvarint()
		return n - 1, f
	}
}

// uvarint reads an unsigned varint of at most 32 bits. Encodings longer than necessary are allowed, as in Kafka.
func (w *walker) uvarint() (int, fault) {
	var x uint64
	for i := range 5 {
		if w.pos >= len(w.src) {
			return 0, faultShort
		}
		b := w.src[w.pos]
		w.pos++
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if x > 1<<32-1 {
				return 0, faultVarint
			}
			return int(x), faultNone
		}
	}
	return 0, faultVarint
}

// array walks count elements. The count is bounded before the first of them is looked at.
func (w *walker) array(p *program, count int) fault {
	if count*int(p.smallest) > w.left() {
		return faultCount
	}
	if w.cost.memory += roundUp(count * int(p.memory)); w.cost.memory > w.maxMemory {
		return faultMemory
	}
	if p.end == p.first+1 && shapeSteps[p.first].code == opFixed {
		w.pos += count * int(p.smallest)
		return faultNone
	}
	for range count {
		if f := w.run(p); f != faultNone {
			return f
		}
	}
	return faultNone
}

// maybe walks a nullable struct.
func (w *walker) maybe(s *step) fault {
	if present, f := w.presence(s.code); f != faultNone || !present {
		return f
	}
	p := &shapePrograms[s.n]
	w.cost.memory += int(p.memory)
	return w.run(p)
}

// presence reads whether a nullable struct is there. Kafka takes every byte below 0 for null and kmsg only -1, so the
// others are refused; in a tagged field it is the varint 0 or 1.
func (w *walker) presence(code opcode) (bool, fault) {
	if code == opMaybeTagged {
		n, f := w.uvarint()
		if f == faultNone && n > 1 {
			f = faultPresence
		}
		return n == 1, f
	}
	if w.left() < 1 {
		return false, faultShort
	}
	n := int8(w.src[w.pos])
	w.pos++
	if n < -1 {
		return false, faultPresence
	}
	return n >= 0, faultNone
}

// header walks what follows the correlation id: the client id and, in version 2, tags, none of which is known.
func (w *walker) header(flexible bool) fault {
	clientID := step{code: opString, null: true}
	if f := w.step(&clientID); f != faultNone || !flexible {
		return f
	}
	return w.tags(nil)
}
