package worker

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/streams/internal/assign"
)

// balancer assigns whole tasks: all partitions of a sub-topology with one number go to one member. It is cooperative: only what moves
// is revoked.
type balancer struct {
	l      *layout
	topics []string
}

// ProtocolName implements kgo.GroupBalancer; members of one application must agree on it.
func (*balancer) ProtocolName() string { return "mainstem-streams" }

// IsCooperative implements kgo.GroupBalancer.
func (*balancer) IsCooperative() bool { return true }

// JoinGroupMetadata implements kgo.GroupBalancer.
func (b *balancer) JoinGroupMetadata(interests []string, current map[string][]int32, generation int32) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version = 3
	m.Topics = interests
	m.UserData = []byte{1} // version of what may follow
	m.Generation = generation
	for _, topic := range slices.Sorted(maps.Keys(current)) {
		m.OwnedPartitions = append(m.OwnedPartitions, kmsg.ConsumerMemberMetadataOwnedPartition{Topic: topic, Partitions: current[topic]})
	}
	return m.AppendTo(nil)
}

// ParseSyncAssignment implements kgo.GroupBalancer.
func (*balancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	return kgo.ParseConsumerSyncAssignment(assignment)
}

// MemberBalancer implements kgo.GroupBalancer.
func (b *balancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	cb, err := kgo.NewConsumerBalancer(b, members)
	return cb, cb.MemberTopics(), err
}

// Balance implements kgo.ConsumerBalancerBalance.
func (b *balancer) Balance(cb *kgo.ConsumerBalancer, counts map[string]int32) kgo.IntoSyncAssignment {
	var tasks []assign.Task
	parts := map[assign.Task]map[string]bool{}
	owner := map[string]map[int32]assign.Task{}
	for i, gr := range b.l.groups {
		if gr.Global {
			continue
		}
		for _, topic := range b.l.sources(gr) {
			for p := range counts[topic] {
				t := assign.Task{Group: i, Partition: p}
				if parts[t] == nil {
					tasks, parts[t] = append(tasks, t), map[string]bool{}
				}
				parts[t][topic] = true
				if owner[topic] == nil {
					owner[topic] = map[int32]assign.Task{}
				}
				owner[topic][p] = t
			}
		}
	}
	var members []assign.Member
	byID := map[string]*kmsg.JoinGroupResponseMember{}
	cb.EachMember(func(m *kmsg.JoinGroupResponseMember, meta *kmsg.ConsumerMemberMetadata) {
		member := assign.Member{ID: m.MemberID}
		seen := map[assign.Task]bool{}
		for _, o := range meta.OwnedPartitions {
			for _, p := range o.Partitions {
				if t, ok := owner[o.Topic][p]; ok && !seen[t] {
					seen[t] = true
					member.Tasks = append(member.Tasks, t)
				}
			}
		}
		members, byID[m.MemberID] = append(members, member), m
	})
	plan := cb.NewPlan()
	for id, ts := range assign.Balance(members, tasks) {
		for _, t := range ts {
			for _, topic := range slices.Sorted(maps.Keys(parts[t])) {
				plan.AddPartition(byID[id], topic, t.Partition)
			}
		}
	}
	plan.AdjustCooperative(cb)
	return plan
}
