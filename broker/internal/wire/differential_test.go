package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// mutate changes a few bytes, cuts, doubles or inserts something.
func mutate(r *rand.Rand, body []byte) []byte {
	body = bytes.Clone(body)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(body) + 1)
		switch r.IntN(6) {
		case 0:
			body = body[:at]
		case 1:
			body = slices.Insert(body, at, byte(r.Uint32()))
		case 2:
			body = slices.Insert(body, at, body[at:]...)
		default:
			if at < len(body) {
				body[at] = []byte{0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, byte(r.Uint32())}[r.IntN(8)]
			}
		}
		if len(body) > 4<<10 {
			body = body[:4<<10]
		}
	}
	return body
}

// agreesWithKmsg checks that guard and kmsg take the same bodies, but for what only the guard refuses, and that what is
// taken is stable: encoded, taken and encoded again it stays what it is.
func agreesWithKmsg(t testing.TB, key, version int16, body []byte) {
	t.Helper()
	r := Request{Key: key, Version: version, Body: bytes.Clone(body)}
	m, err := r.Decode()
	var malformed *MalformedError
	if errors.As(err, &malformed) {
		switch malformed.Reason {
		case faultShort.String(), faultLength.String():
			// Elsewhere kmsg may go on where the guard stops, and spend seconds on a count of tags.
			if err := newRequest(key, version).ReadFrom(body); err == nil {
				t.Errorf("key %d version %d: kmsg takes what the guard refuses: %v\n%x", key, version, malformed, body)
			}
		}
		return
	}
	if err != nil {
		t.Errorf("key %d version %d: kmsg refuses what the guard takes: %v\n%x", key, version, err, body)
		return
	}
	first := m.AppendTo(nil)
	again := Request{Key: key, Version: version, Body: bytes.Clone(first)}
	m, err = again.Decode()
	if err != nil {
		t.Errorf("key %d version %d: what was encoded again is refused: %v\n%x", key, version, err, first)
		return
	}
	if second := m.AppendTo(nil); !bytes.Equal(first, second) {
		t.Errorf("key %d version %d:\nfirst  %x\nsecond %x", key, version, first, second)
	}
}

func TestGuardAndKmsgAgreeOnMutations(t *testing.T) {
	f := seeded(t, 6)
	eachVersion(func(name string, key, version int16) {
		for range 20 {
			body := f.request(key, version).AppendTo(nil)
			for range 10 {
				agreesWithKmsg(t, key, version, mutate(f.Rand, body))
			}
		}
	})
}
