package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var orders = Partition{"orders", 0}

// val is the n-th value that producer a writes to orders-0.
func val(n int64) Value { return Value{orders, "a", n} }

func by(producer string, n int64) Value { return Value{orders, producer, n} }

// read is a whole reading of orders-0 that holds values from offset 0 on.
func read(values ...Value) Reading {
	r := Reading{Partition: orders, HighWatermark: int64(len(values))}
	for i, v := range values {
		r.Entries = append(r.Entries, Entry{Offset: int64(i), Value: v})
	}
	return r
}

func with(r Reading, change func(*Reading)) Reading { change(&r); return r }

// TestChecker judges hand-written histories: each anomaly in its smallest form, and the near miss beside it.
func TestChecker(t *testing.T) {
	for _, test := range []struct {
		name  string
		acked []Ack
		reads []Reading
		want  []Kind // in any order; none: a good history
	}{
		{name: "nothing happened"},
		{name: "all that was acknowledged is there", acked: []Ack{{val(0), 0}, {val(1), 1}}, reads: []Reading{read(val(0), val(1))}},
		{name: "near miss: more is there than was acknowledged", acked: []Ack{{val(0), 0}}, reads: []Reading{read(val(0), val(1), val(2))}},
		{name: "the end is lost", acked: []Ack{{val(0), 0}, {val(1), 1}}, reads: []Reading{read(val(0))}, want: []Kind{LostPostfix}},
		{name: "the beginning is lost", acked: []Ack{{val(0), 0}, {val(1), 1}}, reads: []Reading{read(by("b", 0), val(1))}, want: []Kind{LostPrefix, Inconsistent}},
		{name: "the middle is lost", acked: []Ack{{val(0), 0}, {val(1), 1}, {val(2), 2}}, reads: []Reading{read(val(0), by("b", 0), val(2))}, want: []Kind{LostMiddle, Inconsistent}},
		{name: "everything is lost", acked: []Ack{{val(0), 0}}, reads: []Reading{read()}, want: []Kind{LostPostfix}},
		{name: "near miss: what was never acknowledged is gone", acked: []Ack{{val(0), 0}}, reads: []Reading{read(val(0))}},
		{
			name: "near miss: retention took what was acknowledged", acked: []Ack{{val(0), 0}, {val(1), 1}},
			reads: []Reading{{Partition: orders, LogStart: 1, From: 1, HighWatermark: 2, Entries: []Entry{{Offset: 1, Value: val(1)}}}},
		},
		{name: "lost, and its offset given away", acked: []Ack{{val(0), 0}, {val(1), 0}}, reads: []Reading{read(val(1))}, want: []Kind{LostPrefix, Inconsistent, Inconsistent}},
		{name: "acknowledged at another offset", acked: []Ack{{val(1), 0}}, reads: []Reading{read(val(0), val(1))}, want: []Kind{WrongOffset, Inconsistent}},
		{name: "acknowledged twice, at two offsets", acked: []Ack{{val(0), 0}, {val(0), 1}}, reads: []Reading{read(val(0), val(1))}, want: []Kind{Inconsistent, Inconsistent, WrongOffset}},
		{name: "near miss: acknowledged twice, at one", acked: []Ack{{val(0), 0}, {val(0), 0}}, reads: []Reading{read(val(0))}},
		{name: "there twice", reads: []Reading{read(val(0), val(1), val(0))}, want: []Kind{Duplicate}},
		{name: "near miss: the same sequence of two producers", reads: []Reading{read(val(0), by("b", 0))}},
		{name: "out of order", reads: []Reading{read(val(1), val(0))}, want: []Kind{Disorder}},
		{name: "near miss: two producers between each other", reads: []Reading{read(val(0), by("b", 5), val(1), by("b", 6))}},
		{name: "near miss: a gap that nobody was promised to be filled", reads: []Reading{read(val(0), val(7))}},
		{name: "another topic's value", reads: []Reading{read(Value{Partition{"payments", 0}, "a", 0})}, want: []Kind{Foreign}},
		{name: "another partition's value", reads: []Reading{read(Value{Partition{"orders", 1}, "a", 0})}, want: []Kind{Foreign}},
		{name: "nobody sent it", reads: []Reading{read(val(1000))}, want: []Kind{Phantom}},
		{name: "near miss: the last that was sent", reads: []Reading{read(val(999))}},
		{name: "bytes that are no value", reads: []Reading{with(read(val(0)), func(r *Reading) { r.Entries[0].Err = errors.New("broken") })}, want: []Kind{Garbled}},
		{name: "a hole", reads: []Reading{with(read(val(0), val(1)), func(r *Reading) { r.Entries[1].Offset, r.HighWatermark = 2, 3 })}, want: []Kind{Hole}},
		{name: "less than the high watermark says", reads: []Reading{with(read(val(0)), func(r *Reading) { r.HighWatermark = 2 })}, want: []Kind{Hole}},
		{name: "more than the high watermark says", reads: []Reading{with(read(val(0), val(1)), func(r *Reading) { r.HighWatermark = 1 })}, want: []Kind{Watermark}},
		{name: "a negative log start", reads: []Reading{with(read(val(0)), func(r *Reading) { r.LogStart = -1 })}, want: []Kind{Watermark}},
		{name: "two readers see different values", reads: []Reading{read(val(0)), read(by("b", 0))}, want: []Kind{Inconsistent}},
		{name: "near miss: two readers, the second later", reads: []Reading{read(val(0)), read(val(0), by("b", 0))}},
		{name: "what a reader saw is gone", reads: []Reading{read(val(0), val(1)), read(val(0))}, want: []Kind{Watermark}},
		{name: "the log start falls", reads: []Reading{with(read(val(0), val(1)), func(r *Reading) { r.LogStart, r.From, r.Entries = 1, 1, r.Entries[1:] }), read(val(0), val(1))}, want: []Kind{Watermark}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewChecker(func(v Value) bool { return v.Sequence < 1000 })
			c.Acknowledged(test.acked)
			for _, r := range test.reads {
				c.Observe(r)
			}
			report := c.Report()
			got := []Kind{}
			for _, a := range report.Anomalies {
				got = append(got, a.Kind)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(test.want))
			if !slices.Equal(got, want) {
				t.Errorf("flagged %v, want %v\n%s", got, want, &report)
			}
		})
	}
}

// TestCheckerReadsOn finds a loss below what the last reading read: readings add up.
func TestCheckerReadsOn(t *testing.T) {
	c := NewChecker(func(Value) bool { return true })
	c.Acknowledged([]Ack{{val(0), 0}, {val(1), 1}, {val(2), 2}})
	c.Observe(read(val(0), val(1)))
	c.Observe(Reading{Partition: orders, From: 2, HighWatermark: 3, Entries: []Entry{{Offset: 2, Value: val(2)}}})
	if r := c.Report(); len(r.Anomalies) != 0 || r.Found != 3 {
		t.Fatalf("two readings of a good log: %s", &r)
	}
	c.Observe(Reading{Partition: orders, From: 3, HighWatermark: 4, Entries: []Entry{{Offset: 3, Value: val(1)}}})
	if r := c.Report(); r.Duplicates() != 1 {
		t.Fatalf("a duplicate over two readings: %s", &r)
	}
	c.Observe(read(val(0), val(1)))
	if r := c.Report(); r.Lost() != 1 || r.Count(Watermark) != 1 {
		t.Fatalf("a whole reading without the third record: %s", &r)
	}
}

func TestReportSaysWhatItFound(t *testing.T) {
	c := NewChecker(func(Value) bool { return true })
	for i := range int64(9) {
		c.Acknowledged([]Ack{{val(i), i}})
	}
	c.Observe(read(val(0), val(1)))
	r := c.Report()
	text := r.String()
	for _, want := range []string{"9 acknowledged, 7 lost, 0 duplicates", "lost-postfix in orders-0: orders-0:a:2 was acknowledged at 2", "lost-postfix: 2 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}

func TestValuesComeBack(t *testing.T) {
	for size := range 300 {
		v := Value{Partition{"a.topic-with_all", 12}, "p-3", int64(size) * 7919}
		b := v.Encode(size)
		if len(b) < size {
			t.Fatalf("Encode(%d) made %d bytes", size, len(b))
		}
		if got, err := ParseValue(b); err != nil || got != v {
			t.Fatalf("size %d: %v came back as %v, %v", size, v, got, err)
		}
	}
}

// TestAWrongByteShows changes each byte of a value: it never passes as the value it was, nor silently as another.
func TestAWrongByteShows(t *testing.T) {
	b := Value{orders, "a", 41}.Encode(200)
	for i := range b {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			broken := slices.Clone(b)
			broken[i] ^= flip
			if v, err := ParseValue(broken); err == nil {
				t.Errorf("byte %d ^ %#x was read as %v", i, flip, v)
			}
		}
	}
	for n := range b {
		if v, err := ParseValue(b[:n]); err == nil {
			t.Errorf("the first %d bytes were read as %v", n, v)
		}
	}
}
