package metadata

import (
	"maps"
	"slices"
)

// Records lists records that build the image from nothing, in an order that is always the same: a snapshot. The level of
// metadata.version comes first, as Kafka's readers want it.
func (i *Image) Records() []Record {
	var out []Record
	const first = "metadata.version"
	if level := i.Feature(first); level != 0 {
		out = append(out, &FeatureLevelRecord{first, level})
	}
	for _, name := range slices.Sorted(maps.Keys(i.features)) {
		if name != first {
			out = append(out, &FeatureLevelRecord{name, i.features[name]})
		}
	}
	for _, c := range i.Controllers() {
		out = append(out, c)
	}
	for _, b := range i.Brokers() {
		out = append(out, b.Record())
	}
	for _, t := range i.Topics() {
		out = append(out, &TopicRecord{t.Name, t.ID})
		for n, p := range t.Partitions {
			out = append(out, p.Record(t.ID, int32(n)))
		}
	}
	for _, r := range i.ConfigResources() {
		set := i.Config(r)
		for _, key := range slices.Sorted(maps.Keys(set)) {
			out = append(out, &ConfigRecord{r.Type, r.Name, key, new(set[key])})
		}
	}
	return i.appendSecurity(out)
}

func (i *Image) appendSecurity(out []Record) []Record {
	for _, a := range i.ACLs() {
		out = append(out, a)
	}
	for _, s := range i.ScramCredentials() {
		out = append(out, s)
	}
	for _, q := range i.ClientQuotas() {
		for _, key := range slices.Sorted(maps.Keys(q.Values)) {
			out = append(out, &ClientQuotaRecord{Entity: q.Entity, Key: key, Value: q.Values[key]})
		}
	}
	for _, t := range i.DelegationTokens() {
		out = append(out, t)
	}
	if i.producerIDs != (ProducerIdsRecord{}) {
		out = append(out, new(i.producerIDs))
	}
	return out
}

// Record is the record of this registration.
func (b *Broker) Record() *RegisterBrokerRecord {
	return &RegisterBrokerRecord{
		BrokerID: b.ID, IncarnationID: b.Incarnation, BrokerEpoch: b.Epoch, EndPoints: b.Endpoints, Features: featureRanges(b.Features),
		Rack: b.Rack, Fenced: b.Fenced, InControlledShutdown: b.ShuttingDown, LogDirs: b.LogDirs, CordonedLogDirs: b.CordonedLogDirs,
	}
}

// Record is the record of this partition as it is.
func (p *Partition) Record(topic UUID, index int32) *PartitionRecord {
	return &PartitionRecord{
		PartitionID: index, TopicID: topic, Replicas: p.Replicas, ISR: p.ISR, RemovingReplicas: p.Removing, AddingReplicas: p.Adding,
		Leader: p.Leader, LeaderRecoveryState: p.LeaderRecoveryByte, LeaderEpoch: p.LeaderEpoch, PartitionEpoch: p.PartitionEpoch,
		Directories: p.Directories, EligibleLeaderReplicas: p.ELR, LastKnownELR: p.LastKnownELR,
	}
}
