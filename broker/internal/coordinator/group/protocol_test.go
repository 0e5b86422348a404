package group

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestBlobsAreThoseOfClients(t *testing.T) {
	meta := kmsg.ConsumerMemberMetadata{Version: 3, Topics: []string{"a", "b"}, UserData: []byte{1}, Generation: 7, Rack: kmsg.StringPtr("r")}
	meta.OwnedPartitions = []kmsg.ConsumerMemberMetadataOwnedPartition{{Topic: "a", Partitions: []int32{0, 2}}}
	s, err := parseSubscription(append(meta.AppendTo(nil), "what a newer version adds"...))
	if err != nil {
		t.Fatal(err)
	}
	want := subscription{topics: meta.Topics, userData: meta.UserData, owned: []topicList{{"a", []int32{0, 2}}}, generation: 7, rack: meta.Rack}
	if d := cmp.Diff(want, s, cmp.AllowUnexported(subscription{}, topicList{})); d != "" {
		t.Error(d)
	}
	var assignment kmsg.ConsumerMemberAssignment
	if err := assignment.ReadFrom(encodeAssignment(9, []topicList{{"a", []int32{0, 2}}})); err != nil {
		t.Fatal(err)
	}
	if assignment.Version != lastSubscription || len(assignment.Topics) != 1 || assignment.Topics[0].Topic != "a" || len(assignment.Topics[0].Partitions) != 2 {
		t.Errorf("a client reads %+v", assignment)
	}
	if list, err := parseAssignment(nil); list != nil || err != nil {
		t.Errorf("no assignment is %v, %v", list, err)
	}
}

// FuzzBlobs: what clients send as metadata is theirs; it costs no more than its size and never panics.
func FuzzBlobs(f *testing.F) {
	f.Add(subscriptionBlob([]string{"t"}, []topicList{{"t", []int32{1}}}))
	f.Add(encodeAssignment(1, []topicList{{"t", []int32{1, 2}}}))
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSubscription(b); err == nil {
			c := codec{version: min(subscriptionVersion(b), lastSubscription)}
			c.int16(&c.version)
			s.fields(&c)
			again, err := parseSubscription(c.buf)
			if err != nil {
				t.Fatalf("%+v does not parse again: %v", s, err)
			}
			if d := cmp.Diff(s, again, cmp.AllowUnexported(subscription{}, topicList{})); d != "" {
				t.Fatal(d)
			}
		}
		if list, err := parseAssignment(b); err == nil && len(b) > 0 {
			blob := encodeAssignment(1, list)
			again, err := parseAssignment(blob)
			if err != nil || !bytes.Equal(blob, encodeAssignment(1, again)) {
				t.Fatalf("%v became %v: %v", list, again, err)
			}
		}
	})
}
