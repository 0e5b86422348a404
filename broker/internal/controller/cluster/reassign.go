package cluster

import (
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A move of a partition (KIP-455): its replicas are the target and behind them those that leave; it is complete when all that
// are added are in the ISR. Then those that leave are dropped from replicas and ISR in one change.
//
//	none -> moving     AlterReassignments with other replicas
//	moving -> moving   again, with another target: what was being added for the old target only is dropped
//	moving -> none     the last added replica joins the ISR (AlterPartition), or nothing needs adding
//	moving -> none     AlterReassignments without replicas: back to where it began

func (m *Machine) alterReassignments(ev AlterReassignments) Effects {
	reply := make([]Result, len(ev.Partitions))
	var records []metadata.Record
	seen := map[ElectPartition]bool{}
	for i, p := range ev.Partitions {
		key := ElectPartition{p.Topic, p.Index}
		if seen[key] {
			reply[i] = fail(kerr.InvalidRequest, "The partition %s:%d is named twice.", p.Topic, p.Index)
			continue
		}
		seen[key] = true
		r, res := m.reassign(p, ev.KeepReplicationFactor)
		if reply[i] = res; r != nil {
			records = append(records, r)
		}
	}
	return Effects{Records: records, Reply: reply}
}

func (m *Machine) reassign(p Reassign, keepRF bool) (metadata.Record, Result) {
	t := m.View().Topic(p.Topic)
	if t == nil {
		return nil, fail(kerr.UnknownTopicOrPartition, "Unable to find a topic named %s.", p.Topic)
	}
	old := t.Partition(p.Index)
	if old == nil {
		return nil, fail(kerr.UnknownTopicOrPartition, "Unable to find partition %s:%d.", p.Topic, p.Index)
	}
	c := m.newChange(t, p.Index)
	original := minus(old.Replicas, old.Adding)
	if p.Replicas == nil {
		if len(old.Adding)+len(old.Removing) == 0 {
			return nil, fail(kerr.NoReassignmentInProgress, "")
		}
		c.replicas, c.adding, c.removing, c.isr = original, nil, nil, minus(c.isr, old.Adding)
		return c.moved(p)
	}
	if res := m.checkReplicas(p.Replicas, len(p.Replicas)); !res.OK() {
		return nil, res
	}
	if keepRF && len(p.Replicas) != len(original) {
		return nil, fail(kerr.InvalidReplicationFactor, "The replication factor is changed from %d to %d", len(original), len(p.Replicas))
	}
	c.adding, c.removing = minus(p.Replicas, original), minus(original, p.Replicas)
	c.replicas = append(slices.Clone(p.Replicas), c.removing...)
	c.isr = minus(c.isr, minus(old.Replicas, c.replicas))
	return c.moved(p)
}

// moved is the record of a move, unless it would drop everybody who is in sync: after an unclean election that may be one of
// those that were being added.
func (c *change) moved(p Reassign) (metadata.Record, Result) {
	if len(c.isr) == 0 && len(c.old.ISR) > 0 {
		return nil, fail(kerr.InvalidReplicaAssignment, "Unable to change partition assignment for %s:%d because it would require an "+
			"unclean leader election.", p.Topic, p.Index)
	}
	if r := c.record(); r != nil {
		return r, Result{}
	}
	return nil, Result{}
}

// complete ends a move whose added replicas are all in sync.
func (c *change) complete() {
	if len(c.adding)+len(c.removing) == 0 || len(minus(c.adding, c.isr)) > 0 {
		return
	}
	if replicas, isr := minus(c.replicas, c.removing), minus(c.isr, c.removing); len(replicas) > 0 && len(isr) > 0 {
		c.replicas, c.isr, c.adding, c.removing = replicas, isr, nil, nil
	}
}

// move writes what changed of the replicas into a record.
func (c *change) move(r *metadata.PartitionChangeRecord) bool {
	moved := false
	set := func(field *[]int32, old, next []int32) {
		if !slices.Equal(old, next) {
			*field, moved = list(next), true
		}
	}
	set(&r.Replicas, c.old.Replicas, c.replicas)
	set(&r.AddingReplicas, c.old.Adding, c.adding)
	set(&r.RemovingReplicas, c.old.Removing, c.removing)
	if r.Replicas == nil {
		return moved
	}
	r.Directories = make([]metadata.UUID, len(c.replicas))
	for i, id := range c.replicas {
		if at := slices.Index(c.old.Replicas, id); at >= 0 && at < len(c.old.Directories) {
			r.Directories[i] = c.old.Directories[at]
		} else {
			r.Directories[i] = onlyDirectory(c.m.View().Broker(id))
		}
	}
	return moved
}

// minus is a list without the elements of another.
func minus(a, b []int32) []int32 {
	var out []int32
	for _, id := range a {
		if !slices.Contains(b, id) {
			out = append(out, id)
		}
	}
	return out
}
