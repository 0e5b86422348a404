package record

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// Java's snappy stream (xerial): a header, then blocks of raw snappy, each behind its length.
//
//	offset size field
//	     0    8 magic: 0x82 "SNAPPY" 0x00
//	     8    4 version = 1
//	    12    4 lowest compatible version = 1
//	    16    4 length of the block, then the block; and so on
//
// librdkafka and others send one raw block without the header; Java's reader takes both, and so do we.
const (
	xerialHeaderSize = 16
	xerialBlockBytes = 32 << 10 // what Java writes
	// snappyMaxRatio is above what the format can reach: 64 bytes come from a copy of at least 3.
	snappyMaxRatio = 24
)

var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func unsnappy(dst, src []byte, limit int) ([]byte, error) {
	if !bytes.HasPrefix(src, xerialMagic) {
		return unsnappyBlock(dst, src, limit)
	}
	if len(src) < xerialHeaderSize {
		return dst, fmt.Errorf("%w: snappy header of %d bytes", ErrUnknown, len(src))
	}
	src = src[xerialHeaderSize:]
	for len(src) > 0 {
		if len(src) < 4 {
			return dst, fmt.Errorf("%w: snappy block length cut short", ErrUnknown)
		}
		// Read as unsigned: a negative length (CVE-2023-34455) is then longer than anything.
		n := be.Uint32(src)
		if uint64(n) > uint64(len(src)-4) {
			return dst, fmt.Errorf("%w: snappy block of %d bytes in %d", ErrUnknown, n, len(src)-4)
		}
		var err error
		if dst, err = unsnappyBlock(dst, src[4:4+n], limit); err != nil {
			return dst, err
		}
		src = src[4+n:]
	}
	return dst, nil
}

// unsnappyBlock appends one decoded block to dst. The claimed size is held against the limit and against what so few
// bytes can hold before anything is allocated.
func unsnappyBlock(dst, src []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil {
		return dst, err
	}
	if n > limit-len(dst) {
		return dst, tooLarge(limit)
	}
	if n > snappyMaxRatio*len(src) {
		return dst, fmt.Errorf("%w: snappy block claims %d bytes from %d", ErrUnknown, n, len(src))
	}
	start := len(dst)
	if cap(dst)-start < n {
		dst = append(dst, make([]byte, n)...)
	}
	out, err := s2.Decode(dst[start:start+n:start+n], src)
	if err != nil {
		return dst[:start], err
	}
	return dst[:start+len(out)], nil
}

// snappyStream appends src to dst as Java's stream.
func snappyStream(dst, src []byte) []byte {
	dst = append(dst, xerialMagic...)
	dst = append(dst, 0, 0, 0, 1, 0, 0, 0, 1)
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlockBytes)]
		src = src[len(block):]
		at := len(dst)
		dst = append(dst, make([]byte, 4+s2.MaxEncodedLen(len(block)))...)
		n := len(s2.EncodeSnappy(dst[at+4:], block))
		be.PutUint32(dst[at:], uint32(n))
		dst = dst[:at+4+n]
	}
	return dst
}
