package group

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors are the records that Apache Kafka 4.3.1 wrote to __consumer_offsets.
func vectors(t testing.TB) (keys, values [][]byte) {
	t.Helper()
	dir := os.Getenv("CONFORMANCE_DIR")
	if dir == "" {
		dir = "../../../../../shared/conformance"
	}
	f, err := os.Open(filepath.Join(dir, "broker", "goldens", "vectors", "consumer-offsets.jsonl"))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no vectors (CONFORMANCE_DIR): %v", err)
		}
		t.Skipf("SKIPPED: no vectors (CONFORMANCE_DIR): %v", err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row struct {
			Key, Value *string
			Control    bool
		}
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Control {
			continue
		}
		keys, values = append(keys, fromHex(t, row.Key)), append(values, fromHex(t, row.Value))
	}
	return keys, values
}

func fromHex(t testing.TB, s *string) []byte {
	if s == nil {
		return nil
	}
	b, err := hex.DecodeString(*s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordsAreKafkasByteForByte(t *testing.T) {
	keys, values := vectors(t)
	seen := map[Kind]int{}
	for i, key := range keys {
		r, known, err := Decode(key, values[i])
		if err != nil {
			t.Fatalf("record %d: %v\nkey   %x\nvalue %x", i, err, key, values[i])
		}
		if !known {
			continue
		}
		seen[r.Kind]++
		k, v := Encode(r)
		if !bytes.Equal(k, key) || !bytes.Equal(v, values[i]) || (v == nil) != (values[i] == nil) {
			t.Errorf("record %d: %+v\nkey   %x\nwant  %x\nvalue %x\nwant  %x", i, r, k, key, v, values[i])
		}
		for n := range len(values[i]) { // a record that is cut is an error or another record, never a panic
			_, _, _ = Decode(key, values[i][:n])
		}
	}
	for _, k := range []Kind{KindOffset, KindClassic, KindEpoch, KindPartitions, KindMember, KindTargetEpoch, KindTarget, KindCurrent, KindRegex} {
		if seen[k] == 0 {
			t.Errorf("no vector of kind %d was compared", k)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 0}, []byte{0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 5, 0, 1, 'g', 0, 1, 'm'}, []byte{0, 0, 0, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 7})
	f.Add([]byte{0, 8, 0, 1, 'g', 0, 1, 'm'}, []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, known, err := Decode(key, value)
		if err != nil || !known || r.Value == nil {
			return
		}
		k, v := Encode(r) // maybe in a newer version, and without unknown tags
		again, _, err := Decode(k, v)
		if err != nil {
			t.Fatalf("%+v does not decode again: %v", r, err)
		}
		k2, v2 := Encode(again)
		if !bytes.Equal(k, k2) || !bytes.Equal(v, v2) {
			t.Fatalf("%+v changed on its way: %+v", r, again)
		}
	})
}
