package task

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// maxMetadata keeps a commit below the broker's offset.metadata.max.bytes.
const maxMetadata = 4000

// EncodeMetadata is the metadata string of a committed offset: Kafka Streams' version 2, with the partition's time and the times of
// operators and stores (streams.md 12.5). fits is false when the times had to be left out.
func EncodeMetadata(partitionTime int64, times map[string]int64) (s string, fits bool) {
	b := binary.BigEndian.AppendUint64([]byte{2}, uint64(partitionTime))
	if len(times) == 0 {
		return base64.StdEncoding.EncodeToString(b), true
	}
	m := binary.BigEndian.AppendUint32(b, uint32(len(times)))
	for _, k := range slices.Sorted(maps.Keys(times)) {
		m = binary.BigEndian.AppendUint32(m, uint32(len(k)))
		m = append(m, k...)
		m = binary.BigEndian.AppendUint64(m, uint64(times[k]))
	}
	if base64.StdEncoding.EncodedLen(len(m)) > maxMetadata {
		return base64.StdEncoding.EncodeToString(b), false
	}
	return base64.StdEncoding.EncodeToString(m), true
}

var errMetadata = errors.New("not the metadata of a streams application's commit")

// DecodeMetadata reads what EncodeMetadata wrote, and version 1, which has the time alone.
func DecodeMetadata(s string) (partitionTime int64, times map[string]int64, err error) {
	times = map[string]int64{}
	if s == "" {
		return None, times, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) < 9 || b[0] != 1 && b[0] != 2 {
		return None, times, errMetadata
	}
	partitionTime, b = int64(binary.BigEndian.Uint64(b[1:])), b[9:]
	if len(b) < 4 {
		return partitionTime, times, nil
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	for ; n > 0; n-- {
		if len(b) < 4 {
			return partitionTime, times, errMetadata
		}
		size := binary.BigEndian.Uint32(b)
		if b = b[4:]; uint64(len(b)) < uint64(size)+8 {
			return partitionTime, times, errMetadata
		}
		times[string(b[:size])] = int64(binary.BigEndian.Uint64(b[size:]))
		b = b[size+8:]
	}
	return partitionTime, times, nil
}
