package walk

import (
	"encoding/binary"
	"unicode/utf8"
)

// highBits are the bits that no ASCII text has, of eight bytes at once.
const highBits = 0x8080808080808080

// validUTF8 is utf8.Valid, faster for the short ASCII texts that most fields hold: the last bytes are read as the end of eight.
func validUTF8(b []byte) bool {
	n := len(b)
	if n < 8 {
		var all byte
		for _, c := range b {
			all |= c
		}
		return all < 0x80 || utf8.Valid(b)
	}
	var all uint64
	for at := 0; at+8 <= n; at += 8 {
		all |= binary.LittleEndian.Uint64(b[at:])
	}
	all |= binary.LittleEndian.Uint64(b[n-8:])
	return all&highBits == 0 || utf8.Valid(b)
}
