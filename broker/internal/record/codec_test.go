package record

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/pierrec/lz4/v4"
)

var codecs = []Codec{Gzip, Snappy, LZ4, Zstd}

func payloads() map[string][]byte {
	noise := make([]byte, 100_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "text": []byte(strings.Repeat("the same again, ", 10_000)), "noise": noise,
		"a block": make([]byte, xerialBlockBytes), "a block and a byte": make([]byte, xerialBlockBytes+1),
	}
}

func TestCodecsRoundTrip(t *testing.T) {
	for _, c := range codecs {
		for name, in := range payloads() {
			for _, level := range []int{DefaultLevel, 1, 6, 9} {
				packed, err := compress([]byte("before"), c, level, in)
				if err != nil || !bytes.HasPrefix(packed, []byte("before")) {
					t.Fatalf("%v of %s: %v", c, name, err)
				}
				d := GetDecompressor(len(in) + 1)
				out, err := d.Decompress(c, packed[6:])
				if err != nil || !bytes.Equal(out, in) {
					t.Fatalf("%v of %s at level %d: %d bytes, want %d, %v", c, name, level, len(out), len(in), err)
				}
				d.Put()
			}
		}
	}
}

// TestTheCapHolds asks for one byte less than there is.
func TestTheCapHolds(t *testing.T) {
	in := []byte(strings.Repeat("x", 1<<20))
	for _, c := range codecs {
		packed, err := compress(nil, c, DefaultLevel, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 1000, len(in) - 1} {
			d := &Decompressor{MaxBytes: limit}
			if _, err := d.Decompress(c, packed); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%v with %d bytes: %v", c, limit, err)
			}
			if cap(d.buf) > 4*limit+1<<17 {
				t.Errorf("%v with %d bytes: the buffer has %d", c, limit, cap(d.buf))
			}
		}
		d := &Decompressor{MaxBytes: len(in)}
		if out, err := d.Decompress(c, packed); err != nil || len(out) != len(in) {
			t.Errorf("%v at the cap: %d bytes, %v", c, len(out), err)
		}
	}
}

func TestSnappyAsLibrdkafkaAndJavaWriteIt(t *testing.T) {
	in := []byte(strings.Repeat("snappy ", 20_000))
	var d Decompressor
	if out, err := d.Decompress(Snappy, s2.EncodeSnappy(nil, in)); err != nil || !bytes.Equal(out, in) {
		t.Fatalf("one raw block: %v", err)
	}
	stream := snappyStream(nil, in)
	want := []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1}
	if !bytes.HasPrefix(stream, want) {
		t.Fatalf("the stream begins with % x", stream[:16])
	}
	for name, bad := range map[string][]byte{
		"a negative length (CVE-2023-34455)": append(bytes.Clone(want), 0xff, 0xff, 0xff, 0xff, 1, 2, 3),
		"a length of 2^31-1":                 append(bytes.Clone(want), 0x7f, 0xff, 0xff, 0xff, 1, 2, 3),
		"a length cut short":                 append(bytes.Clone(want), 0, 0),
		"a header cut short":                 want[:12],
		"a block that claims 2^32 bytes":     append(append(bytes.Clone(want), 0, 0, 0, 6), 0xff, 0xff, 0xff, 0xff, 0x0f, 0),
		"nothing":                            {},
	} {
		if _, err := d.Decompress(Snappy, bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestLZ4FramesWithDependentBlocksAreRefused(t *testing.T) {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if _, err := w.Write([]byte(strings.Repeat("lz4", 100))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	var d Decompressor
	if _, err := d.Decompress(LZ4, b); err != nil {
		t.Fatal(err)
	}
	b[4] &^= lz4IndependentBlock
	if _, err := d.Decompress(LZ4, b); !errors.Is(err, ErrUnknown) {
		t.Fatalf("got %v", err)
	}
}

// FuzzDecompress holds each codec to its cap, whatever the bytes say, and to a time that goes with their number.
func FuzzDecompress(f *testing.F) {
	for _, c := range codecs {
		for _, in := range payloads() {
			packed, err := compress(nil, c, DefaultLevel, in[:min(len(in), 5000)])
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(c), packed)
		}
	}
	f.Add(uint8(Snappy), append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, codec uint8, src []byte) {
		const limit = 64 << 10
		d := &Decompressor{MaxBytes: limit}
		begin := time.Now()
		out, err := d.Decompress(Codec(codec%8), src)
		if took := time.Since(begin); took > time.Second {
			t.Fatalf("%v for %d bytes", took, len(src))
		}
		if err == nil && len(out) > limit && Codec(codec%8) != None {
			t.Fatalf("%d bytes", len(out))
		}
		if err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrTooLarge) {
			t.Fatalf("error %v is of no kind", err)
		}
		if cap(d.buf) > 4*limit+1<<17 {
			t.Fatalf("a buffer of %d bytes", cap(d.buf))
		}
	})
}
