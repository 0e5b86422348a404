package vfs

import "unsafe"

// AlignedBuffer makes a buffer of n zero bytes whose address is a multiple of DirectAlign, as Direct
// asks. Its capacity is n rounded up to DirectAlign. The runtime does not move heap objects, so the
// address stays.
func AlignedBuffer(n int) []byte {
	size := AlignUp(n)
	raw := make([]byte, size+DirectAlign)
	skip := 0
	if rest := int(uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % DirectAlign); rest != 0 {
		skip = DirectAlign - rest
	}
	return raw[skip : skip+n : skip+size]
}

// AlignUp rounds n up to the next multiple of DirectAlign.
func AlignUp[T int | int64](n T) T {
	return (n + DirectAlign - 1) &^ (DirectAlign - 1)
}

// aligned answers whether a transfer of p at offset is one that Direct takes.
func aligned(p []byte, offset int64) bool {
	return offset%DirectAlign == 0 && len(p)%DirectAlign == 0 &&
		uintptr(unsafe.Pointer(unsafe.SliceData(p)))%DirectAlign == 0
}
