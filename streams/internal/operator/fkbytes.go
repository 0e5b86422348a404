package operator

import (
	"encoding/binary"
	"errors"
)

// What a left row asks of a foreign key (streams.md 9.4).
const (
	deleteSilently    = 0 // the foreign key changed: to the old one
	deleteAndAnswer   = 1 // the left row went, or has no foreign key any more
	answerAlways      = 2 // with null when there is no foreign row
	answerIfAvailable = 3
)

// subscription is the record that a left row sends to its foreign key's partition.
type subscription struct {
	instruction byte
	hash        *[16]byte // of the left value; nil for a delete
	key         []byte    // primary key
	partition   int32     // of the left row
}

// append writes version 1: version and null bit, instruction, hash, key, partition.
func (s subscription) append(dst []byte) []byte {
	dst = appendHash(dst, 1, s.instruction, true, s.hash)
	dst = append(dst, s.key...)
	return binary.BigEndian.AppendUint32(dst, uint32(s.partition))
}

func appendHash(dst []byte, version, instruction byte, withInstruction bool, hash *[16]byte) []byte {
	if hash == nil {
		version |= 0x80
	}
	dst = append(dst, version)
	if withInstruction {
		dst = append(dst, instruction)
	}
	if hash != nil {
		dst = append(dst, hash[:]...)
	}
	return dst
}

var errSubscription = errors.New("not the bytes of a foreign-key subscription of a version that we know")

func parseSubscription(b []byte, partition int32) (s subscription, err error) {
	if len(b) < 2 {
		return s, errSubscription
	}
	version, null := b[0]&0x7f, b[0]&0x80 != 0
	s.instruction, s.partition = b[1], partition
	b = b[2:]
	if version > 1 || s.instruction > answerIfAvailable {
		return s, errSubscription
	}
	if !null {
		if len(b) < 16 {
			return s, errSubscription
		}
		s.hash = (*[16]byte)(b)
		b = b[16:]
	}
	if version == 1 {
		if len(b) < 4 {
			return s, errSubscription
		}
		s.partition = int32(binary.BigEndian.Uint32(b[len(b)-4:]))
		b = b[:len(b)-4]
	}
	s.key = b
	return s, nil
}

// appendResponse writes an answer: version and null bit, hash, the foreign value; none is a null.
func appendResponse(hash *[16]byte, value []byte) []byte {
	return append(appendHash(nil, 0, 0, false, hash), value...)
}

var errResponse = errors.New("not the bytes of a foreign-key response of a version that we know")

func parseResponse(b []byte) (hash *[16]byte, value []byte, err error) {
	if len(b) < 1 || b[0]&0x7f != 0 {
		return nil, nil, errResponse
	}
	null := b[0]&0x80 != 0
	b = b[1:]
	if !null {
		if len(b) < 16 {
			return nil, nil, errResponse
		}
		hash, b = (*[16]byte)(b), b[16:]
	}
	if len(b) == 0 {
		b = nil
	}
	return hash, b, nil
}

// foreignKey is the key of the subscription store: the length of the foreign key, it, the primary key.
func foreignKey(fk, pk []byte) []byte {
	k := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(fk)+len(pk)), uint32(len(fk)))
	return append(append(k, fk...), pk...)
}
