package journal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func encode(t testing.TB, gen Gen, sequence uint64, align int, recs ...Record) []byte {
	t.Helper()
	var e Encoder
	b, err := e.Frame(gen, sequence, recs, align)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTheFormat is the byte table of doc.go: these bytes are on disks.
func TestTheFormat(t *testing.T) {
	b := encode(t, 7, 0x0102030405060708, 1, Record{Type: Append, Partition: 0x11121314, LeaderEpoch: 0x21222324,
		BaseOffset: 0x3132333435363738, SegmentBase: 0x4142434445464748, Position: 0x5152535455565758, Payload: []byte("hi")})
	want := "9d4d534a" + "9513551b" + "00000007" + "0102030405060708" + "0000002f" +
		"00000027" + "521cf395" + "00000007" + "01" + "11121314" + "21222324" +
		"3132333435363738" + "4142434445464748" + "5152535455565758" + "6869"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestFramesAreAlignedAndPadded(t *testing.T) {
	var e Encoder
	for _, size := range []int{0, 1, 4023, 4027, 4028, 100_000, maxKept, 9 << 20, 10} {
		recs := []Record{{Type: Append, Payload: bytes.Repeat([]byte{0xff}, size)}}
		b, err := e.Frame(1, 1, recs, vfs.DirectAlign)
		if err != nil {
			t.Fatal(err)
		}
		whole := frameHeader + recordHeader + size
		if len(b) != vfs.AlignUp(whole) || !bytes.Equal(b[whole:], make([]byte, len(b)-whole)) {
			t.Errorf("payload of %d: frame of %d, not padded with zeros to the next %d", size, len(b), vfs.DirectAlign)
		}
		if len(e.buf) > maxKept {
			t.Errorf("payload of %d: %d bytes are kept", size, len(e.buf))
		}
	}
}

func TestAGroupAllocatesNothing(t *testing.T) {
	var e Encoder
	recs := make([]Record, 64)
	for i := range recs {
		recs[i] = Record{Type: Append, Payload: make([]byte, 1000)}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Frame(1, 1, recs, vfs.DirectAlign) }); n > 0 {
		t.Errorf("%v allocations for a group", n)
	}
}

func TestAGroupThatIsTooLargeIsRefused(t *testing.T) {
	var e Encoder
	shared := make([]byte, 64<<20)
	recs := make([]Record, 17)
	for i := range recs {
		recs[i].Payload = shared
	}
	if _, err := e.Frame(1, 1, recs, 1); err == nil {
		t.Error("a group of more than 1 GiB was encoded")
	}
}

// FuzzRecord: what parses is what was put, and the parser reads nothing behind its size.
func FuzzRecord(f *testing.F) {
	for _, payload := range []string{"", "x", "0123456789abcdef\x00\x00\x00\x01orders"} {
		b := make([]byte, recordHeader+len(payload))
		putRecord(b, 3, &Record{Type: Partition, Partition: 9, BaseOffset: -1, Payload: []byte(payload)})
		f.Add(b)
		f.Add(append(b, 0, 0))
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, size, err := parseRecord(b, 3)
		if err != nil {
			return
		}
		again := make([]byte, recordHeader+len(rec.Payload))
		if n := putRecord(again, 3, &rec); n != size || !bytes.Equal(again, b[:size]) {
			t.Fatalf("%x parses to %v, which is %x", b[:size], rec, again)
		}
	})
}

// FuzzFrames reads any bytes as a generation, in both layouts: no panic, and what is handed out is a run
// of frames that really lie there.
func FuzzFrames(f *testing.F) {
	one := encode(f, 1, 5, 1, Record{Type: Append, Payload: []byte("one")})
	two := encode(f, 1, 6, 1, Record{Type: Append, Payload: []byte("two")}, Record{Type: Delete})
	three := encode(f, 1, 7, 1)
	f.Add(bytes.Join([][]byte{one, two, three}, nil), false)
	f.Add(bytes.Join([][]byte{{byte(len(one))}, one, {byte(len(two))}, two}, nil), true)
	f.Add(bytes.Join([][]byte{one, two[:20], three}, nil), false)
	f.Add(bytes.Join([][]byte{encode(f, 1, 5, 4096), two}, nil), false)
	f.Add(append(one, encode(f, 2, 6, 1)...), false)
	f.Fuzz(func(t *testing.T, b []byte, prefixed bool) {
		for _, accept := range []bool{false, true} {
			readAny(t, b, prefixed, accept)
		}
	})
}

func readAny(t *testing.T, b []byte, prefixed, accept bool) {
	disk := vfs.NewMem()
	file, err := disk.Open("/0000000001.x", vfs.ReadWrite|vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	options, _ := Options{DamageAccept: accept}.WithDefaults()
	h := History{FS: disk, Dir: "/", Suffix: ".x", Options: options,
		Parts: func(gen Gen) ([]Part, error) { return []Part{{gen, "/" + GenName(gen, ".x")}}, nil }}
	if prefixed {
		h.Layout = Prefixed
	}
	tail, err := h.Replay(0, func(gen Gen, rec Record) error {
		again := make([]byte, recordHeader+len(rec.Payload))
		putRecord(again, gen, &rec)
		if !bytes.Contains(b, again) {
			return fmt.Errorf("record %v lies nowhere", rec)
		}
		return nil
	})
	if isCallback(err) || accept && err != nil {
		t.Fatal(err)
	}
	for _, end := range tail.Ends {
		if end.At > end.Size || end.Size != int64(len(b)) {
			t.Fatalf("end %+v of %d bytes", end, len(b))
		}
	}
	if _, err := h.Last(); err != nil && !accept {
		return
	}
}

// TestASearchIsBounded: payloads come from clients, and may be made of frame headers.
func TestASearchIsBounded(t *testing.T) {
	hostile := make([]byte, 0, 4<<20)
	for len(hostile) < cap(hostile)-frameHeader {
		hostile = append(hostile, magicBytes...)
		hostile = append(hostile, 0, 0, 0, 0 /* crc */, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x10, 0, 0 /* 1 MiB */)
	}
	disk := vfs.NewMem()
	name := "/0000000001.x"
	f, err := disk.Open(name, vfs.ReadWrite|vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(hostile, 0); err != nil {
		t.Fatal(err)
	}
	options, _ := Options{}.WithDefaults()
	h := History{FS: disk, Dir: "/", Suffix: ".x", Options: options,
		Parts: func(gen Gen) ([]Part, error) { return []Part{{gen, name}}, nil }}
	if _, err := h.Replay(0, nil); err == nil {
		t.Error("thousands of half frames were taken for a torn tail")
	}
	if n := disk.Count(vfs.OpRead); n > 1000 {
		t.Errorf("%d reads", n)
	}
}

// BenchmarkEncode is the memory side of a commit: one copy and two CRCs of each byte.
func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("64x%d", size), func(b *testing.B) {
			var e Encoder
			recs := make([]Record, 64)
			for i := range recs {
				recs[i] = Record{Type: Append, Payload: bytes.Repeat([]byte{byte(i)}, size)}
			}
			b.SetBytes(int64(64 * size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Frame(1, 1, recs, vfs.DirectAlign); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
