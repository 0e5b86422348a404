package e2e

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
)

// Partition names a partition of a topic.
type Partition struct {
	Topic string
	Index int32
}

func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// Value is what a record says of itself: where it belongs, who wrote it, and the how-manieth of that writer it is there.
type Value struct {
	Partition Partition
	Producer  string
	Sequence  int64
}

func (v Value) String() string { return fmt.Sprintf("%s:%s:%d", v.Partition, v.Producer, v.Sequence) }

// filler is what values are filled up with: bytes that no codec makes smaller, twice, so that any start fits.
var filler = func() []byte {
	r, half := rand.New(rand.NewPCG(1, 2)), make([]byte, 1<<20)
	for i := range half {
		half[i] = byte(r.Uint32())
	}
	return append(half, half...)
}()

// Encode writes v as a record's value of at least size bytes: topic/partition/producer/sequence/checksum/filler. The
// checksum covers everything else, so that a single wrong byte shows.
func (v Value) Encode(size int) []byte {
	b := make([]byte, 0, max(size, 64))
	b = append(append(b, v.Partition.Topic...), '/')
	b = append(strconv.AppendInt(b, int64(v.Partition.Index), 10), '/')
	b = append(append(b, v.Producer...), '/')
	b = append(strconv.AppendInt(b, v.Sequence, 10), '/')
	name, rest := b, []byte(nil)
	if room := min(size-len(b)-9, len(filler)/2); room > 0 {
		at := int(v.Sequence) % (len(filler) / 2)
		rest = filler[at : at+room]
	}
	sum := crc32.Update(crc32.ChecksumIEEE(name), crc32.IEEETable, rest)
	b = fmt.Appendf(b, "%08x/", sum)
	return append(b, rest...)
}

// ParseValue reads what Encode wrote.
func ParseValue(b []byte) (Value, error) {
	parts := bytes.SplitN(b, []byte("/"), 6)
	if len(parts) != 6 {
		return Value{}, fmt.Errorf("a value of %d bytes that no producer of ours wrote: %.60q", len(b), b)
	}
	index, err1 := strconv.ParseInt(string(parts[1]), 10, 32)
	sequence, err2 := strconv.ParseInt(string(parts[3]), 10, 64)
	if err1 != nil || err2 != nil {
		return Value{}, fmt.Errorf("a value with a broken head: %.60q", b)
	}
	head := len(b) - len(parts[5]) - len(parts[4]) - 1
	if sum := fmt.Sprintf("%08x", crc32.Update(crc32.ChecksumIEEE(b[:head]), crc32.IEEETable, parts[5])); sum != string(parts[4]) {
		return Value{}, fmt.Errorf("a value whose checksum is %s instead of %s: %.60q", sum, parts[4], b)
	}
	return Value{Partition{string(parts[0]), int32(index)}, string(parts[2]), sequence}, nil
}
