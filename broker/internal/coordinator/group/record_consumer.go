package group

// The records of KIP-848 groups, all of version 0.

// EpochValue is a group's epoch.
type EpochValue struct {
	Epoch        int32
	MetadataHash int64 // of the topics that are subscribed to; 0: none
}

func (*EpochValue) written() int16 { return 0 }

func (v *EpochValue) fields(c *codec) {
	c.int32(&v.Epoch)
	c.tags(tag{0, v.MetadataHash != 0, func() { c.int64(&v.MetadataHash) }})
}

// MemberValue is what a member said of itself.
type MemberValue struct {
	InstanceID       *string
	RackID           *string
	ClientID         string
	ClientHost       string
	Topics           []string
	Regex            *string
	RebalanceTimeout int32
	Assignor         *string
	Classic          *ClassicProtocols // nil: the member speaks the consumer protocol
}

// ClassicProtocols are those of a member that speaks the classic protocol.
type ClassicProtocols struct {
	SessionTimeout int32
	Protocols      []Protocol
}

// Protocol is a protocol that a classic member supports, with its metadata for it.
type Protocol struct {
	Name     string
	Metadata []byte
}

func (*MemberValue) written() int16 { return 0 }

func (v *MemberValue) fields(c *codec) {
	c.nullableString(&v.InstanceID)
	c.nullableString(&v.RackID)
	c.string(&v.ClientID)
	c.string(&v.ClientHost)
	list(c, &v.Topics, 1, c.string)
	c.nullableString(&v.Regex)
	c.int32(&v.RebalanceTimeout)
	c.nullableString(&v.Assignor)
	c.tags(tag{0, true, func() { v.classic(c) }}) // Kafka writes this tag for null, too
}

func (v *MemberValue) classic(c *codec) {
	there := uint64(0)
	if v.Classic != nil {
		there = 1
	}
	if c.uvarint(&there); there == 0 {
		v.Classic = nil
		return
	}
	if c.reading {
		v.Classic = &ClassicProtocols{}
	}
	c.int32(&v.Classic.SessionTimeout)
	list(c, &v.Classic.Protocols, 3, func(p *Protocol) {
		c.string(&p.Name)
		c.bytes(&p.Metadata)
		c.tags()
	})
	c.tags()
}

// TargetEpochValue is the epoch up to which the target assignment was computed.
type TargetEpochValue struct {
	Epoch    int32
	Computed int64 // Unix milliseconds; 0: it was taken over from a classic group
}

func (*TargetEpochValue) written() int16 { return 0 }

func (v *TargetEpochValue) fields(c *codec) {
	c.int32(&v.Epoch)
	c.tags(tag{0, v.Computed != 0, func() { c.int64(&v.Computed) }})
}

// TopicPartitions are partitions of a topic, sorted.
type TopicPartitions struct {
	TopicID    UUID
	Partitions []int32
	Epochs     []int32 // in a current assignment: when each was assigned; nil where records do not say it
}

// TargetValue is a member's part of the target assignment.
type TargetValue struct {
	Topics []TopicPartitions
}

func (*TargetValue) written() int16 { return 0 }

func (v *TargetValue) fields(c *codec) {
	list(c, &v.Topics, 18, func(t *TopicPartitions) {
		c.uuid(&t.TopicID)
		list(c, &t.Partitions, 4, c.int32)
		c.tags()
	})
	c.tags()
}

// CurrentValue is what a member has, and what it has to give up first.
type CurrentValue struct {
	Epoch         int32
	PreviousEpoch int32
	State         int8
	Assigned      []TopicPartitions
	Revoking      []TopicPartitions
}

func (*CurrentValue) written() int16 { return 0 }

func (v *CurrentValue) fields(c *codec) {
	c.int32(&v.Epoch)
	c.int32(&v.PreviousEpoch)
	c.int8(&v.State)
	topic := func(t *TopicPartitions) {
		c.uuid(&t.TopicID)
		list(c, &t.Partitions, 4, c.int32)
		c.tags(tag{0, t.Epochs != nil, func() { list(c, &t.Epochs, 4, c.int32) }})
	}
	list(c, &v.Assigned, 18, topic)
	list(c, &v.Revoking, 18, topic)
	c.tags()
}

// RegexValue is a resolved regular expression.
type RegexValue struct {
	Topics     []string
	Version    int64 // of the metadata that it was resolved with
	ResolvedAt int64 // Unix milliseconds
}

func (*RegexValue) written() int16 { return 0 }

func (v *RegexValue) fields(c *codec) {
	list(c, &v.Topics, 1, c.string)
	c.int64(&v.Version)
	c.int64(&v.ResolvedAt)
	c.tags()
}
