package walk

type protoWalker struct{ root *protoMessage }

// protoRun is one check. It lives on the stack.
type protoRun struct {
	data    []byte
	reason  Reason
	message *protoMessage
	field   *protoField // nil: the message's own, or one that is not known
	at      int
}

// Check is Walker.
//
// It is stricter than most parsers in one thing: a known field of a wire type that is not its own is refused, where parsers
// keep it among the unknown ones and read a default instead.
func (w protoWalker) Check(data []byte) error {
	r := protoRun{data: data}
	if at := r.body(w.root, 0, len(data), 0, 0); at >= 0 {
		return nil
	}
	path := r.message.name
	if r.field != nil {
		path += "." + r.field.name
	}
	return &Fault{Reason: r.reason, Path: path, At: r.at}
}

func (r *protoRun) fail(reason Reason, m *protoMessage, f *protoField, at int) int {
	if r.message == nil {
		r.reason, r.message, r.field, r.at = reason, m, f, at
	}
	return failed
}

// body reads the fields of a message up to end, or up to the end of the group with that number. It answers the position behind.
func (r *protoRun) body(m *protoMessage, at, end int, group uint64, depth int) int {
	if depth > maxDepth {
		return r.fail(TooDeep, m, nil, at)
	}
	begin, seen := at, uint64(0)
	for at < end {
		from := at
		var tag uint64
		if r.data[at] < 0x80 {
			tag = uint64(r.data[at])
			at++
		} else if tag, at = r.varint(at, end); at < 0 {
			return r.fail(Truncated, m, nil, from)
		}
		number, wire := tag>>3, wireType(tag&7)
		if number == 0 || number > 1<<29-1 {
			return r.fail(BadTag, m, nil, from)
		}
		if wire == endWire {
			if group != number {
				return r.fail(BadTag, m, nil, from)
			}
			return r.complete(m, seen, begin, from, at)
		}
		f := m.field(number)
		if f == nil {
			if at = r.unknown(m, number, wire, at, end, depth); at < 0 {
				return failed
			}
			continue
		}
		if f.required >= 0 {
			seen |= 1 << f.required
		}
		if wire == varintWire && f.wire == wire && at < end && r.data[at] < 0x80 { // the common number, straight
			at++
			continue
		}
		if at = r.value(m, f, number, wire, at, end, depth); at < 0 {
			return failed
		}
	}
	if group != 0 {
		return r.fail(Truncated, m, nil, at)
	}
	return r.complete(m, seen, begin, at, at)
}

// complete answers the position behind a message if all that must be in it is there.
func (r *protoRun) complete(m *protoMessage, seen uint64, begin, end, behind int) int {
	if m.required != 0 && seen&m.required != m.required {
		return r.fail(MissingRequired, m, nil, begin)
	}
	for _, number := range m.more {
		if !r.has(m, number, begin, end) {
			return r.fail(MissingRequired, m, m.field(uint64(number)), begin)
		}
	}
	return behind
}

// has looks for a field in a message that was read.
func (r *protoRun) has(m *protoMessage, number int32, at, end int) bool {
	for at < end {
		var tag uint64
		if tag, at = r.varint(at, end); tag>>3 == uint64(number) {
			return true
		}
		if at = r.unknown(m, tag>>3, wireType(tag&7), at, end, 0); at < 0 {
			return false
		}
	}
	return false
}

// value reads one value of a known field.
func (r *protoRun) value(m *protoMessage, f *protoField, number uint64, wire wireType, at, end, depth int) int {
	if wire != f.wire {
		if wire == bytesWire && f.packable {
			return r.packed(m, f, at, end)
		}
		return r.fail(WrongWireType, m, f, at)
	}
	switch wire {
	case varintWire:
		if at < end && r.data[at] < 0x80 {
			return at + 1
		}
		if _, next := r.varint(at, end); next >= 0 {
			return next
		}
		return r.fail(BadVarint, m, f, at)
	case fixed32Wire, fixed64Wire:
		if next := at + width(wire); next <= end {
			return next
		}
		return r.fail(Truncated, m, f, at)
	case bytesWire:
		from, to := r.length(at, end)
		if to < 0 {
			return r.fail(Truncated, m, f, at)
		}
		if f.message != nil {
			return r.body(f.message, from, to, 0, depth+1)
		}
		if f.text && !validUTF8(r.data[from:to]) {
			return r.fail(BadUTF8, m, f, from)
		}
		return to
	}
	return r.body(f.message, at, end, number, depth+1)
}

// packed reads numbers that came as one value of bytes.
func (r *protoRun) packed(m *protoMessage, f *protoField, at, end int) int {
	from, to := r.length(at, end)
	if to < 0 {
		return r.fail(Truncated, m, f, at)
	}
	if f.wire != varintWire {
		if (to-from)%width(f.wire) != 0 {
			return r.fail(Truncated, m, f, at)
		}
		return to
	}
	for from < to {
		if r.data[from] < 0x80 {
			from++
		} else if _, from = r.varint(from, to); from < 0 {
			return r.fail(BadVarint, m, f, at)
		}
	}
	return to
}

// unknown passes over a field that the message does not have: a newer writer's.
func (r *protoRun) unknown(m *protoMessage, number uint64, wire wireType, at, end, depth int) int {
	switch wire {
	case varintWire:
		if _, next := r.varint(at, end); next >= 0 {
			return next
		}
	case fixed32Wire, fixed64Wire:
		if next := at + width(wire); next <= end {
			return next
		}
	case bytesWire:
		if _, to := r.length(at, end); to >= 0 {
			return to
		}
	case startWire:
		return r.body(nobody, at, end, number, depth+1)
	default:
		return r.fail(BadTag, m, nil, at)
	}
	return r.fail(Truncated, m, nil, at)
}

// nobody is a message without fields: a group that is not known holds only what is not known.
var nobody = &protoMessage{name: "an unknown group"}

func width(w wireType) int {
	if w == fixed32Wire {
		return 4
	}
	return 8
}

// varint answers a negative position for one that is cut short or has more than 64 bits.
func (r *protoRun) varint(at, end int) (uint64, int) {
	var n uint64
	for i := range 10 {
		if at+i >= end {
			return 0, failed
		}
		c := r.data[at+i]
		if i == 9 && c > 1 {
			return 0, failed
		}
		if n |= uint64(c&0x7f) << (7 * i); c < 0x80 {
			return n, at + i + 1
		}
	}
	return 0, failed
}

// length finds where bytes with their length before them begin and end.
func (r *protoRun) length(at, end int) (from, to int) {
	if at < end && r.data[at] < 0x80 { // one byte, straight
		if n := int(r.data[at]); n < end-at {
			return at + 1, at + 1 + n
		}
		return 0, failed
	}
	n, from := r.varint(at, end)
	if from < 0 || n > uint64(end-from) {
		return 0, failed
	}
	return from, from + int(n)
}
