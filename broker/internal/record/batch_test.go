package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/mainstem-io/mainstem/internal/invariant"
)

func sample(t testing.TB, codec Codec) Batch {
	b := Builder{BaseOffset: 100, LeaderEpoch: 3, Codec: codec, Producer: ProducerStamp{true, 9, 1, 7}}
	b.Append(now, []byte("k"), []byte("v"), []Header{{[]byte("h"), []byte("x")}, {[]byte("null"), nil}})
	b.Append(now+5, nil, []byte("w"), nil)
	b.Append(now+2, []byte{}, nil, nil)
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestBatchLayout(t *testing.T) {
	b := sample(t, None)
	want := "0000000000000064" + // base offset 100
		"00000053" + // length behind this field
		"00000003" + "02" + // leader epoch, magic
		hex.EncodeToString(b[17:21]) + // crc
		"0000" + "00000002" + // attributes, last offset delta
		fmt.Sprintf("%016x%016x", now, now+5) +
		"0000000000000009" + "0001" + "00000007" + "00000003" + // producer, epoch, sequence, count
		"24" + "00" + "00" + "00" + "02" + "6b" + "02" + "76" + "04" + "02" + "68" + "02" + "78" + "08" + "6e756c6c" + "01" + // record 0
		"0e" + "00" + "0a" + "02" + "01" + "02" + "77" + "00" + // record 1
		"0c" + "00" + "04" + "04" + "00" + "01" + "00" // record 2
	if got := hex.EncodeToString(b); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	if !b.CheckCRC() {
		t.Fatal("the CRC does not fit")
	}
}

func TestAccessors(t *testing.T) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		b := sample(t, codec)
		got := fmt.Sprint(b.BaseOffset(), b.LastOffset(), b.NextOffset(), b.Length() == len(b), b.LeaderEpoch(), b.Magic(), b.Codec(),
			b.LogAppendTime(), b.Transactional(), b.Control(), b.HasDeleteHorizon(), b.LastOffsetDelta(), b.BaseTimestamp()-now, b.MaxTimestamp()-now,
			b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), b.LastSequence(), b.Count())
		want := fmt.Sprint(100, 102, 103, true, 3, 2, codec, false, false, false, false, 2, 0, 5, 9, 1, 7, 9, 3)
		if got != want {
			t.Fatalf("%v: got %s, want %s", codec, got, want)
		}
		it, err := b.Records(nil)
		if err != nil {
			t.Fatal(err)
		}
		var records []string
		for it.Next() {
			r := it.Record()
			records = append(records, fmt.Sprintf("%d %d %q %v %q %v %q", r.Offset, r.Timestamp-now, r.Key, r.Key == nil, r.Value, r.Value == nil, r.Headers))
		}
		wantRecords := `[100 0 "k" false "v" false [{"h" "x"} {"null" ""}] 101 5 "" true "w" false [] 102 2 "" false "" true []]`
		if it.Err() != nil || fmt.Sprint(records) != wantRecords {
			t.Fatalf("%v: %v, %v", codec, records, it.Err())
		}
		b.SetBaseOffset(7)
		b.SetLeaderEpoch(8)
		if !b.CheckCRC() || b.BaseOffset() != 7 || b.LeaderEpoch() != 8 {
			t.Fatal("stamping broke the batch")
		}
		b.SetLogAppendTime(now + 1000)
		it, err = b.Records(nil)
		if err != nil || !it.Next() || it.Record().Timestamp != now+1000 || !b.CheckCRC() {
			t.Fatal("LogAppendTime is not every record's time")
		}
		b.SetMaxTimestamp(now + 5)
		if b.LogAppendTime() || !b.CheckCRC() || !bytes.Equal(b[17:], sample(t, codec)[17:]) {
			t.Fatal("taking the time back does not give the old batch")
		}
	}
}

func TestFirstCutsWholeBatches(t *testing.T) {
	two := append(bytes.Clone(sample(t, None)), sample(t, Zstd)...)
	b, rest, err := First(two)
	if err != nil || len(b)+len(rest) != len(two) || cap(b) != len(b) {
		t.Fatalf("%d and %d of %d bytes: %v", len(b), len(rest), len(two), err)
	}
	for n := range len(b) {
		if _, _, err := First(two[:n]); err != ErrShort {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	for _, length := range []int32{-1, 0, 48, -2147483648} {
		bad := bytes.Clone(two)
		be.PutUint32(bad[lengthAt:], uint32(length))
		if _, _, err := First(bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestMarkers(t *testing.T) {
	for _, kind := range []ControlType{Commit, Abort} {
		m := Marker{kind, 44, 5, 6, now}
		b := m.Batch()
		if !b.Control() || !b.Transactional() || b.BaseSequence() != NoSequence || b.LastSequence() != NoSequence || b.Count() != 1 || !b.CheckCRC() {
			t.Fatalf("header % x", []byte(b))
		}
		got, err := ParseMarker(b)
		if err != nil || got != m {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	b := Builder{Control: true}
	b.Append(now, []byte{0, 0}, nil, nil)
	batch, _ := b.Build()
	if _, err := ParseMarker(batch); !errors.Is(err, ErrInvalidRecord) {
		t.Fatalf("a key of two bytes: %v", err)
	}
}

func TestSequencesWrap(t *testing.T) {
	for _, tt := range [][3]int32{{0, 1, 1}, {2147483647, 1, 0}, {2147483646, 3, 1}, {1, -3, 2147483646}} {
		if got := AddSequence(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%d + %d = %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestIterationDoesNotAllocate(t *testing.T) {
	if invariant.Enabled {
		t.Skip("pools forget at random under the race detector")
	}
	for _, codec := range []Codec{None, Snappy, LZ4, Zstd} {
		batch := hundredByteRecords(t, codec, 100)
		d := GetDecompressor(0)
		if n := testing.AllocsPerRun(50, func() {
			it, err := batch.Records(d)
			if err != nil {
				t.Fatal(err)
			}
			for it.Next() {
			}
		}); n > 2 { // lz4's reader makes some of its own; none is per record
			t.Errorf("%v: %v allocations", codec, n)
		}
		d.Put()
	}
}

// FuzzValidate: no bytes make it panic, take long, or disagree between its two walks.
func FuzzValidate(f *testing.F) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		b := sample(f, codec)
		b.SetBaseOffset(0)
		f.Add([]byte(b), false)
		f.Add([]byte(b), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if batch, _, err := First(b); fix && err == nil {
			batch.updateCRC() // get past the CRC
		}
		r := DefaultRules(now)
		r.MaxDecompressed = 1 << 20
		out, _, err := Validate(bytes.Clone(b), r)
		if err == nil {
			if !out.CheckCRC() {
				t.Fatal("the CRC of a valid batch does not fit")
			}
			it, err := out.Records(nil)
			if err != nil {
				t.Fatal(err)
			}
			n := int32(0)
			for it.Next() {
				n++
			}
			if it.Err() != nil || n != out.Count() {
				t.Fatalf("%d of %d records: %v", n, out.Count(), it.Err())
			}
		}
		if batch, _, err := First(b); err == nil && batch.Codec() == None && batch.Count() > 0 {
			_, ok := walk(batch.Payload(), batch.Count(), batch.BaseTimestamp())
			it, _ := batch.Records(nil)
			for it.Next() {
			}
			if ok != (it.Err() == nil) {
				t.Fatalf("the quick walk says %v, the slow one %v", ok, it.Err())
			}
		}
		_, _ = parseFirstMarker(b)
	})
}

// parseFirstMarker parses whatever is first in b.
func parseFirstMarker(b []byte) (Marker, error) {
	batch, _, err := First(b)
	if err != nil {
		return Marker{}, err
	}
	return ParseMarker(batch)
}
