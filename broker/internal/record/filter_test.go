package record

import (
	"fmt"
	"strings"
	"testing"
)

// describe is a batch in words: its header's fields and every record.
func describe(t *testing.T, b Batch) string {
	t.Helper()
	if !b.CheckCRC() || b.Length() != len(b) {
		t.Fatalf("CRC %v, length %d of %d bytes", b.CheckCRC(), b.Length(), len(b))
	}
	it, err := b.Records(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%d-%d epoch %d producer %d/%d/%d max %d", b.BaseOffset(), b.LastOffset(), b.LeaderEpoch(), b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), b.MaxTimestamp())
	if b.HasDeleteHorizon() {
		out += fmt.Sprint(" horizon ", b.BaseTimestamp())
	}
	for it.Next() {
		r := it.Record()
		value := string(r.Value)
		if r.Value == nil {
			value = "null"
		}
		out += fmt.Sprintf(" [%d @%d %s=%s %d]", r.Offset, r.Timestamp, r.Key, value, len(r.Headers))
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func TestFilterLeavesWhatItShouldAndMovesNothing(t *testing.T) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			b := Builder{BaseOffset: 100, LeaderEpoch: 3, Codec: codec, Producer: ProducerStamp{true, 7, 2, 40}}
			b.Append(1000, []byte("a"), []byte("1"), nil)
			b.Append(5000, []byte("b"), []byte(strings.Repeat("2", 300)), []Header{{[]byte("h"), nil}})
			b.Append(3000, []byte("c"), nil, nil)
			b.Append(2000, []byte("d"), []byte("4"), nil)
			batch, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			const head = "100-103 epoch 3 producer 7/2/40 max "
			tests := []struct {
				keep    string
				horizon int64
				want    string
			}{
				{"abcd", NoTimestamp, head + "5000 [100 @1000 a=1 0] [101 @5000 b=" + strings.Repeat("2", 300) + " 1] [102 @3000 c=null 0] [103 @2000 d=4 0]"},
				{"acd", NoTimestamp, head + "3000 [100 @1000 a=1 0] [102 @3000 c=null 0] [103 @2000 d=4 0]"},
				{"d", NoTimestamp, head + "2000 [103 @2000 d=4 0]"},
				{"cd", 90000, head + "3000 horizon 90000 [102 @3000 c=null 0] [103 @2000 d=4 0]"},
			}
			for _, tt := range tests {
				var f Filter
				if err := f.Read(batch, func(r *Record) bool { return strings.Contains(tt.keep, string(r.Key)) }); err != nil {
					t.Fatal(err)
				}
				out, err := f.Append([]byte("front"), tt.horizon)
				if err != nil {
					t.Fatal(err)
				}
				if got := describe(t, out[5:]); got != tt.want {
					t.Errorf("keep %s\n got %s\nwant %s", tt.keep, got, tt.want)
				}
				if f.Tombstones() != strings.Contains(tt.keep, "c") || int(f.Count()) != len(tt.keep) {
					t.Errorf("keep %s: tombstones %v, count %d", tt.keep, f.Tombstones(), f.Count())
				}
				// A second pass finds the times where they were, and leaves the horizon alone.
				again := Batch(out[5:])
				if err := f.Read(again, func(*Record) bool { return true }); err != nil {
					t.Fatal(err)
				}
				second, err := f.Append(nil, NoTimestamp)
				if err != nil || describe(t, second) != tt.want {
					t.Errorf("keep %s, the second time: %s, %v", tt.keep, describe(t, second), err)
				}
			}
			if got, want := describe(t, AppendEmpty(nil, batch)), head+"5000"; got != want {
				t.Errorf("empty\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestLogAppendTimeOutlivesAFilter(t *testing.T) {
	b := Builder{BaseOffset: 1, LogAppendTime: 777}
	b.Append(1, []byte("a"), nil, nil)
	b.Append(2, []byte("b"), []byte("v"), nil)
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var f Filter
	if err := f.Read(batch, func(r *Record) bool { return string(r.Key) == "a" }); err != nil {
		t.Fatal(err)
	}
	out, err := f.Append(nil, 5000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(t, out), "1-2 epoch 0 producer -1/-1/-1 max 777 horizon 5000 [1 @777 a=null 0]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
