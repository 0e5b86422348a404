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
// This is the loop that every produced record passes. Most fields fit one byte, so the readers' inlined first branch
// takes them; bad positions run through to the one comparison at the record's end.
func walk(b []byte, count int32, baseTime int64) (s summary, ok bool) {
	at := 0
	var size, delta, n int32
	var timeDelta, minDelta, maxDelta int64
	for i := range count {
		size, at = varint32(b, at)
		if at < 0 || size < 0 || int(size) > len(b)-at {
			return s, false
		}
		end := at + int(size)
		body := b[:end]
		timeDelta, at = varint64(body, at+1)
		delta, at = varint32(body, at)
		if delta != i {
			s.gap = true
		}
		if n, at = varint32(body, at); n >= 0 {
			at += int(n)
		} else {
			s.nullKey = true
		}
		if n, at = varint32(body, at); n > 0 {
			at += int(n)
		}
		if n, at = varint32(body, at); n != 0 {
			at = skipHeaders(body, at, n)
		}
		if at != end {
			return s, false
		}
		if i == 0 {
			minDelta, maxDelta = timeDelta, timeDelta
		}
		minDelta, maxDelta = min(minDelta, timeDelta), max(maxDelta, timeDelta)
	}
	s.minTime, s.maxTime = baseTime+minDelta, baseTime+maxDelta
	return s, at == len(b)
}

// skipHeaders answers the position behind n headers.
func skipHeaders(b []byte, at int, n int32) int {
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
