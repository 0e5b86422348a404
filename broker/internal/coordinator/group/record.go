package group

import (
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// UUID is a topic id.
type UUID = metadata.UUID

// Kind is the type of a record, the first two bytes of its key.
type Kind int16

// The kinds that this core writes. Others (share and streams groups) are left alone.
const (
	KindOffset           Kind = 1  // a committed offset; 0 is its oldest form
	KindClassic          Kind = 2  // a classic group
	KindEpoch            Kind = 3  // a KIP-848 group's epoch
	KindPartitions       Kind = 4  // subscription metadata of Kafka before 4.1: only its tombstone is written
	KindMember           Kind = 5  // a member
	KindTargetEpoch      Kind = 6  // the epoch of the target assignment
	KindTarget           Kind = 7  // a member's target assignment
	KindCurrent          Kind = 8  // a member's current assignment
	KindRegex            Kind = 16 // a regular expression and the topics it means
	kindOffsetOld        Kind = 0
	lastOffsetVersion         = 4
	lastClassicVersion        = 4
	flexibleFrom              = 4 // both of the above
	classicWritten            = 3 // what Kafka 4.3 writes
	offsetWritten             = 4
	offsetWithExpiration      = 1
)

// Record is one record of __consumer_offsets. A nil Value is a tombstone.
type Record struct {
	Key
	Value Value

	key, value []byte // encoded, of a record that was decided here
}

// Key says what a record is about.
type Key struct {
	Kind      Kind
	Group     string
	Name      string // the topic of an offset, the member, or the expression
	Partition int32  // of an offset
}

// Value is one of the *Value types below.
type Value interface {
	fields(c *codec)
	// written is the version that it is written in.
	written() int16
}

// OffsetValue is a committed offset.
type OffsetValue struct {
	Offset      int64
	LeaderEpoch int32
	Metadata    string
	CommittedAt int64 // Unix milliseconds
	ExpiresAt   int64 // as an old client asked for; -1: by the broker's retention
	TopicID     UUID
}

func (v *OffsetValue) written() int16 {
	if v.ExpiresAt != -1 {
		return offsetWithExpiration
	}
	return offsetWritten
}

func (v *OffsetValue) fields(c *codec) {
	if c.reading {
		v.LeaderEpoch, v.ExpiresAt = -1, -1
	}
	c.int64(&v.Offset)
	if c.version >= 3 {
		c.int32(&v.LeaderEpoch)
	}
	c.string(&v.Metadata)
	c.int64(&v.CommittedAt)
	if c.version == offsetWithExpiration {
		c.int64(&v.ExpiresAt)
	}
	c.tags(tag{0, v.TopicID != UUID{}, func() { c.uuid(&v.TopicID) }})
}

// ClassicValue is a classic group as its last generation left it.
type ClassicValue struct {
	ProtocolType string
	Generation   int32
	Protocol     *string
	Leader       *string
	StateSince   int64 // Unix milliseconds
	Members      []ClassicMemberValue
}

// ClassicMemberValue is a member of a generation.
type ClassicMemberValue struct {
	ID               string
	InstanceID       *string
	ClientID         string
	ClientHost       string
	RebalanceTimeout int32
	SessionTimeout   int32
	Subscription     []byte
	Assignment       []byte
}

func (*ClassicValue) written() int16 { return classicWritten }

func (v *ClassicValue) fields(c *codec) {
	if c.reading {
		v.StateSince = -1
	}
	c.string(&v.ProtocolType)
	c.int32(&v.Generation)
	c.nullableString(&v.Protocol)
	c.nullableString(&v.Leader)
	if c.version >= 2 {
		c.int64(&v.StateSince)
	}
	list(c, &v.Members, 11, func(m *ClassicMemberValue) { m.fields(c) })
	c.tags()
}

func (v *ClassicMemberValue) fields(c *codec) {
	if c.reading {
		v.RebalanceTimeout = -1
	}
	c.string(&v.ID)
	if c.version >= 3 {
		c.nullableString(&v.InstanceID)
	}
	c.string(&v.ClientID)
	c.string(&v.ClientHost)
	if c.version >= 1 {
		c.int32(&v.RebalanceTimeout)
	}
	c.int32(&v.SessionTimeout)
	c.bytes(&v.Subscription)
	c.bytes(&v.Assignment)
	c.tags()
}

// Encode is a record as it lies in the log.
func Encode(r Record) (key, value []byte) {
	k := codec{}
	kind := int16(r.Kind)
	k.int16(&kind)
	k.key(&r.Key)
	if r.Value == nil {
		return k.buf, nil
	}
	v := codec{version: r.Value.written()}
	v.int16(&v.version)
	v.flexible = flexible(r.Kind, v.version)
	r.Value.fields(&v)
	return k.buf, v.buf
}

func (c *codec) key(k *Key) {
	c.string(&k.Group)
	switch k.Kind {
	case kindOffsetOld, KindOffset:
		c.string(&k.Name)
		c.int32(&k.Partition)
	case KindMember, KindTarget, KindCurrent, KindRegex:
		c.string(&k.Name)
	}
}

func flexible(k Kind, version int16) bool {
	if k == KindOffset || k == kindOffsetOld || k == KindClassic {
		return version >= flexibleFrom
	}
	return true
}

// Decode is the inverse of Encode. It answers false for kinds that are not this core's.
func Decode(key, value []byte) (r Record, known bool, err error) {
	k := codec{buf: key, reading: true}
	var kind int16
	k.int16(&kind)
	r.Kind = Kind(kind)
	if r.Value, known = newValue(r.Kind); !known || k.err != nil {
		return r, false, k.err
	}
	k.key(&r.Key)
	if k.err != nil {
		return r, true, fmt.Errorf("key of kind %d: %w", kind, k.err)
	}
	if r.Kind == kindOffsetOld {
		r.Kind = KindOffset
	}
	if value == nil {
		r.Value = nil
		return r, true, nil
	}
	if r.Value == nil { // KindPartitions: what it says is computed now
		return r, false, nil
	}
	v := codec{buf: value, reading: true}
	v.int16(&v.version)
	if v.version < 0 || v.version > lastVersion(r.Kind) {
		return r, true, fmt.Errorf("value of kind %d has version %d, which is not known here", kind, v.version)
	}
	v.flexible = flexible(r.Kind, v.version)
	r.Value.fields(&v)
	if v.err != nil {
		return r, true, fmt.Errorf("value of kind %d: %w", kind, v.err)
	}
	return r, true, nil
}

func newValue(k Kind) (Value, bool) {
	switch k {
	case kindOffsetOld, KindOffset:
		return &OffsetValue{}, true
	case KindClassic:
		return &ClassicValue{}, true
	case KindEpoch:
		return &EpochValue{}, true
	case KindPartitions:
		return nil, true
	case KindMember:
		return &MemberValue{}, true
	case KindTargetEpoch:
		return &TargetEpochValue{}, true
	case KindTarget:
		return &TargetValue{}, true
	case KindCurrent:
		return &CurrentValue{}, true
	case KindRegex:
		return &RegexValue{}, true
	}
	return nil, false
}

func lastVersion(k Kind) int16 {
	switch k {
	case KindOffset:
		return lastOffsetVersion
	case KindClassic:
		return lastClassicVersion
	}
	return 0
}
