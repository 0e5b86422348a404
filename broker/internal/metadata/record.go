package metadata

import (
	"encoding/binary"
	"fmt"
)

// Record is one change of the cluster's state: a pointer to one of the ...Record types. Sealed.
type Record interface {
	kind() kind
	walk(c *codec)
}

// kind is a record type's api key and the newest version, which is the one written.
type kind struct{ key, version int16 }

// frameVersion is the version of the frame around a record.
//
//	uvarint frame version (1) | uvarint api key | uvarint version | body in the flexible form of KIP-482
const frameVersion = 1

// blank makes an empty record of an api key, or nil when there is none.
func blank(key uint64) Record {
	switch key {
	case 0:
		return &RegisterBrokerRecord{}
	case 1:
		return &UnregisterBrokerRecord{}
	case 2:
		return &TopicRecord{}
	case 3:
		return &PartitionRecord{}
	case 4:
		return &ConfigRecord{}
	case 5:
		return &PartitionChangeRecord{}
	case 7:
		return &FenceBrokerRecord{}
	case 8:
		return &UnfenceBrokerRecord{}
	case 9:
		return &RemoveTopicRecord{}
	case 10:
		return &DelegationTokenRecord{}
	case 11:
		return &UserScramCredentialRecord{}
	case 12:
		return &FeatureLevelRecord{}
	case 14:
		return &ClientQuotaRecord{}
	case 15:
		return &ProducerIdsRecord{}
	case 17:
		return &BrokerRegistrationChangeRecord{}
	case 18:
		return &AccessControlEntryRecord{}
	case 19:
		return &RemoveAccessControlEntryRecord{}
	case 20:
		return &NoOpRecord{}
	case 22:
		return &RemoveUserScramCredentialRecord{}
	case 23:
		return &BeginTransactionRecord{}
	case 24:
		return &EndTransactionRecord{}
	case 25:
		return &AbortTransactionRecord{}
	case 26:
		return &RemoveDelegationTokenRecord{}
	case 27:
		return &RegisterControllerRecord{}
	case 28:
		return &ClearElrRecord{}
	}
	return nil
}

// Append appends the frame of r to b.
func Append(b []byte, r Record) []byte {
	k := r.kind()
	b = binary.AppendUvarint(b, frameVersion)
	b = binary.AppendUvarint(b, uint64(k.key))
	b = binary.AppendUvarint(b, uint64(k.version))
	c := codec{buf: b, version: k.version}
	r.walk(&c)
	return c.buf
}

// Decode reads one record, which must fill b. The record keeps nothing of b.
func Decode(b []byte) (Record, error) {
	c := codec{buf: b, reading: true}
	var frame, key, version uint64
	c.uvarint(&frame)
	c.uvarint(&key)
	c.uvarint(&version)
	if c.err != nil {
		return nil, fmt.Errorf("metadata record: %w", c.err)
	}
	if frame != frameVersion {
		return nil, fmt.Errorf("metadata record: frame version %d is not %d", frame, frameVersion)
	}
	r := blank(key)
	if r == nil {
		return nil, fmt.Errorf("metadata record: unknown api key %d", key)
	}
	if last := r.kind().version; version > uint64(last) {
		return nil, fmt.Errorf("metadata record: version %d of %T is newer than %d", version, r, last)
	}
	c.version = int16(version)
	if r.walk(&c); c.err != nil {
		return nil, fmt.Errorf("metadata record %T: %w", r, c.err)
	}
	if len(c.buf) > 0 {
		return nil, fmt.Errorf("metadata record %T: %d bytes too long", r, len(c.buf))
	}
	return r, nil
}

// EncodeList is the data of one entry of the log: its records, atomically applied.
//
//	uvarint number of records | for each: uvarint length | frame
func EncodeList(records []Record) []byte {
	b := binary.AppendUvarint(nil, uint64(len(records)))
	var frame []byte
	for _, r := range records {
		frame = Append(frame[:0], r)
		b = binary.AppendUvarint(b, uint64(len(frame)))
		b = append(b, frame...)
	}
	return b
}

// DecodeList reads what EncodeList wrote. No bytes are an empty list.
func DecodeList(b []byte) ([]Record, error) {
	if len(b) == 0 {
		return nil, nil
	}
	const smallest = 5 // a length, three numbers of the frame, a count of tags
	c := codec{buf: b, reading: true}
	var n uint64
	c.uvarint(&n)
	if c.err == nil && n > uint64(len(c.buf)/smallest) {
		c.fail(errShort)
	}
	if c.err != nil {
		return nil, fmt.Errorf("list of metadata records: %w", c.err)
	}
	out := make([]Record, 0, n)
	for range n {
		var size uint64
		c.uvarint(&size)
		frame := c.take(size)
		if c.err != nil {
			return nil, fmt.Errorf("list of metadata records: %w", c.err)
		}
		r, err := Decode(frame)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(c.buf) > 0 {
		return nil, fmt.Errorf("list of metadata records: %d bytes too long", len(c.buf))
	}
	return out, nil
}
