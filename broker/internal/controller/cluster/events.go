package cluster

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// CONTRACT (written first, so that the rooms above can be built beside this one): each event has its reply beside it.
// The shell is
//
//	func (c *Controller) Submit(ctx context.Context, ev cluster.Event) (cluster.Reply, error)
//	      // decide -> propose -> committed and durable -> apply -> publish image -> reply. error: no quorum, ctx ended.
//	func (c *Controller) Image() *metadata.Image
//	func (c *Controller) OnImage(fn func(old, next *metadata.Image, d *metadata.Delta)) // in order, before Submit returns
//
// Errors of single items are Results: a Kafka error code with the text that Kafka's tools show.

// Event is one of the requests below. Sealed.
type Event interface{ event() }

// Reply is the answer to an Event, of the type that stands beside it.
type Reply any

// Result is the outcome of one item: code 0 is success (codes: franz-go's kerr). Message is nil or the text for people.
type Result struct {
	Code    int16
	Message *string
}

// ConfigOp is one change of a key (IncrementalAlterConfigs' numbers).
type ConfigOp struct {
	Key   string
	Op    int8 // 0 set, 1 delete, 2 append, 3 subtract
	Value *string
}

// CreateTopics makes topics. Replicas are placed by the core unless Assignment is given.
// Names were not checked yet; doubled names are INVALID_REQUEST each. Reply: []CreatedTopic, in order.
type CreateTopics struct {
	Topics       []NewTopic
	ValidateOnly bool
	Internal     bool // the broker's own internal topics; also allowed for names that start with "__"
}

// NewTopic is one topic to make. Partitions and ReplicationFactor -1 mean the broker's defaults.
type NewTopic struct {
	Name              string
	Partitions        int32
	ReplicationFactor int16
	Assignment        [][]int32 // by partition number; nil: place
	Configs           []ConfigOp
	ID                metadata.UUID // made by the caller (randomness comes from outside)
}

// CreatedTopic answers NewTopic.
type CreatedTopic struct {
	Name string
	Result
	ID                metadata.UUID
	Partitions        int32
	ReplicationFactor int16
}

// DeleteTopics removes topics by name or (when Name is empty) by id. Reply: []DeletedTopic, in order.
type DeleteTopics struct {
	Topics []TopicRef
}

// TopicRef names a topic either way.
type TopicRef struct {
	Name string
	ID   metadata.UUID
}

// DeletedTopic answers TopicRef, with what could be filled in of the other name.
type DeletedTopic struct {
	TopicRef
	Result
}

// CreatePartitions grows topics. Reply: []Result, in order.
type CreatePartitions struct {
	Topics       []GrowTopic
	ValidateOnly bool
}

// GrowTopic is one topic to grow to Count partitions.
type GrowTopic struct {
	Name       string
	Count      int32
	Assignment [][]int32 // for the new partitions; nil: place
}

// AlterConfigs changes configurations of topics, brokers, groups and client metrics (API keys 33 and 44).
// Reply: []Result, in order.
type AlterConfigs struct {
	Resources    []AlterResource
	Replace      bool // AlterConfigs of old: what is not named goes back to its default
	ValidateOnly bool
}

// AlterResource is the change of one resource.
type AlterResource struct {
	Resource metadata.Resource
	Ops      []ConfigOp
}

// UpdateFeatures changes finalized levels. Reply: UpdatedFeatures.
type UpdateFeatures struct {
	Updates      []FeatureUpdate
	ValidateOnly bool
}

// FeatureUpdate is one change. UpgradeType: 1 upgrade, 2 safe downgrade, 3 unsafe downgrade.
type FeatureUpdate struct {
	Feature     string
	Level       int16
	UpgradeType int8
}

// UpdatedFeatures answers UpdateFeatures; Results are in order of the updates.
type UpdatedFeatures struct {
	Result
	Results []Result
}

// RegisterBroker (re-)registers a broker; the new broker epoch is the offset of its record. Every leadership that
// goes on after it has a new leader epoch (storage.md 11.2 rule 2). Reply: RegisteredBroker.
type RegisterBroker struct {
	Broker  metadata.Broker  // Epoch is ignored
	Unclean []TopicPartition // replicas whose recovery lost something below the durable checkpoint (rule 6)
}

// TopicPartition names a partition by topic id.
type TopicPartition struct {
	TopicID metadata.UUID
	Index   int32
}

// RegisteredBroker answers RegisterBroker.
type RegisteredBroker struct {
	Result
	Epoch int64
}

// UnfenceBroker and FenceBroker change a registration. Reply: Result.
type (
	UnfenceBroker struct {
		ID    int32
		Epoch int64
	}
	FenceBroker struct {
		ID    int32
		Epoch int64
	}
)

// AllocateProducerIDs hands out a block of 1,000 producer ids (KIP-730). Reply: ProducerIDBlock.
type AllocateProducerIDs struct {
	BrokerID    int32
	BrokerEpoch int64
}

// ProducerIDBlock is [First, First+Count).
type ProducerIDBlock struct {
	Result
	First int64
	Count int32
}

// ElectLeaders elects preferred (0) or unclean (1) leaders; Partitions nil means all. Reply: []ElectedLeader.
type ElectLeaders struct {
	Type       int8
	Partitions []ElectPartition
}

// ElectPartition names a partition by topic name.
type ElectPartition struct {
	Topic string
	Index int32
}

// ElectedLeader answers one partition.
type ElectedLeader struct {
	ElectPartition
	Result
}

func (CreateTopics) event()        {}
func (DeleteTopics) event()        {}
func (CreatePartitions) event()    {}
func (AlterConfigs) event()        {}
func (UpdateFeatures) event()      {}
func (RegisterBroker) event()      {}
func (UnfenceBroker) event()       {}
func (FenceBroker) event()         {}
func (AllocateProducerIDs) event() {}
func (ElectLeaders) event()        {}
