package frame

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	guid := GUID{1, 2, 3, 15: 16}
	named := AppendGUID(nil, guid)
	for _, c := range []struct {
		name         string
		data, header []byte
		id           int
		guid         GUID
		plain        string
		err          error
	}{
		{"an id", append(AppendID(nil, 7), "x"...), nil, 7, GUID{}, "x", nil},
		{"an id and nothing behind it", AppendID(nil, 1<<24), nil, 1 << 24, GUID{}, "", nil},
		{"a GUID", append(slices.Clone(named), "x"...), nil, -1, guid, "x", nil},
		{"a header", []byte{0, 0, 0, 0, 9}, named, -1, guid, "\x00\x00\x00\x00\x09", nil},
		{"an empty value with a header", []byte{}, named, -1, guid, "", nil},
		{"nothing", nil, nil, 0, GUID{}, "", ErrNone},
		{"an id cut short", []byte{0, 0, 0, 1}, nil, 0, GUID{}, "", ErrNone},
		{"a GUID cut short", named[:16], nil, 0, GUID{}, "", ErrNone},
		{"text", []byte("{\"a\":1}"), nil, 0, GUID{}, "", ErrNone},
		{"a header of something else", []byte("x"), []byte("17"), 0, GUID{}, "", ErrNone},
	} {
		f, err := Parse(c.data, c.header)
		if !errors.Is(err, c.err) || err == nil && (f.ID != c.id || f.GUID != c.guid || string(f.Plain()) != c.plain) {
			t.Errorf("%s: %+v, %v", c.name, f, err)
		}
	}
	if got := guid.String(); got != "01020300-0000-0000-0000-000000000010" {
		t.Error(got)
	}
}

func TestIndexes(t *testing.T) {
	for _, list := range [][]int{{0}, {1}, {0, 0}, {3, 200, 0}} {
		b := AppendIndexes(nil, list)
		f := Frame{Rest: append(slices.Clone(b), "payload"...)}
		indexes, payload, err := f.Indexed()
		if err != nil || !bytes.Equal(indexes, b) || string(payload) != "payload" || !slices.Equal(Indexes(indexes), list) {
			t.Errorf("%v: %x %q %v", list, indexes, payload, err)
		}
	}
	if b := AppendIndexes(nil, []int{0}); !bytes.Equal(b, []byte{0}) {
		t.Errorf("the first message is %x", b)
	}
	for _, b := range [][]byte{nil, {2}, {1}, {0x80}, {4, 0, 1}, {0xff, 0xff, 3}, {2, 0xff}} {
		if _, _, err := (Frame{Rest: b}).Indexed(); !errors.Is(err, ErrIndexes) {
			t.Errorf("%x is accepted", b)
		}
	}
}

func FuzzIndexed(f *testing.F) {
	f.Add([]byte{0, 1, 2}, []byte{})
	f.Add([]byte{4, 2, 0, 9}, []byte{1})
	f.Fuzz(func(t *testing.T, data, header []byte) {
		if len(header) == 0 {
			header = nil
		}
		fr, err := Parse(data, header)
		if err != nil {
			return
		}
		if indexes, _, err := fr.Indexed(); err == nil && len(Indexes(indexes)) == 0 {
			t.Errorf("%x: no index", indexes)
		}
	})
}
