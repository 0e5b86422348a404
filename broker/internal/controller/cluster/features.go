package cluster

import (
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Features that a cluster can finalize.
const (
	FeatureMetadata    = "metadata.version"
	FeatureTransaction = "transaction.version"
	FeatureGroup       = "group.version"
	FeatureELR         = "eligible.leader.replicas.version"
	FeatureKRaft       = "kraft.version" // a feature like the others here; Kafka keeps it in its raft log
)

// SupportedFeatures is the lowest and highest level of each feature that this build serves (broker.md 3.8).
func SupportedFeatures() map[string][2]int16 {
	return map[string][2]int16{
		FeatureMetadata:    {7, 30}, // 3.3-IV3 to 4.3-IV0
		FeatureTransaction: {0, 2},
		FeatureGroup:       {0, 1},
		FeatureELR:         {0, 1},
		FeatureKRaft:       {0, 1},
	}
}

// Bootstrap is what a new cluster begins with: every feature at its highest level, metadata.version first.
func Bootstrap() []metadata.Record {
	supported := SupportedFeatures()
	records := []metadata.Record{&metadata.FeatureLevelRecord{Name: FeatureMetadata, FeatureLevel: supported[FeatureMetadata][1]}}
	for _, name := range slices.Sorted(maps.Keys(supported)) {
		if name != FeatureMetadata {
			records = append(records, &metadata.FeatureLevelRecord{Name: name, FeatureLevel: supported[name][1]})
		}
	}
	return records
}

// Numbers of FeatureUpdate.UpgradeType.
const (
	upgrade         int8 = 1
	safeDowngrade   int8 = 2
	unsafeDowngrade int8 = 3
)

// updateFeatures changes all features or none, as Kafka's API does: one bad update spoils the rest.
func (m *Machine) updateFeatures(ev UpdateFeatures) Effects {
	var records []metadata.Record
	reply := UpdatedFeatures{Results: make([]Result, len(ev.Updates))}
	for _, u := range ev.Updates {
		if err := m.checkFeature(u); err != nil {
			return Effects{Reply: UpdatedFeatures{Result: fail(kerr.InvalidUpdateVersion,
				"The update failed for all features since the following feature had an error: "+
					"Invalid update version %d for feature %s. %v", u.Level, u.Feature, err)}}
		}
		if u.Level == m.View().Feature(u.Feature) {
			continue
		}
		records = append(records, &metadata.FeatureLevelRecord{Name: u.Feature, FeatureLevel: u.Level})
		if u.Feature == FeatureELR && u.Level == 0 {
			records = append(records, m.dropELR()...)
		}
	}
	if ev.ValidateOnly {
		records = nil
	}
	return Effects{Records: records, Reply: reply}
}

// checkFeature answers what is wrong with one update, in Kafka's words.
func (m *Machine) checkFeature(u FeatureUpdate) error {
	if u.UpgradeType < upgrade || u.UpgradeType > unsafeDowngrade {
		return say("The controller does not support the given upgrade type.")
	}
	levels, ok := SupportedFeatures()[u.Feature]
	switch {
	case !ok:
		return say("Local controller %d does not support this feature.", m.cfg.NodeID)
	case u.Level < 0:
		return say("A feature version cannot be less than 0.")
	case u.Level < levels[0] || u.Level > levels[1]:
		return say("Local controller %d only supports versions %d-%d", m.cfg.NodeID, levels[0], levels[1])
	}
	if err := m.brokersSupport(u); err != nil {
		return err
	}
	return m.checkDirection(u)
}

func (m *Machine) brokersSupport(u FeatureUpdate) error {
	for _, b := range m.View().Brokers() {
		levels, ok := b.Features[u.Feature]
		switch {
		case len(b.Features) == 0: // it did not tell
		case !ok && u.Level > 0:
			return say("Broker %d does not support this feature.", b.ID)
		case ok && (u.Level < levels[0] || u.Level > levels[1]) && u.Level > 0:
			return say("Broker %d only supports versions %d-%d", b.ID, levels[0], levels[1])
		}
	}
	return nil
}

func (m *Machine) checkDirection(u FeatureUpdate) error {
	now := m.View().Feature(u.Feature)
	switch {
	case u.Level == now:
		return nil
	case u.Level > now && u.UpgradeType != upgrade:
		return say("Can't downgrade to a newer version.")
	case u.Level < now && u.UpgradeType == upgrade:
		return say("Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.")
	case u.Level < now && u.Feature == FeatureMetadata && u.UpgradeType == safeDowngrade:
		return say("Refusing to perform the requested downgrade because it might delete metadata information.")
	case u.Level < now && u.Feature == FeatureMetadata:
		return say("Unsafe metadata downgrade is not supported in this version.")
	case u.Level < now && u.Feature == FeatureKRaft:
		return say("Can't downgrade the version of this feature.")
	}
	return nil
}
