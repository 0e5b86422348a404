package wire

import (
	"bytes"
	"testing"
)

func TestEveryRequestThatKmsgEncodesPassesAndComesBackEqual(t *testing.T) {
	f := seeded(t, 1)
	versions := 0
	tagsOfTheFuture := map[string]bool{}
	eachVersion(t, func(_ *testing.T, name string, key, version int16) {
		versions++
		for range 20 {
			body := f.request(key, version).AppendTo(nil)
			if err := Check(key, version, body); err != nil {
				t.Errorf("%s version %d: %v\n%x", name, version, err, body)
				return
			}
			r := Request{Key: key, Version: version, Body: bytes.Clone(body)}
			if r.Check(); r.cost.unknownTags > 0 {
				// kmsg writes the tags of a newer version where Kafka does not know them yet.
				tagsOfTheFuture[name] = true
				continue
			}
			m, err := r.Decode()
			if err != nil {
				t.Errorf("%s version %d: %v", name, version, err)
				return
			}
			if again := m.AppendTo(nil); !bytes.Equal(again, body) {
				t.Errorf("%s version %d:\nsent  %x\nagain %x", name, version, body, again)
			}
		}
	})
	t.Log(versions, "versions; newer tags in", tagsOfTheFuture)
}
