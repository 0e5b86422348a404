package record

import (
	"math"
	"math/bits"
)

// Zigzag varints as Kafka's ByteUtils has them: at most 5 bytes for 32 bits, 10 for 64.
//
// Readers take a position and answer the next one, or bad. bad makes every later reader answer bad too, so a run of
// fields needs one check at its end.
const bad = math.MinInt

// varint32 reads one value at b[at].
func varint32(b []byte, at int) (int32, int) {
	if at < 0 {
		return 0, bad
	}
	if at+1 < len(b) { // two bytes, straight
		c := uint32(b[at])
		if c < 0x80 {
			return int32(c>>1) ^ -int32(c&1), at + 1
		}
		if d := uint32(b[at+1]); d < 0x80 {
			c = c&0x7f | d<<7
			return int32(c>>1) ^ -int32(c&1), at + 2
		}
	}
	var u uint32
	for shift := uint(0); shift < 35; shift += 7 {
		if at >= len(b) {
			return 0, bad
		}
		c := b[at]
		at++
		u |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return int32(u>>1) ^ -int32(u&1), at
		}
	}
	return 0, bad
}

// tiny reads a value of one byte, the common case, and answers bad for every other. It is small enough to be inlined,
// which varint32 with its call is not: walk tries it first.
func tiny(b []byte, at int) (int32, int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return int32(b[at]>>1) ^ -int32(b[at]&1), at + 1
	}
	return 0, bad
}

// varint64 reads one value at b[at].
func varint64(b []byte, at int) (int64, int) {
	if at < 0 {
		return 0, bad
	}
	if at+1 < len(b) { // two bytes, straight
		c := uint64(b[at])
		if c < 0x80 {
			return int64(c>>1) ^ -int64(c&1), at + 1
		}
		if d := uint64(b[at+1]); d < 0x80 {
			c = c&0x7f | d<<7
			return int64(c>>1) ^ -int64(c&1), at + 2
		}
	}
	var u uint64
	for shift := uint(0); shift < 70; shift += 7 {
		if at >= len(b) {
			return 0, bad
		}
		c := b[at]
		at++
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), at
		}
	}
	return 0, bad
}

// appendVarint appends v as a zigzag varint; it serves both widths, because the encoding of a small value is the same.
func appendVarint(b []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for u >= 0x80 {
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}

func varintSize(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	return (bits.Len64(u|1) + 6) / 7
}
