package wire

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"time"
)

// spent is what a decoding took.
type spent struct {
	bytes uint64
	time  time.Duration
}

// decoding measures Decode, header included when the body stands in a frame. The time is the best of three: others use
// the machine too.
func decoding(key, version int16, body []byte) (spent, error) {
	best := spent{time: time.Hour}
	var err error
	for range 3 {
		r := Request{Key: key, Version: version, Body: bytes.Clone(body)}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		started := time.Now()
		_, err = r.Decode()
		took := time.Since(started)
		runtime.ReadMemStats(&after)
		best = spent{after.TotalAlloc - before.TotalAlloc, min(best.time, took)}
		if best.time < timeBound(len(body)) {
			break
		}
	}
	return best, err
}

// The bounds of WIRE-3.
func allocationBound(n int) uint64 { return uint64(2*n + 64<<10) }
func timeBound(n int) time.Duration {
	d := 10*time.Millisecond + 10*time.Millisecond*time.Duration(n)/(1<<20)
	if raceEnabled {
		d *= 20
	}
	return d
}

func checkBounds(t testing.TB, what string, key, version int16, body []byte) error {
	t.Helper()
	got, err := decoding(key, version, body)
	if got.bytes > allocationBound(len(body)) {
		t.Errorf("%s: key %d version %d: %d bytes allocated for %d", what, key, version, got.bytes, len(body))
	}
	if got.time > timeBound(len(body)) {
		t.Errorf("%s: key %d version %d: %v for %d bytes", what, key, version, got.time, len(body))
	}
	return err
}

// CVE-2026-111108: lengths at their maximum, at every place of every version.
func TestLengthsAtTheirMaximumAllocateNothing(t *testing.T) {
	f := seeded(t, 7)
	f.elements, f.size = 1, 4
	patterns := [][]byte{
		{0x7f, 0xff, 0xff, 0xff}, {0x7f, 0xff}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {0xff, 0xff, 0xff, 0xff, 0x07}, {0xfe, 0xff, 0x3f}, {0x80, 0x80, 0x80, 0x40},
	}
	eachVersion(func(name string, key, version int16) {
		body := f.request(key, version).AppendTo(nil)
		var before, after runtime.MemStats
		decoded := 0
		runtime.ReadMemStats(&before)
		started := time.Now()
		for at := range body {
			for _, p := range patterns {
				hostile := append(bytes.Clone(body[:at]), p...)
				hostile = append(hostile, body[min(at+1, len(body)):]...)
				r := Request{Key: key, Version: version, Body: hostile}
				_, _ = r.Decode()
				decoded++
			}
		}
		took := time.Since(started)
		runtime.ReadMemStats(&after)
		// All of them together may take what one may, and a little for each: the body, its message, its error.
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(64<<10+decoded*(8*len(body)+2<<10)) {
			t.Errorf("%s version %d: %d bytes for %d bodies of %d", name, version, got, decoded, len(body))
		}
		if took > timeBound(0)*time.Duration(1+decoded/50) {
			t.Errorf("%s version %d: %v for %d bodies", name, version, took, decoded)
		}
	})
}

// The eleven bytes that cost kmsg alone 1.74 s: an OffsetForLeaderEpoch with 2^27 tags.
func TestElevenBytesCostMicroseconds(t *testing.T) {
	body := binary.BigEndian.AppendUint32(nil, 0xffffffff)
	body = append(body, 1, 0x80, 0x80, 0x80, 0x40, 0, 0)
	if err := checkBounds(t, "2^27 tags", 23, 4, body); err == nil {
		t.Error("they were taken")
	}
	started := time.Now()
	for range 1000 {
		_ = Check(23, 4, body)
	}
	if took := time.Since(started); took > 50*time.Millisecond {
		t.Errorf("a thousand took %v", took)
	}
}

// CVE-2026-111115: a mebibyte of tags that nobody knows.
func TestAMebibyteOfUnknownTagsIsBounded(t *testing.T) {
	section := func(count, size int) []byte {
		b := binary.AppendUvarint(nil, uint64(count))
		for i := range count {
			b = binary.AppendUvarint(b, uint64(1000+i))
			b = binary.AppendUvarint(b, uint64(size))
			b = append(b, make([]byte, size)...)
		}
		return b
	}
	eachVersion(func(name string, key, version int16) {
		m := newRequest(key, version)
		if !m.IsFlexible() {
			return
		}
		body := m.AppendTo(nil)
		body = body[:len(body)-1] // its empty section
		if err := checkBounds(t, "minimal tags", key, version, append(bytes.Clone(body), section(1<<18, 0)...)); err == nil {
			t.Errorf("%s version %d takes a section of 2^18 tags", name, version)
		}
		if err := checkBounds(t, "1024 tags", key, version, append(bytes.Clone(body), section(1024, 1020)...)); err != nil {
			t.Errorf("%s version %d: %v", name, version, err)
		}
	})
	// As many sections of as many tags as fit: topics of a Metadata request.
	topic := append(make([]byte, 16), 0)
	topic = append(topic, section(1000, 0)...)
	n := 1 << 20 / len(topic)
	body := binary.AppendUvarint(nil, uint64(n+1))
	body = append(body, bytes.Repeat(topic, n)...)
	body = append(body, 0, 0, 0)
	if err := checkBounds(t, "sections of tags", 3, 12, body); err != nil {
		t.Error(err)
	}
}

// What is refused for what it would cost is refused before it costs; what is taken costs at most what was foretold.
func TestDenseBodiesStayWithinTheForetoldMemory(t *testing.T) {
	skipUnderRace(t)
	f := seeded(t, 8)
	for _, shape := range []struct{ elements, size int }{{12, 0}, {12, 1}, {10, 9}, {6, 40}} {
		f.elements, f.size = shape.elements, shape.size
		eachVersion(func(name string, key, version int16) {
			r := Request{Key: key, Version: version, Body: f.request(key, version).AppendTo(nil)}
			if err := r.Check(); err != nil {
				t.Fatalf("%s version %d: %v", name, version, err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := r.Decode(); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if got, want := after.TotalAlloc-before.TotalAlloc, r.DecodedSize()+1<<10; got > uint64(want) {
				t.Errorf("%s version %d: %d bytes were allocated, %d foretold", name, version, got, want)
			}
		})
	}
}

func TestDenseMetadataIsServedUntilItIsAbsurd(t *testing.T) {
	topics := func(n int) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(n))
		for i := range n {
			b = append(b, 0, 8, 't', 'o', 'p', 'i', 'c', byte(i), byte(i>>8), byte(i>>16))
		}
		return append(b, 0)
	}
	for n, want := range map[int]bool{10: true, 50_000: true, 1_000_000: false} {
		body := topics(n)
		r := Request{Key: 3, Version: 4, Body: body}
		if err := r.Check(); (err == nil) != want {
			t.Errorf("%d topics: %v", n, err)
		}
		if r.DecodedSize() > MaxDecoded(len(body)) {
			t.Errorf("%d topics decode to %d bytes", n, r.DecodedSize())
		}
	}
	absurd := make([]byte, 1<<20) // half a million empty names
	binary.BigEndian.PutUint32(absurd, 1<<19-3)
	if err := checkBounds(t, "empty names", 3, 4, absurd); err == nil {
		t.Error("half a million empty names were taken")
	}
}

func BenchmarkCheckFetchOf1000Partitions(b *testing.B) { benchmarkCheck(b, 1, 17, 1000) }
func BenchmarkCheckMetadataOf1000Topics(b *testing.B)  { benchmarkCheck(b, 3, 12, 1000) }

func benchmarkCheck(b *testing.B, key, version int16, n int) {
	f := seeded(b, 9)
	f.size = 20
	for f.elements = 3; ; f.elements *= 2 {
		body := f.request(key, version).AppendTo(nil)
		if len(body) > 20*n {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Check(key, version, body); err != nil {
					b.Fatal(err)
				}
			}
			return
		}
	}
}

func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector changes what is measured")
	}
}
