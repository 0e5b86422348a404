package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	// DefaultMaxDecompressed caps a decompressed batch when the caller names no cap.
	DefaultMaxDecompressed = 64 << 20
	keepBufferBytes        = 4 << 20   // a pooled Decompressor gives up larger buffers
	zstdMaxWindowBytes     = 128 << 20 // window log 27, what zstd itself takes without --long
	zstdMinClass           = 16        // 64 KiB: a smaller cap would refuse frames for their window
)

// Decompressor holds what reading compressed batches needs, so that it is reused. One goroutine at a time; bytes and
// iterators that came out of it are valid until its next use.
type Decompressor struct {
	// MaxBytes caps what one batch may decompress to; 0 is DefaultMaxDecompressed.
	MaxBytes int

	buf  []byte
	src  bytes.Reader
	iter Iterator
}

var decompressors = sync.Pool{New: func() any { return new(Decompressor) }}

// GetDecompressor takes a Decompressor from the pool.
func GetDecompressor(maxBytes int) *Decompressor {
	d := decompressors.Get().(*Decompressor)
	d.MaxBytes = maxBytes
	return d
}

// Put gives d back to the pool; nothing that came out of it may be used any more.
func (d *Decompressor) Put() {
	if cap(d.buf) > keepBufferBytes {
		d.buf = nil
	}
	d.src.Reset(nil)
	headers := d.iter.rec.Headers
	clear(headers[:cap(headers)])
	d.iter = Iterator{rec: Record{Headers: headers[:0]}}
	decompressors.Put(d)
}

// Decompress answers the plain record bytes: src itself for None, else bytes that are valid until d's next use.
// Garbage is ErrUnknown, more than MaxBytes ErrTooLarge.
func (d *Decompressor) Decompress(c Codec, src []byte) ([]byte, error) {
	if c == None {
		return src, nil
	}
	limit := d.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxDecompressed
	}
	var err error
	switch c {
	case Gzip:
		d.buf, err = d.gunzip(d.buf[:0], src, limit)
	case Snappy:
		d.buf, err = unsnappy(d.buf[:0], src, limit)
	case LZ4:
		d.buf, err = d.unlz4(d.buf[:0], src, limit)
	case Zstd:
		d.buf, err = unzstd(d.buf[:0], src, limit)
	default:
		err = fmt.Errorf("%w: codec %d", ErrUnknown, c)
	}
	if err != nil {
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrUnknown) {
			err = fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return nil, fmt.Errorf("decompress %v: %w", c, err)
	}
	return d.buf, nil
}

func tooLarge(limit int) error {
	return fmt.Errorf("%w: more than %d bytes decompressed", ErrTooLarge, limit)
}

// readAll appends what r has to dst. It grows dst as bytes arrive, never by what a header claims.
func readAll(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, max(4096, min(len(dst), limit)))...)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > limit {
			return dst, tooLarge(limit)
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (d *Decompressor) gunzip(dst, src []byte, limit int) ([]byte, error) {
	r := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(r)
	d.src.Reset(src)
	if err := r.Reset(&d.src); err != nil {
		return dst, err
	}
	return readAll(dst, r, limit)
}

var lz4Readers = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

const (
	lz4Magic            = 0x184D2204
	lz4IndependentBlock = 1 << 5
)

// unlz4 reads one frame. Kafka refuses frames whose blocks depend on each other (Lz4BlockInputStream), and so do the
// consumers that would get them.
func (d *Decompressor) unlz4(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < 7 || uint32(src[0])|uint32(src[1])<<8|uint32(src[2])<<16|uint32(src[3])<<24 != lz4Magic {
		return dst, fmt.Errorf("%w: no lz4 frame", ErrUnknown)
	}
	if src[4]&lz4IndependentBlock == 0 {
		return dst, fmt.Errorf("%w: lz4 blocks depend on each other", ErrUnknown)
	}
	r := lz4Readers.Get().(*lz4.Reader)
	d.src.Reset(src)
	r.Reset(&d.src)
	dst, err := readAll(dst, r, limit)
	r.Reset(nil) // drops src; a reader that failed is as good as new after it
	lz4Readers.Put(r)
	return dst, err
}

// zstdDecoders holds decoders by the power of two that caps their output: the cap is fixed when a decoder is made.
var zstdDecoders [bits.UintSize]sync.Pool

func unzstd(dst, src []byte, limit int) ([]byte, error) {
	class := max(bits.Len(uint(limit-1)), zstdMinClass)
	r, _ := zstdDecoders[class].Get().(*zstd.Decoder)
	if r == nil {
		var err error
		r, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdMaxWindowBytes), zstd.WithDecoderMaxMemory(1<<class))
		if err != nil {
			return dst, err
		}
	}
	defer zstdDecoders[class].Put(r)
	dst, err := r.DecodeAll(src, dst)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), err == nil && len(dst) > limit:
		return dst, tooLarge(limit)
	}
	return dst, err
}
