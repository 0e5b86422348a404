package wire

import (
	"testing"
)

// FuzzHeader reads frames as the network does.
func FuzzHeader(f *testing.F) {
	r := seeded(f, 10)
	name := "a client"
	for _, a := range Served.APIs() {
		f.Add(frameWith(r.request(a.Key, a.Max), &name))
		f.Add(frameWith(r.request(a.Key, a.Min), nil))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		req, err := ParseRequest(frame)
		if err != nil || !Supported(req.Key, req.Version) {
			return
		}
		fuzzBody(t, req.Key, req.Version, req.Body)
	})
}

// FuzzBody decodes bodies of every key and version, within the bounds of WIRE-3 and in agreement with kmsg (WIRE-9).
func FuzzBody(f *testing.F) {
	r := seeded(f, 11)
	eachVersion(func(_ string, key, version int16) {
		f.Add(key, version, newRequest(key, version).AppendTo(nil))
		f.Add(key, version, r.request(key, version).AppendTo(nil))
	})
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) { fuzzBody(t, key, version, body) })
}

func fuzzBody(t *testing.T, key, version int16, body []byte) {
	if key < 0 || int(key) >= len(requestShapes) || requestShapes[key].program(version) == nil {
		return
	}
	if len(body) > 32<<10 {
		body = body[:32<<10] // a well-formed dense body may take more than twice its size; see MaxDecoded
	}
	// The bounds hold for the guard and, below, for whatever kmsg makes of it.
	got, _ := decoding(key, version, body)
	if limit := uint64(MaxDecoded(len(body))); got.bytes > limit {
		t.Errorf("key %d version %d: %d bytes allocated for %d", key, version, got.bytes, len(body))
	}
	if got.time > timeBound(len(body)) {
		t.Errorf("key %d version %d: %v for %d bytes", key, version, got.time, len(body))
	}
	agreesWithKmsg(t, key, version, body)
}

// FuzzRecord checks records of every kind.
func FuzzRecord(f *testing.F) {
	for kind := range recordShapes {
		f.Add(uint16(kind), int16(0), []byte{0, 1, 'a', 0, 0, 0, 1, 0})
	}
	f.Fuzz(func(t *testing.T, kind uint16, version int16, body []byte) {
		_ = CheckRecord(RecordKind(int(kind)%len(recordShapes)), version, body)
	})
}
