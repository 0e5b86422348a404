package operator

import (
	"encoding/binary"
	"errors"
)

// The last byte of a change says what is before it (streams.md 12.3). The three with a latest byte are read only.
const (
	onlyOld       = 0
	onlyNew       = 1
	newAndOld     = 2
	onlyOldLatest = 3
	onlyNewLatest = 4
	bothLatest    = 5
)

// appendChange is ChangedSerializer's bytes: new, old, flag; with both, a zigzag varint of the new one's length goes first.
func appendChange(dst, n, o []byte, hasNew, hasOld bool) []byte {
	switch {
	case hasNew && hasOld:
		dst = binary.AppendVarint(dst, int64(len(n)))
		dst = append(append(dst, n...), o...)
		return append(dst, newAndOld)
	case hasNew:
		return append(append(dst, n...), onlyNew)
	}
	return append(append(dst, o...), onlyOld)
}

var errChange = errors.New("not the bytes of a table's change")

// splitChange reads a change.
func splitChange(b []byte) (n, o []byte, hasNew, hasOld bool, err error) {
	if len(b) == 0 {
		return nil, nil, false, false, errChange
	}
	flag, b := b[len(b)-1], b[:len(b)-1]
	if flag >= onlyOldLatest {
		if len(b) == 0 {
			return nil, nil, false, false, errChange
		}
		b = b[:len(b)-1]
	}
	switch flag {
	case onlyOld, onlyOldLatest:
		return nil, b, false, true, nil
	case onlyNew, onlyNewLatest:
		return b, nil, true, false, nil
	case newAndOld, bothLatest:
		size, w := binary.Varint(b)
		if w <= 0 || size < 0 || size > int64(len(b)-w) {
			return nil, nil, false, false, errChange
		}
		return b[w : w+int(size)], b[w+int(size):], true, true, nil
	}
	return nil, nil, false, false, errChange
}
