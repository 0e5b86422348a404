package commitlog

import (
	"math/bits"
	"sync"
)

// Read buffers come in powers of two and go back to a pool per size.
const (
	minBufferBits = 12
	maxBufferBits = 24 // larger ones are left to the garbage collector
)

// buffer is a pooled byte slice. Its give function is made once, so that handing it out allocates nothing.
type buffer struct {
	bytes []byte
	give  func()
}

var buffers [maxBufferBits + 1]sync.Pool

// getBuffer answers a buffer of at least n bytes.
func getBuffer(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), minBufferBits)
	if class > maxBufferBits {
		return &buffer{bytes: make([]byte, n), give: func() {}}
	}
	if b, _ := buffers[class].Get().(*buffer); b != nil {
		return b
	}
	b := &buffer{bytes: make([]byte, 1<<class)}
	b.give = func() { buffers[class].Put(b) }
	return b
}
