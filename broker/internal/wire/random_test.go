package wire

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// eachVersion runs f for every key and version that kmsg and Kafka's definitions both have.
func eachVersion(f func(name string, key, version int16)) {
	for key := range int16(keys) {
		m := kmsg.RequestForKey(key)
		if m == nil || int(key) >= len(requestShapes) {
			continue
		}
		s := &requestShapes[key]
		for version := s.min; s.programs != nil && version <= min(s.max, m.MaxVersion()); version++ {
			f(s.name, key, version)
		}
	}
}

// filler fills kmsg structs with random values.
type filler struct {
	*rand.Rand
	elements int // arrays have at most that many
	size     int // strings and bytes have at most that many
}

func newRequest(key, version int16) kmsg.Request {
	m := kmsg.RequestForKey(key)
	m.SetVersion(version)
	if d, ok := m.(interface{ Default() }); ok {
		d.Default()
		m.SetVersion(version)
	}
	return m
}

func (f filler) request(key, version int16) kmsg.Request {
	m := newRequest(key, version)
	f.fill(reflect.ValueOf(m).Elem())
	m.SetVersion(version)
	return m
}

func (f filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Uint16, reflect.Uint32, reflect.Uint8:
		v.SetUint(f.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat(f.Float64())
	case reflect.String:
		v.SetString(string(f.bytes()))
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Pointer:
		if f.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		f.fillSlice(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Version" {
				f.fill(v.Field(i))
			}
		}
	default:
		panic(fmt.Sprint("cannot fill ", v.Type()))
	}
}

func (f filler) fillSlice(v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(f.bytes())
		return
	}
	n := f.IntN(f.elements + 1)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.fill(v.Index(i))
	}
}

func (f filler) bytes() []byte {
	b := make([]byte, f.IntN(f.size+1))
	for i := range b {
		b[i] = 'a' + byte(f.IntN(26))
	}
	return b
}

func seeded(t testing.TB, seed uint64) filler {
	t.Helper()
	return filler{Rand: rand.New(rand.NewPCG(seed, 1)), elements: 3, size: 12}
}
