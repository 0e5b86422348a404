package metadata

import (
	"cmp"
	"slices"
)

// UUID is a Kafka uuid: topic ids, directory ids, incarnation ids.
type UUID = [16]byte

// ResourceType is the kind of a config resource, with Kafka's numbers.
type ResourceType int8

const (
	TopicResource         ResourceType = 2
	BrokerResource        ResourceType = 4
	BrokerLoggerResource  ResourceType = 8
	ClientMetricsResource ResourceType = 16
	GroupResource         ResourceType = 32
)

// Resource names what a configuration belongs to. The cluster-wide broker default has an empty name.
type Resource struct {
	Type ResourceType
	Name string
}

// Image is the state of the cluster at one offset of the metadata log. It never changes: Delta makes the next one.
// Everything it hands out is shared and must not be written to.
type Image struct {
	Offset    int64 // of the last record applied, -1 when empty
	Epoch     int32 // the quorum's term of that record
	ClusterID string

	topicsByName shards[string, *Topic]
	topicsByID   shards[UUID, *Topic]
	configs      shards[Resource, map[string]string]
	acls         shards[UUID, *AccessControlEntryRecord]
	brokers      map[int32]*Broker
	controllers  map[int32]*RegisterControllerRecord
	features     map[string]int16
	scram        map[ScramUser]*UserScramCredentialRecord
	quotas       map[string]*ClientQuota // by quotaKey
	tokens       map[string]*DelegationTokenRecord
	producerIDs  ProducerIdsRecord // the last block handed out
}

// Empty is the image before the first record.
func Empty(clusterID string) *Image { return &Image{Offset: -1, ClusterID: clusterID} }

// Topic is one topic. Partitions are indexed by partition number.
type Topic struct {
	Name       string
	ID         UUID
	Partitions []*Partition
}

// Partition is the controller's view of a partition.
type Partition struct {
	Replicas, ISR      []int32
	ELR, LastKnownELR  []int32
	Adding, Removing   []int32
	Directories        []UUID // one for each of Replicas
	Leader             int32  // -1: none
	LeaderEpoch        int32
	PartitionEpoch     int32
	LeaderRecoveryByte int8 // 1: recovers from an unclean election
}

// Broker is one registration.
type Broker struct {
	ID              int32
	Epoch           int64
	Incarnation     UUID
	Rack            *string
	Endpoints       []Endpoint
	Fenced          bool
	ShuttingDown    bool
	LogDirs         []UUID
	Features        map[string][2]int16
	CordonedLogDirs []UUID
}

// Endpoint is an advertised listener, its host verbatim as configured.
type Endpoint struct {
	Listener         string
	Host             string
	Port             uint16
	SecurityProtocol int16
}

// Topic answers the topic of that name, or nil.
func (i *Image) Topic(name string) *Topic {
	t, _ := i.topicsByName.get(partOf(name), name)
	return t
}

// TopicByID answers the topic with that id, or nil.
func (i *Image) TopicByID(id UUID) *Topic {
	t, _ := i.topicsByID.get(partOfID(id), id)
	return t
}

// Topics lists all topics by name.
func (i *Image) Topics() []*Topic {
	out := make([]*Topic, 0, i.topicsByName.count)
	i.topicsByName.each(func(_ string, t *Topic) { out = append(out, t) })
	slices.SortFunc(out, func(a, b *Topic) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// TopicCount is the number of topics.
func (i *Image) TopicCount() int { return i.topicsByName.count }

// Broker answers a registration, or nil.
func (i *Image) Broker(id int32) *Broker { return i.brokers[id] }

// Brokers lists all registrations by id, fenced ones included.
func (i *Image) Brokers() []*Broker {
	out := make([]*Broker, 0, len(i.brokers))
	for _, b := range i.brokers {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *Broker) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Config is what was set on a resource; nil when nothing was.
func (i *Image) Config(r Resource) map[string]string {
	set, _ := i.configs.get(partOf(r.Name), r)
	return set
}

// ConfigResources lists the resources that have something set, by type and name.
func (i *Image) ConfigResources() []Resource {
	out := make([]Resource, 0, i.configs.count)
	i.configs.each(func(r Resource, _ map[string]string) { out = append(out, r) })
	slices.SortFunc(out, compareResources)
	return out
}

func compareResources(a, b Resource) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
}

// Feature is the finalized level of a feature; 0 when it is off or unknown.
func (i *Image) Feature(name string) int16 { return i.features[name] }

// Features is every finalized feature. Do not write to it.
func (i *Image) Features() map[string]int16 { return i.features }

// NextProducerID is the first producer id of no block yet.
func (i *Image) NextProducerID() int64 { return i.producerIDs.NextProducerID }

// Partition answers one partition, or nil.
func (t *Topic) Partition(index int32) *Partition {
	if t == nil || index < 0 || int(index) >= len(t.Partitions) {
		return nil
	}
	return t.Partitions[index]
}
