package record

// summary is what one pass over the records of a batch finds.
type summary struct {
	minTime, maxTime int64 // of the record timestamps
	nullKey          bool  // some record has no key
	gap              bool  // some record's offset delta is not its index
}

// walk checks the structure of count records in b, which must fill it, and sums them up. It reports only whether all is
// well: who wants to know what is wrong walks again with an Iterator, which checks the same.
//
// This is the loop that every produced record passes. Bad positions run through to the one comparison at a record's end.
func walk(b []byte, count int32, baseTime int64) (s summary, ok bool) {
	at := 0
	var minDelta, maxDelta int64
	for i := range count {
		size, next := varint32(b, at)
		if next < 0 || size < 0 || int(size) > len(b)-next {
			return s, false
		}
		end := next + int(size)
		body := b[:end]

		start := next + 1 // behind the attributes
		short, next := tiny(body, start)
		timeDelta := int64(short)
		if next < 0 {
			timeDelta, next = varint64(body, start)
		}
		start = next
		delta, next := tiny(body, start)
		if next < 0 {
			delta, next = varint32(body, start)
		}
		if delta != i {
			s.gap = true
		}
		start = next
		key, next := tiny(body, start)
		if next < 0 {
			key, next = varint32(body, start)
		}
		if key < 0 {
			s.nullKey, key = true, 0
		}
		value, next := varint32(body, next+int(key))
		start = next + int(max(value, 0))
		headers, next := tiny(body, start)
		if headers != 0 || next < 0 {
			next = skipHeaders(body, start)
		}
		if next != end {
			return s, false
		}
		at = end
		if i == 0 {
			minDelta, maxDelta = timeDelta, timeDelta
		}
		minDelta, maxDelta = min(minDelta, timeDelta), max(maxDelta, timeDelta)
	}
	s.minTime, s.maxTime = baseTime+minDelta, baseTime+maxDelta
	return s, at == len(b)
}

// skipHeaders answers the position behind the header count at b[at] and its headers.
func skipHeaders(b []byte, at int) int {
	n, at := varint32(b, at)
	if at < 0 || n < 0 || int(n) > len(b)-at {
		return bad
	}
	for range n {
		var size int32
		if size, at = varint32(b, at); at < 0 || size < 0 || int(size) > len(b)-at {
			return bad
		}
		at += int(size)
		if size, at = varint32(b, at); at < 0 || int(size) > len(b)-at {
			return bad
		}
		at += max(0, int(size))
	}
	return at
}
