package wire

// tags walks a section of tagged fields (KIP-482). Kafka wants tags to rise but does not check it. A known tag must fill
// its size exactly; unknown ones are skipped and counted, or left out when the walker cuts.
func (w *walker) tags(known []taggedField) fault {
	at := w.pos
	count, f := w.uvarint()
	if f != faultNone || count == 0 {
		return f
	}
	if count > maxTags {
		return faultTagCount
	}
	kept := w.cut.number(w, at)
	keptCount := 0
	for range count {
		at = w.pos
		tag, f := w.uvarint()
		if f != faultNone {
			return f
		}
		program := find(known, tag)
		if program != nil {
			keptCount++
		}
		if f := w.tagged(program, at); f != faultNone {
			return f
		}
	}
	kept.set(w, keptCount)
	return faultNone
}

// tagged walks size and content of the field whose tag stands at the given position.
func (w *walker) tagged(known *program, at int) fault {
	sizeAt := w.pos
	size, f := w.uvarint()
	if f != faultNone {
		return f
	}
	if size > w.left() {
		return faultTagSize
	}
	if known == nil {
		w.cost.unknownTags++
		w.pos += size
		w.cut.drop(w, at)
		return faultNone
	}
	kept := w.cut.number(w, sizeAt)
	start := kept.start()
	whole, end := w.src, w.pos+size
	w.src = w.src[:end]
	w.cost.memory += int(known.memory)
	if f := w.run(known); f != faultNone {
		return f
	}
	w.src = whole
	if w.pos != end {
		return faultTagSize
	}
	kept.set(w, w.cut.flushed(w)-start)
	return faultNone
}

func find(known []taggedField, tag int) *program {
	for _, k := range known {
		if int(k.tag) == tag {
			return &shapePrograms[k.program]
		}
	}
	return nil
}

// withoutUnknownTags moves the body together over its unknown tags, in place, and returns the shorter body. The body has
// passed the guard. Counts of tags and sizes of the fields around them shrink; they keep the width they had, so that
// nothing ever moves right and a second buffer is not needed.
func withoutUnknownTags(key, version int16, body []byte) []byte {
	w := walker{src: body, cut: new(cutter), maxMemory: MaxDecoded(len(body))}
	if f := w.run(requestShapes[key].program(version)); f != faultNone {
		panic("wire: a checked body is malformed on the second walk: " + f.String())
	}
	return body[:w.cut.flushed(&w)]
}

// cutter moves kept bytes left: src[from:pos] is read but not yet moved, src[:to] is done. All its methods do nothing on nil.
type cutter struct{ from, to int }

// flush moves what was read before until.
func (c *cutter) flush(w *walker, until int) {
	c.to += copy(w.src[c.to:], w.src[c.from:until])
	c.from = until
}

func (c *cutter) flushed(w *walker) int {
	if c == nil {
		return 0
	}
	c.flush(w, w.pos)
	return c.to
}

// drop leaves out what stands between start and the walker.
func (c *cutter) drop(w *walker, start int) {
	if c != nil {
		c.flush(w, start)
		c.from = w.pos
	}
}

// number remembers the varint between start and the walker, which may have to be written again.
func (c *cutter) number(w *walker, start int) keptNumber {
	if c == nil {
		return keptNumber{}
	}
	c.flush(w, start)
	at := c.to
	c.flush(w, w.pos)
	return keptNumber{cut: c, at: at, width: c.to - at}
}

// keptNumber is a varint that was moved already.
type keptNumber struct {
	cut       *cutter
	at, width int
}

// start is where the bytes behind the number go.
func (k keptNumber) start() int { return k.at + k.width }

// set writes n over the number, padded to the width it has.
func (k keptNumber) set(w *walker, n int) {
	if k.cut == nil {
		return
	}
	b := w.src[k.at : k.at+k.width]
	for i := range b {
		b[i] = byte(n) | 0x80
		n >>= 7
	}
	b[len(b)-1] &= 0x7f
}
