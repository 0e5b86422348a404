package task

import (
	"maps"
	"testing"
)

// TestMetadataIsKafkas: the two vectors of streams.md 12.5, both ways.
func TestMetadataIsKafkas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		time  int64
		times map[string]int64
		want  string
	}{
		{90000, map[string]int64{"per-minute": 120000}, "AgAAAAAAAV+QAAAAAQAAAApwZXItbWludXRlAAAAAAAB1MA="},
		{90000, map[string]int64{}, "AgAAAAAAAV+Q"},
	} {
		got, fits := EncodeMetadata(c.time, c.times)
		if got != c.want || !fits {
			t.Errorf("encoded %q, want %q", got, c.want)
		}
		at, times, err := DecodeMetadata(c.want)
		if err != nil || at != c.time || !maps.Equal(times, c.times) {
			t.Errorf("decoded %d %v %v", at, times, err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add("AgAAAAAAAV+QAAAAAQAAAApwZXItbWludXRlAAAAAAAB1MA=")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		at, times, err := DecodeMetadata(s)
		if err != nil {
			return
		}
		again, fits := EncodeMetadata(at, times)
		if at2, times2, err := DecodeMetadata(again); fits && (err != nil || at2 != at || !maps.Equal(times, times2)) {
			t.Errorf("%q came back as %d %v %v", s, at2, times2, err)
		}
	})
}
