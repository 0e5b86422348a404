package metadata

import (
	"fmt"
	"maps"
	"slices"
)

// A Delta applies records to an image and makes the next one. It copies what a record touches, once, and shares the rest.
//
// One goroutine owns a Delta. Until Image is called the state so far is seen through View; after it the Delta only answers
// what changed.
type Delta struct {
	old, next *Image

	byName  edit[string, *Topic]
	byID    edit[UUID, *Topic]
	configs edit[Resource, map[string]string]
	acls    edit[UUID, *AccessControlEntryRecord]
	own     struct{ brokers, controllers, features, scram, quotas, tokens bool }

	topics      map[UUID]touched // topics that this delta made, changed or removed
	ownedConfig map[Resource]bool
	brokers     map[int32]bool
	features    bool
	security    bool
}

// touched is what a delta may write to of a topic.
type touched struct {
	list       bool           // the list of partitions is this delta's own
	partitions map[int32]bool // partitions that are this delta's own copies
}

// NewDelta starts from an image.
func NewDelta(from *Image) *Delta {
	next := *from
	return &Delta{old: from, next: &next, topics: map[UUID]touched{}, ownedConfig: map[Resource]bool{}, brokers: map[int32]bool{}}
}

// Old is the image the delta started from.
func (d *Delta) Old() *Image { return d.old }

// View is the state with the records so far: it changes with the next Apply.
func (d *Delta) View() *Image { return d.next }

// Image is the next image, at an offset and epoch. The delta takes no more records after it.
func (d *Delta) Image(offset int64, epoch int32) *Image {
	next := d.next
	next.Offset, next.Epoch = offset, epoch
	return next
}

// Apply changes the state by one record. An error means that the record does not fit the state.
func (d *Delta) Apply(r Record) error {
	if err := d.apply(r); err != nil {
		return fmt.Errorf("apply %T to the metadata: %w", r, err)
	}
	return nil
}

func (d *Delta) apply(r Record) error {
	switch r := r.(type) {
	case *TopicRecord:
		return d.addTopic(r)
	case *RemoveTopicRecord:
		return d.removeTopic(r)
	case *PartitionRecord:
		return d.setPartition(r)
	case *PartitionChangeRecord:
		return d.changePartition(r)
	case *ClearElrRecord:
		return d.clearELR(r)
	case *ConfigRecord:
		d.setConfig(r)
	case *RegisterBrokerRecord:
		d.registerBroker(r)
	case *UnregisterBrokerRecord:
		return d.unregisterBroker(r)
	case *BrokerRegistrationChangeRecord:
		return d.changeBroker(r)
	case *FenceBrokerRecord:
		return d.changeBroker(&BrokerRegistrationChangeRecord{BrokerID: r.ID, BrokerEpoch: r.Epoch, Fenced: 1})
	case *UnfenceBrokerRecord:
		return d.changeBroker(&BrokerRegistrationChangeRecord{BrokerID: r.ID, BrokerEpoch: r.Epoch, Fenced: -1})
	case *FeatureLevelRecord:
		d.setFeature(r)
	case *ProducerIdsRecord:
		d.next.producerIDs = *r
	case *RegisterControllerRecord:
		write(&d.next.controllers, &d.own.controllers)[r.ControllerID] = r
	case *AccessControlEntryRecord, *RemoveAccessControlEntryRecord, *UserScramCredentialRecord, *RemoveUserScramCredentialRecord,
		*ClientQuotaRecord, *DelegationTokenRecord, *RemoveDelegationTokenRecord:
		return d.applySecurity(r)
	case *NoOpRecord, *BeginTransactionRecord, *EndTransactionRecord, *AbortTransactionRecord:
	default:
		return fmt.Errorf("unknown type")
	}
	return nil
}

// write answers a map of the next image that may be written to, copied on its first use.
func write[K comparable, V any](m *map[K]V, owned *bool) map[K]V {
	if !*owned {
		if *m = maps.Clone(*m); *m == nil {
			*m = map[K]V{}
		}
		*owned = true
	}
	return *m
}

func (d *Delta) setConfig(r *ConfigRecord) {
	res := Resource{r.ResourceType, r.ResourceName}
	set := d.next.Config(res)
	if !d.ownedConfig[res] {
		set = maps.Clone(set)
		d.ownedConfig[res] = true
	}
	if set == nil {
		set = map[string]string{}
	}
	if r.Value == nil {
		delete(set, r.Name)
	} else {
		set[r.Name] = *r.Value
	}
	if len(set) == 0 {
		d.configs.delete(&d.next.configs, partOf(res.Name), res)
		return
	}
	d.configs.set(&d.next.configs, partOf(res.Name), res, set)
}

func (d *Delta) setFeature(r *FeatureLevelRecord) {
	d.features = true
	features := write(&d.next.features, &d.own.features)
	if features[r.Name] = r.FeatureLevel; r.FeatureLevel == 0 {
		delete(features, r.Name)
	}
}

func (d *Delta) registerBroker(r *RegisterBrokerRecord) {
	b := &Broker{
		ID: r.BrokerID, Epoch: r.BrokerEpoch, Incarnation: r.IncarnationID, Rack: r.Rack, Endpoints: some(r.EndPoints), Fenced: r.Fenced,
		ShuttingDown: r.InControlledShutdown, LogDirs: some(r.LogDirs), CordonedLogDirs: r.CordonedLogDirs, Features: map[string][2]int16{},
	}
	for _, f := range r.Features {
		b.Features[f.Name] = [2]int16{f.MinSupportedVersion, f.MaxSupportedVersion}
	}
	write(&d.next.brokers, &d.own.brokers)[b.ID] = b
	d.brokers[b.ID] = true
}

// registration answers a broker's registration if it is the one of that epoch.
func (d *Delta) registration(id int32, epoch int64) (*Broker, error) {
	b := d.next.brokers[id]
	if b == nil {
		return nil, fmt.Errorf("broker %d is not registered", id)
	}
	if b.Epoch != epoch {
		return nil, fmt.Errorf("broker %d is registered with epoch %d, not %d", id, b.Epoch, epoch)
	}
	return b, nil
}

func (d *Delta) unregisterBroker(r *UnregisterBrokerRecord) error {
	if _, err := d.registration(r.BrokerID, r.BrokerEpoch); err != nil {
		return err
	}
	delete(write(&d.next.brokers, &d.own.brokers), r.BrokerID)
	d.brokers[r.BrokerID] = true
	return nil
}

func (d *Delta) changeBroker(r *BrokerRegistrationChangeRecord) error {
	b, err := d.registration(r.BrokerID, r.BrokerEpoch)
	if err != nil {
		return err
	}
	next := *b
	switch r.Fenced {
	case 1:
		next.Fenced = true
	case -1:
		next.Fenced = false
	case 0:
	default:
		return fmt.Errorf("unknown value for fenced: %d", r.Fenced)
	}
	if r.InControlledShutdown == 1 {
		next.ShuttingDown = true
	}
	if r.LogDirs != nil {
		next.LogDirs = r.LogDirs
	}
	if r.CordonedLogDirs != nil {
		next.CordonedLogDirs = r.CordonedLogDirs
	}
	write(&d.next.brokers, &d.own.brokers)[b.ID] = &next
	d.brokers[b.ID] = true
	return nil
}

func (d *Delta) applySecurity(r Record) error {
	d.security = true
	switch r := r.(type) {
	case *AccessControlEntryRecord:
		d.acls.set(&d.next.acls, partOfID(r.ID), r.ID, r)
	case *RemoveAccessControlEntryRecord:
		d.acls.delete(&d.next.acls, partOfID(r.ID), r.ID)
	case *UserScramCredentialRecord:
		write(&d.next.scram, &d.own.scram)[ScramUser{r.Name, r.Mechanism}] = r
	case *RemoveUserScramCredentialRecord:
		delete(write(&d.next.scram, &d.own.scram), ScramUser{r.Name, r.Mechanism})
	case *DelegationTokenRecord:
		write(&d.next.tokens, &d.own.tokens)[r.TokenID] = r
	case *RemoveDelegationTokenRecord:
		delete(write(&d.next.tokens, &d.own.tokens), r.TokenID)
	case *ClientQuotaRecord:
		d.setQuota(r)
	}
	return nil
}

func (d *Delta) setQuota(r *ClientQuotaRecord) {
	quotas, key := write(&d.next.quotas, &d.own.quotas), quotaKey(r.Entity)
	next := ClientQuota{Entity: sortedEntity(r.Entity), Values: map[string]float64{}}
	if q := quotas[key]; q != nil {
		maps.Copy(next.Values, q.Values)
	}
	if next.Values[r.Key] = r.Value; r.Remove {
		delete(next.Values, r.Key)
	}
	if quotas[key] = &next; len(next.Values) == 0 {
		delete(quotas, key)
	}
}

// FeaturesChanged tells whether a finalized feature changed.
func (d *Delta) FeaturesChanged() bool { return d.features }

// SecurityChanged tells whether an ACL, a credential, a quota or a token changed.
func (d *Delta) SecurityChanged() bool { return d.security }

// BrokersChanged lists the brokers whose registration changed, by id.
func (d *Delta) BrokersChanged() []int32 { return slices.Sorted(maps.Keys(d.brokers)) }

// ConfigsChanged lists the resources whose configuration changed, by type and name.
func (d *Delta) ConfigsChanged() []Resource {
	return slices.SortedFunc(maps.Keys(d.ownedConfig), compareResources)
}
