package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

const now = int64(1_750_000_000_000)

func built(t testing.TB, codec Codec, values ...string) Batch {
	t.Helper()
	b := Builder{Codec: codec, LeaderEpoch: -1}
	for _, v := range values {
		b.Append(now, nil, []byte(v), nil)
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// changed answers a copy of b after f, with a fitting CRC.
func changed(b Batch, f func(b Batch)) Batch {
	out := bytes.Clone(b)
	f(out)
	Batch(out).updateCRC()
	return out
}

func put32(at int, v int32) func(Batch) {
	return func(b Batch) { be.PutUint32(b[at:], uint32(v)) }
}

func rules(change func(*Rules)) Rules {
	r := DefaultRules(now)
	r.Topic = "t"
	if change != nil {
		change(&r)
	}
	return r
}

// TestValidateAnswersAsKafka holds the errors against the goldens of produce and the facts about Kafka 4.3.1.
func TestValidateAnswersAsKafka(t *testing.T) {
	plain := built(t, None, "a", "b")
	gapped := func(codec Codec) Batch {
		b := Builder{Codec: codec, LeaderEpoch: -1}
		b.Append(now, nil, []byte("a"), nil)
		b.AppendAt(7, now, nil, []byte("b"), nil)
		batch, _ := b.Build()
		return changed(batch, put32(lastDeltaAt, 1))
	}
	tests := []struct {
		name  string
		batch []byte
		rules func(*Rules)
		want  error
	}{
		{"a good batch", plain, nil, nil},
		{"no bytes", nil, nil, ErrInvalidRecord},
		{"a batch cut short", plain[:len(plain)-1], nil, ErrInvalidRecord},
		{"two batches", append(bytes.Clone(plain), plain...), nil, ErrInvalidRecord},
		{"bytes behind a batch are dropped", append(bytes.Clone(plain), 1, 2, 3), nil, nil},
		{"magic 0", changed(plain, func(b Batch) { b[magicAt] = 0 }), nil, ErrInvalidRecord},
		{"magic 1", changed(plain, func(b Batch) { b[magicAt] = 1 }), nil, ErrInvalidRecord},
		{"a CRC that does not fit", append(bytes.Clone(plain[:len(plain)-2]), 'x', 0), nil, ErrCorrupt},
		{"a length below the header's", changed(plain, put32(lengthAt, 48)), nil, ErrCorrupt},
		{"a base offset other than 0", changed(plain, func(b Batch) { b.SetBaseOffset(500) }), nil, ErrInvalidRecord},
		{"exactly the largest size", plain, func(r *Rules) { r.MaxBytes = len(plain) }, nil},
		{"one byte too many", plain, func(r *Rules) { r.MaxBytes = len(plain) - 1 }, ErrTooLarge},
		{"no records", changed(built(t, None), put32(lastDeltaAt, -1)), nil, ErrInvalidRecord},
		{"a count too high", changed(plain, put32(countAt, 3)), nil, ErrInvalidRecord},
		{"count and last delta too high", changed(changed(plain, put32(countAt, 3)), put32(lastDeltaAt, 2)), nil, ErrInvalidRecord},
		{"count and last delta too low", changed(changed(plain, put32(countAt, 1)), put32(lastDeltaAt, 0)), nil, ErrInvalidRecord},
		{"a wrong last delta", changed(plain, put32(lastDeltaAt, 5)), nil, ErrInvalidRecord},
		{"a gap in deltas is stored", gapped(None), nil, nil},
		{"a gap in a compressed batch", gapped(Gzip), nil, ErrUnknown},
		{"a gap that recompression closes", gapped(Gzip), func(r *Rules) { r.Compression = Zstd }, nil},
		{"a client's control batch", changed(plain, func(b Batch) { b[attributesAt+1] |= attrControl }), nil, ErrInvalidRecord},
		{"reserved bits", changed(plain, func(b Batch) { b[attributesAt] = 0xff }), nil, nil},
		{"the delete horizon bit", changed(plain, func(b Batch) { b[attributesAt+1] |= attrDeleteHorizon }), nil, nil},
		{"LogAppendTime on a CreateTime topic", changed(plain, func(b Batch) { b[attributesAt+1] |= attrLogAppendTime }), nil, nil},
		{"LogAppendTime on a LogAppendTime topic", changed(plain, func(b Batch) { b[attributesAt+1] |= attrLogAppendTime }), func(r *Rules) { r.LogAppendTime = true }, ErrInvalidTimestamp},
		{"codec 5", changed(plain, func(b Batch) { b[attributesAt+1] |= 5 }), nil, ErrUnknown},
		{"codec 7", changed(plain, func(b Batch) { b[attributesAt+1] |= 7 }), nil, ErrUnknown},
		{"gzip garbage", changed(plain, func(b Batch) { b[attributesAt+1] |= 1 }), nil, ErrUnknown},
		{"snappy garbage", changed(plain, func(b Batch) { b[attributesAt+1] |= 2 }), nil, ErrUnknown},
		{"lz4 garbage", changed(plain, func(b Batch) { b[attributesAt+1] |= 3 }), nil, ErrUnknown},
		{"zstd garbage", changed(plain, func(b Batch) { b[attributesAt+1] |= 4 }), nil, ErrUnknown},
		{"zstd below version 7", built(t, Zstd, "a"), func(r *Rules) { r.ProduceVersion = 6 }, ErrUnsupportedCompression},
		{"zstd from version 7", built(t, Zstd, "a"), func(r *Rules) { r.ProduceVersion = 7 }, nil},
		{"a producer without a sequence", changed(plain, func(b Batch) { be.PutUint64(b[producerIDAt:], 7) }), nil, ErrInvalidRecord},
		{"a transaction without a transactional id", changed(plain, func(b Batch) { b[attributesAt+1] |= attrTransactional }), func(r *Rules) { r.NoTransaction = true }, ErrInvalidRecord},
		{"the far future", plain, func(r *Rules) { r.NowMs = now - 3_600_001 }, ErrInvalidTimestamp},
		{"one hour ahead", plain, func(r *Rules) { r.NowMs = now - 3_600_000 }, nil},
		{"the far past", plain, func(r *Rules) { r.NowMs, r.BeforeMaxMs = now+60_001, 60_000 }, ErrInvalidTimestamp},
		{"no key on a compacted topic", plain, func(r *Rules) { r.Compacted = true }, ErrInvalidRecord},
		{"a malformed record", changed(plain, func(b Batch) { b[HeaderSize] += 2 }), nil, ErrInvalidRecord},
		{"a negative record length", changed(plain, func(b Batch) { b[HeaderSize] = 1 }), nil, ErrInvalidRecord},
		{"a key length of -2 is stored", changed(plain, func(b Batch) { b[HeaderSize+4] = 3 }), nil, nil},
		{"a decompression bomb", built(t, Gzip, strings.Repeat("x", 1<<20)), func(r *Rules) { r.MaxDecompressed = 1 << 19 }, ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := Validate(bytes.Clone(tt.batch), rules(tt.rules))
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("Validate: %v, want %v", err, tt.want)
			}
			if err == nil && !out.CheckCRC() {
				t.Fatal("the CRC of the answer does not fit")
			}
		})
	}
}

func TestRecordErrorsNameEachRecord(t *testing.T) {
	_, faults, err := Validate(built(t, None, "a", "b"), rules(func(r *Rules) { r.Compacted = true }))
	want := []RecordError{{0, "Compacted topic cannot accept message without key in topic partition t-0"}, {1, "Compacted topic cannot accept message without key in topic partition t-0"}}
	if !errors.Is(err, ErrInvalidRecord) || fmt.Sprint(faults) != fmt.Sprint(want) {
		t.Fatalf("got %v, %v", faults, err)
	}
	if !strings.Contains(err.Error(), "One or more records have been rejected due to 2 record errors in total, and only showing the first three errors at most: [RecordError(batchIndex=0, message='Compacted") {
		t.Fatalf("got %v", err)
	}
	_, faults, err = Validate(built(t, None, "a"), rules(func(r *Rules) { r.NowMs = 1000; r.BeforeMaxMs = 2000 }))
	wantText := fmt.Sprintf("Timestamp %d of message with offset 0 is out of range. The timestamp should be within [-1000, 3601000]", now)
	if !errors.Is(err, ErrInvalidTimestamp) || len(faults) != 1 || faults[0].Message != wantText {
		t.Fatalf("got %v, %v", faults, err)
	}
}

func TestARecordWithoutATimestampIsWithinBounds(t *testing.T) {
	b := Builder{}
	b.Append(NoTimestamp, nil, nil, nil)
	batch, _ := b.Build()
	if _, _, err := Validate(batch, rules(func(r *Rules) { r.BeforeMaxMs = 1000 })); err != nil {
		t.Fatal(err)
	}
	// The far end of the numbers, where subtraction wraps.
	b = Builder{}
	b.Append(math.MinInt64+5, nil, nil, nil)
	batch, _ = b.Build()
	if _, _, err := Validate(batch, rules(nil)); !errors.Is(err, ErrInvalidTimestamp) {
		t.Fatalf("got %v", err)
	}
}

func TestAWrongMaxTimestampIsCorrected(t *testing.T) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		b := Builder{Codec: codec}
		b.Append(now, nil, nil, nil)
		b.Append(now+9, nil, nil, nil)
		batch, _ := b.Build()
		wrong := changed(batch, func(b Batch) { be.PutUint64(b[maxTimeAt:], uint64(now+5000)) })
		out, _, err := Validate(wrong, rules(nil))
		if err != nil || out.MaxTimestamp() != now+9 || !out.CheckCRC() {
			t.Fatalf("%v: max timestamp %d, %v", codec, out.MaxTimestamp(), err)
		}
	}
}

func TestLogAppendTimeAndRecompression(t *testing.T) {
	for _, from := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		for _, to := range []Codec{None, Gzip, Snappy, LZ4, Zstd, Producer} {
			in := built(t, from, "a", "b", "c")
			out, _, err := Validate(in, rules(func(r *Rules) { r.Compression, r.LogAppendTime, r.NowMs = to, true, now+77 }))
			if err != nil {
				t.Fatalf("%v to %v: %v", from, to, err)
			}
			if want := to; want == Producer && out.Codec() != from || want != Producer && out.Codec() != want {
				t.Fatalf("%v to %v: got %v", from, to, out.Codec())
			}
			if !out.CheckCRC() || !out.LogAppendTime() || out.MaxTimestamp() != now+77 || out.Length() != len(out) {
				t.Fatalf("%v to %v: header is wrong", from, to)
			}
			if got := fmt.Sprint(values(t, out)); got != "[a b c]" {
				t.Fatalf("%v to %v: %v", from, to, got)
			}
		}
	}
}

func values(t testing.TB, b Batch) (out []string) {
	t.Helper()
	it, err := b.Records(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.Next() {
		out = append(out, string(it.Record().Value))
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func hundredByteRecords(t testing.TB, codec Codec, n int) Batch {
	b := Builder{Codec: codec}
	for i := range n {
		b.Append(now+int64(i), []byte(fmt.Sprintf("key-%06d", i)), bytes.Repeat([]byte{byte(i)}, 80), nil)
	}
	batch, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestValidateDoesNotAllocate(t *testing.T) {
	batch, r := hundredByteRecords(t, None, 1000), rules(nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := Validate(batch, r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		b.Run(codec.String(), func(b *testing.B) {
			batch, r := hundredByteRecords(b, codec, 1000), rules(nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Validate(batch, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
		})
	}
}
