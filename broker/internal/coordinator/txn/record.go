package txn

import (
	"cmp"
	"fmt"
	"slices"
)

// Record is one record of __transaction_state. A nil Value is a tombstone.
type Record struct {
	ID    string // transactional id
	Value *Value
}

// Value is what is known of a transactional id. It is never changed once it is in a record.
type Value struct {
	ProducerID    int64
	PreviousID    int64 // the producer id before this record
	NextID        int64 // follows when the transaction completes and its epochs are used up; -1: none
	Epoch         int16
	LastEpoch     int16 // that a client may repeat a call with and is answered Epoch; -1: none
	Timeout       int32 // milliseconds
	State         State
	Partitions    []Partitions // by topic
	Updated       int64        // Unix milliseconds
	Started       int64        // Unix milliseconds; -1: no transaction yet
	ClientVersion int16        // the transaction version that the transaction was begun with
}

// Partitions of a topic, sorted.
type Partitions struct {
	Topic string
	List  []int32
}

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Versions of the value that are known. 1 is flexible and has the fields of transaction version 2 as tags (KIP-890).
const (
	keyVersion      = 0
	flexibleVersion = 1
)

// Tags of the value. tagLastEpoch is ours: Kafka keeps it in memory, and fences a producer whose retry comes after a
// change of coordinator. Kafka's readers skip it.
const (
	tagPreviousID    = 0
	tagNextID        = 1
	tagClientVersion = 2
	tagLastEpoch     = 1000
)

// minPartitions is what an element of Partitions takes at least.
const minPartitions = 3

// Encode is a record as it lies in the log.
func Encode(r Record) (key, value []byte) {
	k := writer{}
	k.int16(keyVersion)
	k.shortString(r.ID)
	if r.Value == nil {
		return k.buf, nil
	}
	v := writer{}
	v.int16(flexibleVersion)
	r.Value.write(&v)
	return k.buf, v.buf
}

func (v *Value) write(w *writer) {
	w.int64(v.ProducerID)
	w.int16(v.Epoch)
	w.int32(v.Timeout)
	w.int8(int8(v.State))
	if v.State == Empty {
		w.uvarint(0) // null, as Kafka's
	} else {
		w.uvarint(uint64(len(v.Partitions) + 1))
	}
	for _, p := range v.Partitions {
		w.compactString(p.Topic)
		w.uvarint(uint64(len(p.List) + 1))
		for _, n := range p.List {
			w.int32(n)
		}
		w.uvarint(0)
	}
	w.int64(v.Updated)
	w.int64(v.Started)
	w.tags(
		tag{tagPreviousID, 8, v.PreviousID, v.PreviousID != -1},
		tag{tagNextID, 8, v.NextID, v.NextID != -1},
		tag{tagClientVersion, 2, int64(v.ClientVersion), v.ClientVersion != 0},
		tag{tagLastEpoch, 2, int64(v.LastEpoch), v.keepsLastEpoch()},
	)
}

// keepsLastEpoch tells whether LastEpoch must be written: elsewhere it follows from the other fields.
func (v *Value) keepsLastEpoch() bool { return v.LastEpoch != v.impliedLastEpoch() }

// impliedLastEpoch is what transaction version 2 says: an end raises the epoch by one.
func (v *Value) impliedLastEpoch() int16 {
	if v.ClientVersion >= 2 && (v.State.preparing() || v.State.complete()) {
		if v.Epoch == 0 {
			return maxEpoch
		}
		return v.Epoch - 1
	}
	return -1
}

// Decode is the inverse of Encode. It answers false for keys of versions that are not known here.
func Decode(key, value []byte) (r Record, known bool, err error) {
	k := reader{buf: key}
	if version := k.int16(); k.err == nil && version != keyVersion {
		return r, false, nil
	}
	r.ID = k.string(int(k.int16()))
	if k.err != nil {
		return r, true, fmt.Errorf("key: %w", k.err)
	}
	if value == nil {
		return r, true, nil
	}
	v := reader{buf: value}
	version := v.int16()
	if v.err == nil && (version < 0 || version > flexibleVersion) {
		return r, true, fmt.Errorf("value of %q has version %d, which is not known here", r.ID, version)
	}
	v.flexible = version >= flexibleVersion
	r.Value = &Value{PreviousID: -1, NextID: -1}
	r.Value.read(&v)
	if v.err != nil {
		return r, true, fmt.Errorf("value of %q: %w", r.ID, v.err)
	}
	return r, true, nil
}

func (v *Value) read(r *reader) {
	v.ProducerID, v.Epoch, v.Timeout, v.State = r.int64(), r.int16(), r.int32(), State(r.int8())
	for n := r.count(minPartitions); n > 0 && r.err == nil; n-- {
		p := Partitions{Topic: r.string(r.length())}
		for m := r.count(4); m > 0 && r.err == nil; m-- {
			p.List = append(p.List, r.int32())
		}
		r.tags(nil)
		slices.Sort(p.List)
		v.Partitions = append(v.Partitions, p)
	}
	slices.SortFunc(v.Partitions, func(a, b Partitions) int { return cmp.Compare(a.Topic, b.Topic) })
	v.Updated, v.Started = r.int64(), r.int64()
	last, set := int16(0), false
	r.tags(func(number uint64, body *reader) {
		switch number {
		case tagPreviousID:
			v.PreviousID = body.int64()
		case tagNextID:
			v.NextID = body.int64()
		case tagClientVersion:
			v.ClientVersion = body.int16()
		case tagLastEpoch:
			last, set = body.int16(), true
		}
	})
	if v.LastEpoch = last; !set {
		v.LastEpoch = v.impliedLastEpoch()
	}
	if r.err == nil && (v.State < Empty || v.State > CompleteAbort) {
		r.fail(fmt.Errorf("state %v", v.State))
	}
}
