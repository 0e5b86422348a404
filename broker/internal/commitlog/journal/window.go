package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// windowBytes is what is read at once. A frame larger than that makes the window larger, but only
// once its CRC was found right: a length field that lies costs time, not memory.
const windowBytes = 1 << 20

// window is a buffer that slides over a file.
type window struct {
	f    vfs.File
	size int64
	buf  []byte
	from int64 // offset of buf[0]
	n    int   // valid bytes in buf
}

// openWindow opens the file name, and uses buf again when it is large enough.
func openWindow(fsys vfs.FS, name string, buf []byte) (*window, error) {
	f, err := fsys.Open(name, vfs.ReadOnly)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if want := int(min(size, windowBytes)); len(buf) < want {
		buf = make([]byte, want)
	}
	vfs.Advise(f, 0, 0, vfs.Sequential)
	return &window{f: f, size: size, buf: buf}, nil
}

// bytes answers the n bytes at offset, which lie in the file. They are valid until the next call.
func (w *window) bytes(offset int64, n int) ([]byte, error) {
	if offset >= w.from && offset+int64(n) <= w.from+int64(w.n) {
		return w.buf[offset-w.from:][:n], nil
	}
	if n > len(w.buf) {
		w.buf = append(w.buf[:w.n], make([]byte, n-w.n)...)[:n]
	}
	kept := 0
	if offset >= w.from && offset < w.from+int64(w.n) {
		kept = copy(w.buf, w.buf[offset-w.from:w.n])
	}
	w.from, w.n = offset, kept
	want := min(int64(len(w.buf)), w.size-offset)
	got, err := w.f.ReadAt(w.buf[kept:want], offset+int64(kept))
	w.n += got
	if w.n < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %s at %d: %w", w.f.Name(), offset, err)
	}
	return w.buf[:n], nil
}

// crc answers the CRC of the bytes [from, to).
func (w *window) crc(from, to int64) (uint32, error) {
	sum := uint32(0)
	for from < to {
		n := int(min(to-from, int64(len(w.buf))))
		b, err := w.bytes(from, n)
		if err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, b)
		from += int64(n)
	}
	return sum, nil
}

// frame answers the frame of generation gen at offset, if there is a whole one. Its records are not
// read yet.
func (w *window) frame(offset int64, gen Gen) (h header, whole bool, err error) {
	if w.size-offset < frameHeader {
		return h, false, nil
	}
	b, err := w.bytes(offset, frameHeader)
	if err != nil {
		return h, false, err
	}
	h, ok := parseHeader(b)
	if !ok || h.gen != gen || h.size() > w.size-offset {
		return h, false, nil
	}
	sum, err := w.crc(offset+8, offset+h.size())
	return h, err == nil && sum == h.crc, err
}

func (w *window) close() error { return w.f.Close() }
