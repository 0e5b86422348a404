package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Event is one of the types below; each has its reply beside it. Sealed.
//
//sumtype:decl
type Event interface{ event() }

// Client is who sends a request.
type Client struct {
	ID   string
	Host string // as Kafka shows it: /127.0.0.1
}

// JoinGroup: *kmsg.JoinGroupResponse, when the rebalance is complete.
type JoinGroup struct {
	*kmsg.JoinGroupRequest
	Client Client
}

// SyncGroup: *kmsg.SyncGroupResponse, when the leader has sent the assignment.
type SyncGroup struct{ *kmsg.SyncGroupRequest }

// Heartbeat: *kmsg.HeartbeatResponse.
type Heartbeat struct{ *kmsg.HeartbeatRequest }

// LeaveGroup: *kmsg.LeaveGroupResponse.
type LeaveGroup struct{ *kmsg.LeaveGroupRequest }

// ConsumerGroupHeartbeat: *kmsg.ConsumerGroupHeartbeatResponse.
type ConsumerGroupHeartbeat struct {
	*kmsg.ConsumerGroupHeartbeatRequest
	Client Client
}

// OffsetCommit stores offsets. Their topics exist: the api has looked. Reply: Committed.
type OffsetCommit struct {
	Group      string
	Member     string
	Instance   *string
	Generation int32 // or member epoch; negative: a simple consumer
	Version    int16 // of the request
	Retention  int64 // milliseconds that an old client asked for; -1: the broker's
	Producer   *coordinator.Producer
	Offsets    []Offset
}

// Offset is one offset to commit.
type Offset struct {
	Topic       string
	TopicID     UUID
	Partition   int32
	Offset      int64
	LeaderEpoch int32
	Metadata    string
}

// Committed has a code for each offset.
type Committed []int16

// OffsetFetch asks for committed offsets. Reply: Fetched.
type OffsetFetch struct {
	Group         string
	Member        *string // nil or empty with epoch -1: nobody's in particular
	Epoch         int32
	All           bool // every topic that has one, instead of Topics
	Topics        []TopicList
	RequireStable bool // an offset under an open transaction is an error (KIP-447)
}

// TopicList are partitions of a topic.
type TopicList struct {
	Topic      string
	Partitions []int32
}

// Fetched are committed offsets; those that are not are -1. Code is the group's.
type Fetched struct {
	Code   int16
	Topics []FetchedTopic
}

// FetchedTopic are the offsets of a topic.
type FetchedTopic struct {
	Topic      string
	Partitions []FetchedOffset
}

// FetchedOffset is one committed offset.
type FetchedOffset struct {
	Partition   int32
	Offset      int64
	LeaderEpoch int32
	Metadata    string
	Code        int16
}

// OffsetDelete forgets offsets. Reply: Deleted.
type OffsetDelete struct {
	Group  string
	Topics []TopicList
}

// Deleted has a code for the group, and one for each partition in the order of the request when that is 0.
type Deleted struct {
	Code       int16
	Partitions [][]int16
}

// DescribeGroups: []kmsg.DescribeGroupsResponseGroup, in order.
type DescribeGroups struct {
	Groups  []string
	Version int16
}

// DescribeConsumerGroups: []kmsg.ConsumerGroupDescribeResponseGroup, in order.
type DescribeConsumerGroups struct{ Groups []string }

// ListGroups: []kmsg.ListGroupsResponseGroup, by name. Empty filters let everything through.
type ListGroups struct{ States, Types []string }

// DeleteGroups: []kmsg.DeleteGroupsResponseGroup, in order.
type DeleteGroups struct {
	Groups  []string
	Version int16
}

// Image is the cluster as this broker has made it true. No reply.
type Image struct{ *metadata.Image }

// timeUp is a timer that fired. No reply.
type timeUp struct{ key coordinator.TimerKey }

func (JoinGroup) event()              {}
func (SyncGroup) event()              {}
func (Heartbeat) event()              {}
func (LeaveGroup) event()             {}
func (ConsumerGroupHeartbeat) event() {}
func (OffsetCommit) event()           {}
func (OffsetFetch) event()            {}
func (OffsetDelete) event()           {}
func (DescribeGroups) event()         {}
func (DescribeConsumerGroups) event() {}
func (ListGroups) event()             {}
func (DeleteGroups) event()           {}
func (Image) event()                  {}
func (timeUp) event()                 {}
