package record

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// DefaultLevel is the codec's own default compression level.
const DefaultLevel = 0

// encoderKey finds the pool of encoders that are set up alike.
type encoderKey struct {
	codec Codec
	level int
}

var encoders sync.Map // encoderKey -> *sync.Pool

// compress appends src, compressed, to dst. Level means what compression.<codec>.level means to Kafka; 0 is the default.
func compress(dst []byte, codec Codec, level int, src []byte) ([]byte, error) {
	switch codec {
	case None:
		return append(dst, src...), nil
	case Snappy:
		return snappyStream(dst, src), nil
	case Gzip, LZ4, Zstd:
	default:
		return dst, fmt.Errorf("compress: %v is no codec", codec)
	}
	pooled, _ := encoders.LoadOrStore(encoderKey{codec, level}, new(sync.Pool))
	pool := pooled.(*sync.Pool)
	encoder := pool.Get()
	if encoder == nil {
		var err error
		if encoder, err = newEncoder(codec, level); err != nil {
			return dst, fmt.Errorf("compress with %v at level %d: %w", codec, level, err)
		}
	}
	defer pool.Put(encoder)
	if z, ok := encoder.(*zstd.Encoder); ok {
		return z.EncodeAll(src, dst), nil
	}
	return encodeStream(dst, encoder.(streamEncoder), src)
}

type streamEncoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

func encodeStream(dst []byte, w streamEncoder, src []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	w.Reset(out)
	if _, err := w.Write(src); err != nil {
		return dst, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return dst, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

func newEncoder(codec Codec, level int) (any, error) {
	switch codec {
	case Gzip:
		if level == DefaultLevel {
			level = gzip.DefaultCompression
		}
		return gzip.NewWriterLevel(nil, level)
	case LZ4:
		return newLZ4(level)
	default:
		if level == DefaultLevel {
			level = 3
		}
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithLowerEncoderMem(true))
	}
}

var lz4Levels = [...]lz4.CompressionLevel{lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9}

// newLZ4 writes frames as Kafka's Lz4BlockOutputStream does: independent blocks of 64 KiB, no checksum of the content.
func newLZ4(level int) (*lz4.Writer, error) {
	speed := lz4.Fast // Kafka's default, level 9, is its fast compressor
	if level != DefaultLevel && level != 9 {
		speed = lz4Levels[min(max(level, 1), len(lz4Levels))-1]
	}
	w := lz4.NewWriter(nil)
	err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.CompressionLevelOption(speed), lz4.ConcurrencyOption(1))
	return w, err
}
