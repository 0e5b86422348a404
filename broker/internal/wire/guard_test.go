package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryRequestThatKmsgEncodesPassesAndComesBackEqual(t *testing.T) {
	f := seeded(t, 1)
	tagsOfTheFuture := map[string]bool{}
	versions := 0
	eachVersion(func(name string, key, version int16) {
		versions++
		for range 20 {
			body := f.request(key, version).AppendTo(nil)
			r := Request{Key: key, Version: version, Body: bytes.Clone(body)}
			m, err := r.Decode()
			if err != nil {
				t.Errorf("%s version %d: %v\n%x", name, version, err, body)
				return
			}
			if len(r.Body) < len(body) {
				tagsOfTheFuture[name] = true // kmsg writes the tags of later versions where Kafka does not know them
				continue
			}
			if again := m.AppendTo(nil); !bytes.Equal(again, body) {
				t.Errorf("%s version %d:\nsent  %x\nagain %x", name, version, body, again)
			}
		}
	})
	if versions < 300 {
		t.Errorf("only %d versions were tried", versions)
	}
	for name := range tagsOfTheFuture {
		if !slices.Contains([]string{"BrokerHeartbeat", "Fetch", "FetchSnapshot"}, name) {
			t.Errorf("tags of %s were taken for unknown ones", name)
		}
	}
}

func TestEmptyRequestsPass(t *testing.T) {
	eachVersion(func(name string, key, version int16) {
		body := newRequest(key, version).AppendTo(nil)
		if err := Check(key, version, body); err != nil {
			t.Errorf("%s version %d: %v\n%x", name, version, err, body)
		}
	})
}

func TestTheGuardAllocatesNothing(t *testing.T) {
	f := seeded(t, 3)
	eachVersion(func(name string, key, version int16) {
		body := f.request(key, version).AppendTo(nil)
		if n := testing.AllocsPerRun(5, func() { _ = Check(key, version, body) }); n != 0 {
			t.Errorf("%s version %d: %v allocations", name, version, n)
		}
	})
}

func TestEveryCutBodyIsRefused(t *testing.T) {
	f := seeded(t, 4)
	eachVersion(func(name string, key, version int16) {
		body := f.request(key, version).AppendTo(nil)
		for n := range body {
			var malformed *MalformedError
			if err := Check(key, version, body[:n]); !errors.As(err, &malformed) {
				t.Errorf("%s version %d cut at %d of %d: %v", name, version, n, len(body), err)
				return
			}
		}
		if err := Check(key, version, append(body, "more"...)); err != nil {
			t.Errorf("%s version %d with bytes behind it: %v", name, version, err)
		}
	})
}

func TestVersionsWithoutDefinitionAreUnsupported(t *testing.T) {
	for _, v := range [][2]int16{{0, 2}, {0, 14}, {-1, 0}, {4, 0}, {18, 5}, {94, 0}, {999, 0}, {3, -1}} {
		var unsupported *UnsupportedError
		if err := Check(v[0], v[1], nil); !errors.As(err, &unsupported) {
			t.Errorf("key %d version %d: %v", v[0], v[1], err)
		}
	}
}

// withTags puts unknown tags into every struct of m.
func withTags(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			withTags(v.Elem(), r)
		}
	case reflect.Slice:
		for i := range v.Len() {
			withTags(v.Index(i), r)
		}
	case reflect.Struct:
		if tags, ok := v.Addr().Interface().(*kmsg.Tags); ok {
			for range r.IntN(3) {
				tags.Set(1000+r.Uint32N(1<<20), make([]byte, r.IntN(200)))
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				withTags(v.Field(i), r)
			}
		}
	}
}

func TestUnknownTagsAreSkippedAndNotRetained(t *testing.T) {
	f := seeded(t, 5)
	stripped := 0
	eachVersion(func(name string, key, version int16) {
		for range 10 {
			m := f.request(key, version)
			plain := Request{Key: key, Version: version, Body: m.AppendTo(nil)}
			want, err := plain.Decode()
			if err != nil {
				t.Fatal(err)
			}
			withTags(reflect.ValueOf(m).Elem(), f.Rand)
			tagged := Request{Key: key, Version: version, Body: append(m.AppendTo(nil), "behind"...)}
			got, err := tagged.Decode()
			if err != nil {
				t.Errorf("%s version %d: %v", name, version, err)
				return
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s version %d:\ngot  %+v\nwant %+v", name, version, got, want)
			}
			if again, err := tagged.Decode(); err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("%s version %d decodes differently the second time: %v", name, version, err)
			}
			stripped++
		}
	})
	if stripped < 3000 {
		t.Errorf("only %d bodies", stripped)
	}
}
