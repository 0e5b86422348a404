package walk

// avroWalker is the program of an Avro schema: instructions in one slice, so that a record is checked without a pointer chase
// or a closure.
type avroWalker struct {
	ops   []op
	table []int32  // bodies of branches
	paths []string // of each instruction, for faults
}

// avroRun is one check. It lives on the stack.
type avroRun struct {
	ops    []op
	table  []int32
	data   []byte
	reason Reason // why it ended
	pc     int32  // where in the program
	at     int    // where in the data
}

// Check is Walker.
func (w *avroWalker) Check(data []byte) error {
	r := avroRun{ops: w.ops, table: w.table, data: data}
	at := r.body(0, 0, 0)
	if at == len(data) {
		return nil
	}
	if at >= 0 {
		return &Fault{Reason: Trailing, At: at}
	}
	return &Fault{Reason: r.reason, Path: w.paths[r.pc], At: r.at}
}

// failed is the position that says that a run has ended.
const failed = -1

func (r *avroRun) fail(reason Reason, pc int32, at int) int {
	r.reason, r.pc, r.at = reason, pc, at
	return failed
}

// body runs the instructions from pc to their end, on the data from at, and answers the position behind what they read.
func (r *avroRun) body(pc int32, at, depth int) int {
	if depth > maxDepth {
		return r.fail(TooDeep, pc, at)
	}
	data, ops := r.data, r.ops
	for ; ; pc++ {
		o := &ops[pc]
		switch o.kind {
		case opEnd:
			return at
		case opBoolean:
			if at >= len(data) {
				return r.fail(Truncated, pc, at)
			}
			if data[at] > 1 {
				return r.fail(BadBoolean, pc, at)
			}
			at++
		case opInt:
			if at < len(data) && data[at] < 0x80 {
				at++
			} else if at = r.skip(pc, at, 5); at < 0 {
				return failed
			}
		case opLong:
			if at < len(data) && data[at] < 0x80 {
				at++
			} else if at = r.skip(pc, at, 10); at < 0 {
				return failed
			}
		case opFixed:
			if int(o.n) > len(data)-at {
				return r.fail(Truncated, pc, at)
			}
			at += int(o.n)
		case opString:
			if at = r.string(pc, at); at < 0 {
				return failed
			}
		case opBytes:
			if _, at = r.text(pc, at); at < 0 {
				return failed
			}
		case opEnum:
			if at < len(data) && data[at]&0x81 == 0 && int32(data[at]>>1) < o.n {
				at++
			} else if _, at = r.index(pc, at, o.n); at < 0 {
				return failed
			}
		case opUnion:
			var i int32
			if at < len(data) && data[at]&0x81 == 0 && int32(data[at]>>1) < o.n {
				i, at = int32(data[at]>>1), at+1
			} else if i, at = r.index(pc, at, o.n); at < 0 {
				return failed
			}
			if to := r.table[o.to+i]; to >= 0 {
				if at = r.body(to, at, depth+1); at < 0 {
					return failed
				}
			}
		case opArray, opMap:
			if at = r.blocks(pc, o, at, depth); at < 0 {
				return failed
			}
		case opCall:
			if at = r.body(o.to, at, depth+1); at < 0 {
				return failed
			}
		}
	}
}

// skip passes over a varint of at most so many bytes.
func (r *avroRun) skip(pc int32, at, most int) int {
	for i := range most {
		if at+i >= len(r.data) {
			return r.fail(Truncated, pc, at)
		}
		if r.data[at+i] < 0x80 {
			return at + i + 1
		}
	}
	return r.fail(BadVarint, pc, at)
}

// long reads a zigzag number.
func (r *avroRun) long(pc int32, at, most int) (int64, int) {
	if at < len(r.data) && r.data[at] < 0x80 { // one byte, straight
		c := int64(r.data[at])
		return c>>1 ^ -(c & 1), at + 1
	}
	return r.longer(pc, at, most)
}

func (r *avroRun) longer(pc int32, at, most int) (int64, int) {
	var n uint64
	for i := range most {
		if at+i >= len(r.data) {
			return 0, r.fail(Truncated, pc, at)
		}
		c := r.data[at+i]
		if n |= uint64(c&0x7f) << (7 * i); c < 0x80 {
			return int64(n>>1) ^ -int64(n&1), at + i + 1
		}
	}
	return 0, r.fail(BadVarint, pc, at)
}

// text finds where bytes with their length before them begin and end.
func (r *avroRun) text(pc int32, at int) (from, to int) {
	if at < len(r.data) && r.data[at] < 0x80 && r.data[at]&1 == 0 { // up to 63 bytes, straight
		n := int(r.data[at] >> 1)
		if at++; n <= len(r.data)-at {
			return at, at + n
		}
		return 0, r.fail(Truncated, pc, at)
	}
	n, from := r.long(pc, at, 10)
	switch {
	case from < 0:
		return 0, failed
	case n < 0:
		return 0, r.fail(BadLength, pc, at)
	case n > int64(len(r.data)-from):
		return 0, r.fail(Truncated, pc, at)
	}
	return from, from + int(n)
}

// string passes over a text.
func (r *avroRun) string(pc int32, at int) int {
	from, to := r.text(pc, at)
	if to >= 0 && !validUTF8(r.data[from:to]) {
		return r.fail(BadUTF8, pc, from)
	}
	return to
}

// index reads a number below n. Bits above the 32nd are dropped, as in Java.
func (r *avroRun) index(pc int32, at int, n int32) (int32, int) {
	if at < len(r.data) && r.data[at] < 0x80 {
		i := int32(r.data[at]>>1) ^ -int32(r.data[at]&1)
		if i >= 0 && i < n {
			return i, at + 1
		}
		return 0, r.fail(BadIndex, pc, at)
	}
	long, next := r.long(pc, at, 5)
	if next < 0 {
		return 0, failed
	}
	u := uint32(uint64(long)<<1 ^ uint64(long>>63)) // the varint again, in 32 bits
	i := int32(u>>1) ^ -int32(u&1)
	if i < 0 || i >= n {
		return 0, r.fail(BadIndex, pc, at)
	}
	return i, next
}

// blocks runs over the blocks of an array or a map. What a block claims to hold must fit into the bytes that are left, and the
// size that a block states must be the one it has: who skips it would land elsewhere.
func (r *avroRun) blocks(pc int32, o *op, at, depth int) int {
	empty := int64(0)
	for {
		from := at
		var n int64
		if n, at = r.long(pc, at, 10); at < 0 || n == 0 {
			return at
		}
		size := int64(-1)
		if n < 0 {
			if size, at = r.long(pc, at, 10); at < 0 {
				return failed
			}
			if n = -n; n < 0 || size < 0 || size > int64(len(r.data)-at) {
				return r.fail(BadBlock, pc, from)
			}
		}
		if o.least > 0 && n > int64(len(r.data)-at)/int64(o.least) {
			return r.fail(BadBlock, pc, from)
		}
		begin := at
		if o.least == 0 {
			if empty += n; empty < 0 || empty > maxEmpty {
				return r.fail(BadBlock, pc, from)
			}
		} else if at = r.elements(pc, o, n, at, depth); at < 0 {
			return failed
		}
		if size >= 0 && int64(at-begin) != size {
			return r.fail(BadBlock, pc, from)
		}
	}
}

func (r *avroRun) elements(pc int32, o *op, n int64, at, depth int) int {
	if o.kind == opArray {
		if first := r.ops[o.to].kind; (first == opInt || first == opLong) && r.ops[o.to+1].kind == opEnd {
			for ; n > 0 && at < len(r.data) && r.data[at] < 0x80; n-- { // numbers of one byte in a row, straight
				at++
			}
		}
	}
	for range n {
		if o.kind == opMap {
			if at = r.string(pc, at); at < 0 {
				return failed
			}
		}
		if o.to >= 0 {
			if at = r.body(o.to, at, depth+1); at < 0 {
				return failed
			}
		}
	}
	return at
}
