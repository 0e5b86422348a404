package journal

import (
	"bytes"
	"errors"
	"fmt"
)

// magicBytes is magic as it lies in a file.
var magicBytes = []byte{magic >> 24, magic >> 16 & 0xff, magic >> 8 & 0xff, magic & 0xff}

// errSearch: the search gave up. That counts as damage, for refusing to start loses nothing.
var errSearch = errors.New("too much behind a bad group looks like groups")

// search answers the first whole frame of generation gen with at least sequence least that begins
// at offset from or behind it, at any byte.
//
// Payloads come from clients and may hold millions of frame headers that ask for long CRCs. So the
// bytes it sums are bounded, to a few times the file.
func (w *window) search(from int64, gen Gen, least uint64) (at int64, h header, found bool, err error) {
	budget := 4*w.size + 64<<20
	for w.size-from >= frameHeader {
		n := int(min(int64(len(w.buf)), w.size-from))
		chunk, err := w.bytes(from, n)
		if err != nil {
			return 0, h, false, err
		}
		at, h, ok := nextHeader(chunk, gen, least)
		if !ok {
			from += int64(n - frameHeader + 1) // a header may begin in the last bytes
			continue
		}
		from += int64(at)
		if h.size() <= w.size-from {
			if budget -= h.size(); budget < 0 {
				return 0, h, false, fmt.Errorf("%w, given up at byte %d", errSearch, from)
			}
			if h, whole, err := w.frame(from, gen); err != nil || whole {
				return from, h, whole, err
			}
		}
		from++
	}
	return 0, h, false, nil
}

// nextHeader finds the first header of generation gen and at least sequence least that lies whole in b.
// Recycled files are full of headers of other generations, so this is where most are passed over.
func nextHeader(b []byte, gen Gen, least uint64) (at int, h header, ok bool) {
	for {
		i := bytes.Index(b[at:], magicBytes)
		if i < 0 {
			return 0, h, false
		}
		at += i
		if len(b)-at < frameHeader {
			return 0, h, false
		}
		if h, ok := parseHeader(b[at:]); ok && h.gen == gen && h.sequence >= least {
			return at, h, true
		}
		at++
	}
}
