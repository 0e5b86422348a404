package txn

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestRecordsAreKafkasByteForByte(t *testing.T) {
	dir := os.Getenv("CONFORMANCE_DIR")
	if dir == "" {
		dir = "../../../../../shared/conformance"
	}
	f, err := os.Open(filepath.Join(dir, "broker", "goldens", "vectors", "transaction-state.jsonl"))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no vectors (CONFORMANCE_DIR): %v", err)
		}
		t.Skipf("SKIPPED: no vectors (CONFORMANCE_DIR): %v", err)
	}
	defer f.Close()
	seen := map[State]int{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row struct{ Key, Value string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		key, _ := hex.DecodeString(row.Key)
		value, _ := hex.DecodeString(row.Value)
		r, known, err := Decode(key, value)
		if err != nil || !known {
			t.Fatalf("%s: known %v, %v", row.Key, known, err)
		}
		k, v := Encode(r)
		if !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Errorf("%q %+v\n got %x\nwant %x", r.ID, r.Value, v, value)
		}
		seen[r.Value.State]++
	}
	if len(seen) != 6 {
		t.Errorf("states seen: %v", seen)
	}
}

func FuzzDecode(f *testing.F) {
	k, v := Encode(Record{ID: "a", Value: &Value{ProducerID: 1, PreviousID: 1, NextID: 7, Epoch: 3, LastEpoch: 9, State: Ongoing, Partitions: []Partitions{{"t", []int32{1, 2}}}}})
	f.Add(k, v)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, known, err := Decode(key, value)
		if err != nil || !known {
			return
		}
		k, v := Encode(r)
		again, _, err := Decode(k, v)
		if k2, v2 := Encode(again); err != nil || !bytes.Equal(k, k2) || !bytes.Equal(v, v2) {
			t.Fatalf("%+v became %+v: %v", r, again, err)
		}
	})
}
