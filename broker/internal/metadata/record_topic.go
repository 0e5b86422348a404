package metadata

// TopicRecord makes a topic without partitions.
type TopicRecord struct {
	Name    string
	TopicID UUID
}

// RemoveTopicRecord removes a topic, its partitions and its configuration.
type RemoveTopicRecord struct {
	TopicID UUID
}

// PartitionRecord makes a partition, or replaces it whole.
type PartitionRecord struct {
	PartitionID            int32
	TopicID                UUID
	Replicas               []int32 // in preferred order
	ISR                    []int32
	RemovingReplicas       []int32
	AddingReplicas         []int32
	Leader                 int32 // -1: none
	LeaderRecoveryState    int8  // 1: recovers from an unclean election
	LeaderEpoch            int32
	PartitionEpoch         int32
	Directories            []UUID  // one for each of Replicas
	EligibleLeaderReplicas []int32 // nil: none
	LastKnownELR           []int32 // nil: none
}

// What a PartitionChangeRecord holds where nothing changes; lists are nil then.
const (
	NoLeaderChange   int32 = -2
	NoRecoveryChange int8  = -1
)

// PartitionChangeRecord changes what is set in it. Every change raises the partition epoch. A Leader that is set, be it
// the one that leads already, raises the leader epoch.
type PartitionChangeRecord struct {
	PartitionID            int32
	TopicID                UUID
	ISR                    []int32 // nil: no change
	Leader                 int32   // NoLeaderChange, -1 for none, or the leader
	Replicas               []int32 // nil: no change
	RemovingReplicas       []int32 // nil: no change
	AddingReplicas         []int32 // nil: no change
	LeaderRecoveryState    int8    // NoRecoveryChange, 0 or 1
	Directories            []UUID  // nil: no change
	EligibleLeaderReplicas []int32 // nil: no change
	LastKnownELR           []int32 // nil: no change
}

// ClearElrRecord empties the ELR of a topic's partitions, or of all when the name is empty.
type ClearElrRecord struct {
	TopicName string
}

// ConfigRecord sets one key of a resource; a nil value goes back to the default.
type ConfigRecord struct {
	ResourceType ResourceType
	ResourceName string
	Name         string
	Value        *string
}

func (*TopicRecord) kind() kind           { return kind{2, 0} }
func (*PartitionRecord) kind() kind       { return kind{3, 2} }
func (*ConfigRecord) kind() kind          { return kind{4, 0} }
func (*PartitionChangeRecord) kind() kind { return kind{5, 2} }
func (*RemoveTopicRecord) kind() kind     { return kind{9, 0} }
func (*ClearElrRecord) kind() kind        { return kind{28, 0} }

func (r *TopicRecord) walk(c *codec) {
	c.string(&r.Name)
	c.uuid(&r.TopicID)
	c.tags()
}

func (r *RemoveTopicRecord) walk(c *codec) {
	c.uuid(&r.TopicID)
	c.tags()
}

func (r *ClearElrRecord) walk(c *codec) {
	c.string(&r.TopicName)
	c.tags()
}

func (r *ConfigRecord) walk(c *codec) {
	c.int8((*int8)(&r.ResourceType))
	c.string(&r.ResourceName)
	c.string(&r.Name)
	c.nullableString(&r.Value)
	c.tags()
}

func (r *PartitionRecord) walk(c *codec) {
	c.int32(&r.PartitionID)
	c.uuid(&r.TopicID)
	c.ids(&r.Replicas, false)
	c.ids(&r.ISR, false)
	c.ids(&r.RemovingReplicas, false)
	c.ids(&r.AddingReplicas, false)
	c.int32(&r.Leader)
	c.int32(&r.LeaderEpoch)
	c.int32(&r.PartitionEpoch)
	known := []tag{{0, r.LeaderRecoveryState != 0, func() { c.int8(&r.LeaderRecoveryState) }}}
	if c.version >= 1 {
		c.uuids(&r.Directories, false)
	}
	if c.version >= 2 {
		known = append(known,
			tag{1, r.EligibleLeaderReplicas != nil, func() { c.ids(&r.EligibleLeaderReplicas, true) }},
			tag{2, r.LastKnownELR != nil, func() { c.ids(&r.LastKnownELR, true) }})
	}
	c.tags(known...)
}

func (r *PartitionChangeRecord) walk(c *codec) {
	if c.reading {
		r.Leader, r.LeaderRecoveryState = NoLeaderChange, NoRecoveryChange
	}
	c.int32(&r.PartitionID)
	c.uuid(&r.TopicID)
	known := []tag{
		{0, r.ISR != nil, func() { c.ids(&r.ISR, true) }},
		{1, r.Leader != NoLeaderChange, func() { c.int32(&r.Leader) }},
		{2, r.Replicas != nil, func() { c.ids(&r.Replicas, true) }},
		{3, r.RemovingReplicas != nil, func() { c.ids(&r.RemovingReplicas, true) }},
		{4, r.AddingReplicas != nil, func() { c.ids(&r.AddingReplicas, true) }},
		{5, r.LeaderRecoveryState != NoRecoveryChange, func() { c.int8(&r.LeaderRecoveryState) }},
	}
	if c.version >= 2 {
		known = append(known,
			tag{6, r.EligibleLeaderReplicas != nil, func() { c.ids(&r.EligibleLeaderReplicas, true) }},
			tag{7, r.LastKnownELR != nil, func() { c.ids(&r.LastKnownELR, true) }})
	}
	if c.version >= 1 {
		known = append(known, tag{8, r.Directories != nil, func() { c.uuids(&r.Directories, true) }})
	}
	c.tags(known...)
}
