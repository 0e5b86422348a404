package metadata

import (
	"maps"
	"slices"
)

// RegisterBrokerRecord registers a broker, or registers it again.
type RegisterBrokerRecord struct {
	BrokerID             int32
	IncarnationID        UUID
	BrokerEpoch          int64
	EndPoints            []Endpoint
	Features             []FeatureRange // sorted by name
	Rack                 *string
	Fenced               bool
	InControlledShutdown bool
	LogDirs              []UUID
	CordonedLogDirs      []UUID // nil: never told
}

// FeatureRange is the levels of a feature that a node supports.
type FeatureRange struct {
	Name                string
	MinSupportedVersion int16
	MaxSupportedVersion int16
}

// UnregisterBrokerRecord removes a registration.
type UnregisterBrokerRecord struct {
	BrokerID    int32
	BrokerEpoch int64
}

// FenceBrokerRecord and UnfenceBrokerRecord are what BrokerRegistrationChangeRecord replaced; they are read, not written.
type (
	FenceBrokerRecord struct {
		ID    int32
		Epoch int64
	}
	UnfenceBrokerRecord struct {
		ID    int32
		Epoch int64
	}
)

// BrokerRegistrationChangeRecord changes parts of a registration.
type BrokerRegistrationChangeRecord struct {
	BrokerID             int32
	BrokerEpoch          int64
	Fenced               int8   // -1 unfenced, 0 no change, 1 fenced
	InControlledShutdown int8   // 0 no change, 1 shutting down
	LogDirs              []UUID // nil: no change
	CordonedLogDirs      []UUID // nil: no change
}

// RegisterControllerRecord registers a controller node.
type RegisterControllerRecord struct {
	ControllerID     int32
	IncarnationID    UUID
	ZkMigrationReady bool
	EndPoints        []Endpoint
	Features         []FeatureRange // sorted by name
}

// ProducerIdsRecord hands a block of producer ids to a broker: those below NextProducerID are taken.
type ProducerIdsRecord struct {
	BrokerID       int32
	BrokerEpoch    int64
	NextProducerID int64
}

// FeatureLevelRecord finalizes a level of a feature; 0 switches it off.
type FeatureLevelRecord struct {
	Name         string
	FeatureLevel int16
}

func (*RegisterBrokerRecord) kind() kind           { return kind{0, 4} }
func (*UnregisterBrokerRecord) kind() kind         { return kind{1, 0} }
func (*FenceBrokerRecord) kind() kind              { return kind{7, 0} }
func (*UnfenceBrokerRecord) kind() kind            { return kind{8, 0} }
func (*FeatureLevelRecord) kind() kind             { return kind{12, 0} }
func (*ProducerIdsRecord) kind() kind              { return kind{15, 0} }
func (*BrokerRegistrationChangeRecord) kind() kind { return kind{17, 3} }
func (*RegisterControllerRecord) kind() kind       { return kind{27, 0} }

// featureRanges is a registration's features in the order of a record.
func featureRanges(m map[string][2]int16) []FeatureRange {
	out := make([]FeatureRange, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, FeatureRange{name, m[name][0], m[name][1]})
	}
	return out
}

func (c *codec) endpoints(p *[]Endpoint) {
	list(c, p, 7, false, func(e *Endpoint) {
		c.string(&e.Listener)
		c.string(&e.Host)
		c.uint16(&e.Port)
		c.int16(&e.SecurityProtocol)
		c.tags()
	})
}

func (c *codec) features(p *[]FeatureRange) {
	list(c, p, 6, false, func(f *FeatureRange) {
		c.string(&f.Name)
		c.int16(&f.MinSupportedVersion)
		c.int16(&f.MaxSupportedVersion)
		c.tags()
	})
}

func (r *RegisterBrokerRecord) walk(c *codec) {
	if c.reading {
		r.Fenced = true
	}
	c.int32(&r.BrokerID)
	if c.version >= 2 {
		var migrates bool // IsMigratingZkBroker: Kafka gave the migration up in 4.0
		c.bool(&migrates)
	}
	c.uuid(&r.IncarnationID)
	c.int64(&r.BrokerEpoch)
	c.endpoints(&r.EndPoints)
	c.features(&r.Features)
	c.nullableString(&r.Rack)
	c.bool(&r.Fenced)
	if c.version >= 1 {
		c.bool(&r.InControlledShutdown)
	}
	var known []tag
	if c.version >= 3 {
		known = append(known, tag{0, len(r.LogDirs) > 0, func() { c.uuids(&r.LogDirs, false) }})
	}
	if c.version >= 4 {
		known = append(known, tag{1, r.CordonedLogDirs != nil, func() { c.uuids(&r.CordonedLogDirs, true) }})
	}
	c.tags(known...)
}

func (r *UnregisterBrokerRecord) walk(c *codec) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.tags()
}

func (r *FenceBrokerRecord) walk(c *codec) {
	c.int32(&r.ID)
	c.int64(&r.Epoch)
	c.tags()
}

func (r *UnfenceBrokerRecord) walk(c *codec) {
	c.int32(&r.ID)
	c.int64(&r.Epoch)
	c.tags()
}

func (r *BrokerRegistrationChangeRecord) walk(c *codec) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	known := []tag{{0, r.Fenced != 0, func() { c.int8(&r.Fenced) }}}
	if c.version >= 1 {
		known = append(known, tag{1, r.InControlledShutdown != 0, func() { c.int8(&r.InControlledShutdown) }})
	}
	if c.version >= 2 {
		known = append(known, tag{2, len(r.LogDirs) > 0, func() { c.uuids(&r.LogDirs, false) }})
	}
	if c.version >= 3 {
		known = append(known, tag{3, r.CordonedLogDirs != nil, func() { c.uuids(&r.CordonedLogDirs, true) }})
	}
	c.tags(known...)
}

func (r *RegisterControllerRecord) walk(c *codec) {
	c.int32(&r.ControllerID)
	c.uuid(&r.IncarnationID)
	c.bool(&r.ZkMigrationReady)
	c.endpoints(&r.EndPoints)
	c.features(&r.Features)
	c.tags()
}

func (r *ProducerIdsRecord) walk(c *codec) {
	c.int32(&r.BrokerID)
	c.int64(&r.BrokerEpoch)
	c.int64(&r.NextProducerID)
	c.tags()
}

func (r *FeatureLevelRecord) walk(c *codec) {
	c.string(&r.Name)
	c.int16(&r.FeatureLevel)
	c.tags()
}
