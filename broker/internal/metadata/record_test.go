package metadata

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	idU = UUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	idW = UUID{17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}
)

// golden is the records of testdata/records.txt, whose bytes were written by MetadataRecordSerde of Apache Kafka 4.3.1.
var golden = map[string]Record{
	"topic": &TopicRecord{Name: "orders", TopicID: idU},
	"partition": &PartitionRecord{PartitionID: 3, TopicID: idU, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2}, RemovingReplicas: []int32{},
		AddingReplicas: []int32{}, Leader: 1, LeaderRecoveryState: 1, LeaderEpoch: 4, PartitionEpoch: 5, Directories: []UUID{idW, idW, idW},
		EligibleLeaderReplicas: []int32{3}, LastKnownELR: []int32{2}},
	"partition-plain": &PartitionRecord{TopicID: idU, Replicas: []int32{1}, ISR: []int32{1}, RemovingReplicas: []int32{},
		AddingReplicas: []int32{}, Leader: 1, Directories: []UUID{idW}},
	"change": &PartitionChangeRecord{PartitionID: 3, TopicID: idU, ISR: []int32{}, Leader: -1, LeaderRecoveryState: NoRecoveryChange,
		EligibleLeaderReplicas: []int32{1, 2}, LastKnownELR: []int32{7}, Directories: []UUID{idW}},
	"config":      &ConfigRecord{TopicResource, "orders", "retention.ms", new("1000")},
	"config-null": &ConfigRecord{BrokerResource, "", "x", nil},
	"register": &RegisterBrokerRecord{BrokerID: 1, IncarnationID: idU, BrokerEpoch: 42, EndPoints: []Endpoint{{"PLAINTEXT", "localhost", 49092, 0}},
		Features: []FeatureRange{{"metadata.version", 7, 30}}, Rack: new("r1"), InControlledShutdown: true, LogDirs: []UUID{idW}, CordonedLogDirs: []UUID{}},
	"registration-change": &BrokerRegistrationChangeRecord{BrokerID: 1, BrokerEpoch: 42, Fenced: -1, InControlledShutdown: 1, LogDirs: []UUID{idW}},
	"unregister":          &UnregisterBrokerRecord{1, 42},
	"feature":             &FeatureLevelRecord{"metadata.version", 30},
	"producer-ids":        &ProducerIdsRecord{1, 42, 2000},
	"remove-topic":        &RemoveTopicRecord{idU},
	"clear-elr":           &ClearElrRecord{"orders"},
	"noop":                &NoOpRecord{},
	"acl":                 &AccessControlEntryRecord{idU, 2, "orders", 3, "User:a", "*", 3, 3},
	"scram":               &UserScramCredentialRecord{"a", 1, []byte{1, 2}, []byte{3}, nil, 4096},
	"quota":               &ClientQuotaRecord{[]QuotaEntity{{"user", nil}, {"client-id", new("c")}}, "producer_byte_rate", 1000.5, false},
	"token":               &DelegationTokenRecord{"User:a", "User:b", []string{"User:c"}, 1, 2, 3, "t"},
	"begin":               &BeginTransactionRecord{new("x")},
	"controller": &RegisterControllerRecord{ControllerID: 1, IncarnationID: idU, EndPoints: []Endpoint{{"CONTROLLER", "h", 9093, 0}},
		Features: []FeatureRange{}},
}

func goldenBytes(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]byte{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, digits, _ := strings.Cut(s.Text(), " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

func TestRecordsAreKafkasBytes(t *testing.T) {
	bytesOf := goldenBytes(t)
	if len(bytesOf) != len(golden) {
		t.Fatalf("%d recordings for %d records", len(bytesOf), len(golden))
	}
	for name, r := range golden {
		t.Run(name, func(t *testing.T) {
			if got := Append(nil, r); !bytes.Equal(got, bytesOf[name]) {
				t.Errorf("wrote %x\n want %x", got, bytesOf[name])
			}
			got, err := Decode(bytesOf[name])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryKindIsReadAsItIsWritten(t *testing.T) {
	for key := range uint64(64) {
		r := blank(key)
		if r == nil {
			continue
		}
		if got := r.kind().key; got != int16(key) {
			t.Errorf("%T: api key %d, made for %d", r, got, key)
		}
		b := Append(nil, r)
		back, err := Decode(b)
		if err != nil {
			t.Fatalf("%T: %v", r, err)
		}
		if again := Append(nil, back); !bytes.Equal(b, again) {
			t.Errorf("%T: %x, then %x", r, b, again)
		}
	}
}

func TestOlderVersionsAreRead(t *testing.T) {
	// PartitionRecord v0 has no directories, RegisterBrokerRecord v0 neither shutdown nor directories.
	p := append([]byte{1, 3, 0}, make([]byte, 20)...)
	p = append(p, 2, 0, 0, 0, 7, 1, 1, 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0)
	r, err := Decode(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.(*PartitionRecord); got.Leader != 7 || got.LeaderEpoch != 1 || got.PartitionEpoch != 2 || got.Directories != nil {
		t.Errorf("%+v", got)
	}
	b := append([]byte{1, 0, 0, 0, 0, 0, 9}, make([]byte, 24)...)
	if r, err = Decode(append(b, 1, 1, 0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := r.(*RegisterBrokerRecord); got.BrokerID != 9 || !got.Fenced {
		t.Errorf("%+v", got)
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	whole := goldenBytes(t)["partition"]
	for n := range whole {
		if _, err := Decode(whole[:n]); err == nil {
			t.Errorf("the first %d bytes pass", n)
		}
	}
	for name, b := range map[string][]byte{
		"a byte too many":      append(bytes.Clone(whole), 0),
		"frame version 2":      {2, 20, 0, 0},
		"unknown key":          {1, 99, 0, 0},
		"newer version":        {1, 20, 1, 0},
		"2^28 tags":            {1, 20, 0, 0xff, 0xff, 0xff, 0x7f},
		"a null name":          {1, 28, 0, 0, 0},
		"2^28 bytes of a name": {1, 28, 0, 0xff, 0xff, 0xff, 0x7f, 0},
	} {
		if r, err := Decode(b); err == nil {
			t.Errorf("%s passes as %+v", name, r)
		}
	}
	if _, err := DecodeList([]byte{0xff, 0xff, 0xff, 0x7f}); err == nil {
		t.Error("a list of 2^28 records in no bytes passes")
	}
}

func TestUnknownTagsAreSkipped(t *testing.T) {
	if _, err := Decode([]byte{1, 20, 0, 2, 9, 3, 1, 2, 3, 1, 0}); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range goldenBytes(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		once := Append(nil, r)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%x came from %x: %v", once, b, err)
		}
		if twice := Append(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%x, then %x", once, twice)
		}
	})
}

func FuzzDecodeList(f *testing.F) {
	all := make([]Record, 0, len(golden))
	for _, r := range golden {
		all = append(all, r)
	}
	f.Add(EncodeList(all))
	f.Add(EncodeList(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DecodeList(b)
		if err != nil {
			return
		}
		again, err := DecodeList(EncodeList(list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%d records became %d: %v", len(list), len(again), err)
		}
	})
}
