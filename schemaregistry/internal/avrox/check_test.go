package avrox

import (
	"math/rand/v2"
	"testing"
)

const orderSchema = `{"type":"record","name":"Order","fields":[
 {"name":"id","type":"string"},{"name":"customer","type":"string"},{"name":"city","type":"string"},{"name":"note","type":"string"},
 {"name":"cents","type":"long"},{"name":"at","type":"long"},{"name":"rate","type":"double"},{"name":"n","type":"int"},{"name":"paid","type":"boolean"},
 {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]}},{"name":"tags","type":{"type":"array","items":"string"}},
 {"name":"coupon","type":["null","string"]},{"name":"address","type":{"type":"record","name":"Address","fields":[{"name":"street","type":"string"},{"name":"no","type":"int"}]}}]}`

const orderDatum = `{"id":"o-1","customer":"c-1","city":"Uppsala","note":"ring twice","cents":12345,"at":1700000000000,"rate":1.25,"n":7,"paid":true,
 "kind":"B","tags":["x","y"],"coupon":{"string":"SPRING"},"address":{"street":"Main","no":3}}`

func order(tb testing.TB) (*Schema, []byte) {
	tb.Helper()
	s, err := Parse(orderSchema)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := s.Encode(orderDatum)
	if err != nil {
		tb.Fatal(err)
	}
	return s, data
}

// TestCorruption is the study of registry.md 17.5: of 20,000 mutations of a valid payload Check accepts none that the strict decoder,
// which passes Java's vectors, rejects, and rejects none that it accepts.
func TestCorruption(t *testing.T) {
	t.Parallel()
	s, data := order(t)
	rng := rand.New(rand.NewPCG(17, 5))
	bad := 0
	for i := range 20_000 {
		m := append([]byte{}, data...)
		switch i % 3 {
		case 0:
			m = m[:rng.IntN(len(m))]
		case 1:
			for range 1 + rng.IntN(4) {
				m = append(m, byte(rng.IntN(256)))
			}
		default:
			for range 1 + rng.IntN(3) {
				m[rng.IntN(len(m))] ^= byte(1 + rng.IntN(255))
			}
		}
		_, want := s.Decode(m)
		got := s.Check(m)
		if (got == nil) != (want == nil) {
			t.Fatalf("mutation %d, %x: Check says %v, Decode %v", i, m, got, want)
		}
		if got != nil {
			bad++
		}
	}
	t.Logf("%d of 20,000 mutations are bad", bad)
	if bad < 10_000 {
		t.Errorf("only %d mutations are bad: the study shows little", bad)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	s, data := order(t)
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Check(data); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a payload", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	s, data := order(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzCheck: Check and Decode agree, but for depth.
func FuzzCheck(f *testing.F) {
	s, data := order(f)
	f.Add(data)
	f.Fuzz(func(t *testing.T, m []byte) {
		_, want := s.Decode(m)
		if got := s.Check(m); (got == nil) != (want == nil) {
			t.Errorf("%x: Check says %v, Decode %v", m, got, want)
		}
	})
}
