package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func frameWith(r kmsg.Request, clientID *string) []byte {
	f := kmsg.NewRequestFormatter()
	if clientID != nil {
		f = kmsg.NewRequestFormatter(kmsg.FormatterClientID(*clientID))
	}
	return f.AppendRequest(nil, r, 0x01020304)[4:]
}

func TestHeaderOfBothEndsOfEveryRange(t *testing.T) {
	name, empty := "a client", ""
	for _, a := range Served.APIs() {
		for _, version := range []int16{a.Min, a.Max} {
			for _, clientID := range []*string{nil, &empty, &name} {
				m := newRequest(a.Key, version)
				frame := frameWith(m, clientID)
				r, err := ParseRequest(frame)
				if err != nil {
					t.Fatalf("%s version %d: %v", a.Name, version, err)
				}
				if r.Key != a.Key || r.Version != version || r.CorrelationID != 0x01020304 || r.Size != len(frame) {
					t.Errorf("%s version %d: got %+v", a.Name, version, r)
				}
				if (r.ClientID == nil) != (clientID == nil) || clientID != nil && *r.ClientID != *clientID {
					t.Errorf("%s version %d: client id %v", a.Name, version, r.ClientID)
				}
				if want := m.AppendTo(nil); !bytes.Equal(r.Body, want) {
					t.Errorf("%s version %d: body %x, want %x", a.Name, version, r.Body, want)
				}
			}
		}
		for _, version := range []int16{a.Min - 1, a.Max + 1} {
			_, err := ParseRequest(frameWith(newRequest(a.Key, version), &name))
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) == (a.Key == KeyApiVersions) {
				t.Errorf("%s version %d: %v", a.Name, version, err)
			}
		}
	}
}

func TestHeaderThatIsCutIsMalformed(t *testing.T) {
	name := "a client"
	whole := frameWith(newRequest(3, 12), &name)
	for n := range whole[:8+2+len(name)+1] {
		_, err := ParseRequest(whole[:n])
		var malformed *MalformedError
		if !errors.As(err, &malformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestHeaderOfAnEndlessTagCountIsRefusedAtOnce(t *testing.T) {
	frame := append([]byte{0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff}, 0xff, 0xff, 0xff, 0xff, 0x0f)
	if _, err := ParseRequest(frame); err == nil || !strings.Contains(err.Error(), "too many tags") {
		t.Errorf("got %v", err)
	}
}

func TestClientIDIsAllocatedOnceAConnection(t *testing.T) {
	name := "a client"
	frame := frameWith(newRequest(3, 12), &name)
	var r Request
	if n := testing.AllocsPerRun(100, func() {
		if err := r.Parse(frame, Served); err != nil || *r.ClientID != name {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRecordsAreSlicesOfTheFrame(t *testing.T) {
	m := newRequest(0, 9).(*kmsg.ProduceRequest)
	m.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: []byte("batch")}}}}
	frame := frameWith(m, nil)
	r, err := ParseRequest(frame)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Decode()
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(frame, []byte("batch"))
	if records := got.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records; &records[0] != &frame[at] {
		t.Error("they are a copy")
	}
}

func TestResponseHeader(t *testing.T) {
	for _, c := range []struct {
		key, version int16
		want         []byte
	}{
		{3, 8, []byte{0, 0, 0, 9}},
		{3, 9, []byte{0, 0, 0, 9, 0}},
		{18, 2, []byte{0, 0, 0, 9}},
		{18, 3, []byte{0, 0, 0, 9}}, // KIP-511
		{18, 99, []byte{0, 0, 0, 9}},
		{17, 1, []byte{0, 0, 0, 9}},
	} {
		if got := AppendResponseHeader(nil, c.key, c.version, 9); !bytes.Equal(got, c.want) {
			t.Errorf("key %d version %d: %x", c.key, c.version, got)
		}
	}
	for _, a := range Served.APIs() {
		for version := a.Min; version <= a.Max; version++ {
			flexible := newRequest(a.Key, version).IsFlexible() && a.Key != KeyApiVersions
			if got := AppendResponseHeader(nil, a.Key, version, 1); (len(got) == 5) != flexible {
				t.Errorf("%s version %d: %x", a.Name, version, got)
			}
		}
	}
}
