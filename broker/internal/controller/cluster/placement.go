package cluster

import (
	"encoding/binary"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// place puts partitions of a topic on brokers: replica lists for partitions [first, first+count), the first of each being
// the preferred leader. Leaders go round all live brokers; followers prefer racks that the partition is not on yet, and live
// brokers before fenced ones. The topic's id seeds where the round begins, so that the answer needs no random source.
func (m *Machine) place(id metadata.UUID, first, count int32, rf int) ([][]int32, error) {
	live, fenced := m.candidates()
	if total := len(live) + len(fenced); rf > total {
		return nil, say("Unable to replicate the partition %d time(s): The target replication factor of %d cannot be reached because "+
			"only %d broker(s) are registered or some brokers have all their log directories cordoned.", rf, rf, total)
	}
	if len(live) == 0 {
		return nil, say("Unable to replicate the partition %d time(s): All brokers are currently fenced or in controlled shutdown.", rf)
	}
	seed := binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])
	out := make([][]int32, 0, count)
	for p := uint64(first); p < uint64(first)+uint64(count); p++ {
		at, shift := (seed+p)%uint64(len(live)), (seed>>32+p/uint64(len(live)))%uint64(len(live))
		out = append(out, spread(live, fenced, int(at), int(shift), rf))
	}
	return out, nil
}

// candidates lists brokers that may get replicas, those of different racks alternating.
func (m *Machine) candidates() (live, fenced []*metadata.Broker) {
	for _, b := range m.View().Brokers() {
		switch {
		case b.ShuttingDown || allCordoned(b):
		case b.Fenced:
			fenced = append(fenced, b)
		default:
			live = append(live, b)
		}
	}
	return alternate(live), alternate(fenced)
}

func allCordoned(b *metadata.Broker) bool {
	return len(b.LogDirs) > 0 && !slices.ContainsFunc(b.LogDirs, func(d metadata.UUID) bool { return !slices.Contains(b.CordonedLogDirs, d) })
}

func rack(b *metadata.Broker) string {
	if b.Rack == nil {
		return ""
	}
	return *b.Rack
}

// alternate takes one broker of each rack in turn.
func alternate(brokers []*metadata.Broker) []*metadata.Broker {
	racks := map[string][]*metadata.Broker{}
	for _, b := range brokers {
		racks[rack(b)] = append(racks[rack(b)], b)
	}
	names := make([]string, 0, len(racks))
	for name := range racks {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make([]*metadata.Broker, 0, len(brokers))
	for turn := 0; len(out) < len(brokers); turn++ {
		for _, name := range names {
			if turn < len(racks[name]) {
				out = append(out, racks[name][turn])
			}
		}
	}
	return out
}

// spread picks rf brokers: the leader at a position, then those behind it, unused racks first.
func spread(live, fenced []*metadata.Broker, at, shift, rf int) []int32 {
	n := len(live)
	order := make([]*metadata.Broker, 0, n+len(fenced))
	order = append(order, live[at])
	for i := range n - 1 {
		order = append(order, live[(at+1+(shift+i)%(n-1))%n])
	}
	order = append(order, fenced...)
	out := make([]int32, 0, rf)
	racks := map[string]bool{}
	for _, newRack := range []bool{true, false} {
		for _, b := range order {
			if len(out) < rf && racks[rack(b)] != newRack && !slices.Contains(out, b.ID) {
				out = append(out, b.ID)
				racks[rack(b)] = true
			}
		}
	}
	return out
}

// newPartition is the record of a new partition: the live replicas are in sync, the first of them leads.
func (m *Machine) newPartition(topic metadata.UUID, index int32, replicas []int32) *metadata.PartitionRecord {
	r := &metadata.PartitionRecord{PartitionID: index, TopicID: topic, Replicas: replicas, Leader: -1}
	for _, id := range replicas {
		b := m.View().Broker(id)
		r.Directories = append(r.Directories, onlyDirectory(b))
		if live(b) {
			r.ISR = append(r.ISR, id)
		}
	}
	if len(r.ISR) > 0 {
		r.Leader = r.ISR[0]
	}
	return r
}

// onlyDirectory is the directory that a replica must be in, or none when the broker may choose.
func onlyDirectory(b *metadata.Broker) metadata.UUID {
	if b == nil || len(b.LogDirs) != 1 {
		return metadata.UUID{}
	}
	return b.LogDirs[0]
}

// live tells whether a broker may lead.
func live(b *metadata.Broker) bool { return b != nil && !b.Fenced && !b.ShuttingDown }
