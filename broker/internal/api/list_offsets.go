package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// Special times of ListOffsets, with the first version that knows them.
const (
	latestTime          = -1
	earliestTime        = -2
	maxTime             = -3 // v7, KIP-734
	earliestLocalTime   = -4 // v8, KIP-405
	latestTieredTime    = -5 // v9, KIP-1005
	earliestPendingTime = -6 // v11, KIP-1023
)

var specialTimes = map[int64]int16{latestTime: 1, earliestTime: 1, maxTime: 7, earliestLocalTime: 8, latestTieredTime: 9, earliestPendingTime: 11}

// ListOffsets (key 2), versions 1-11.
//
//	v2  isolation level (KIP-98)    v4  leader epoch (KIP-320)    v6  flexible
//	v7, v8, v9, v11 special times   v10 timeout for tiered storage (KIP-1075)
//
// A time finds the first record with that time or a later one. Without tiered storage earliest local is the log start,
// latest tiered and earliest pending upload are -1. An unknown special time, and one below its version, is
// UNSUPPORTED_VERSION; a partition that is asked for twice is INVALID_REQUEST.
func (s *Server) listOffsets(x *network.Exchange, req *kmsg.ListOffsetsRequest) {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	times := map[partKey]int{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			times[partKey{topic: t.Topic, index: p.Partition}]++
		}
	}
	for _, t := range req.Topics {
		out := kmsg.NewListOffsetsResponseTopic()
		out.Topic = t.Topic
		denied := s.permit(x, listOffsetsTopic, t.Topic)
		for _, p := range t.Partitions {
			answer := kmsg.NewListOffsetsResponseTopicPartition()
			answer.Partition, answer.Offset, answer.Timestamp, answer.LeaderEpoch = p.Partition, -1, -1, -1
			err := error(kerr.InvalidRequest)
			if denied != nil {
				err = denied
			} else if times[partKey{topic: t.Topic, index: p.Partition}] == 1 {
				err = s.listOffset(req, t.Topic, p, &answer)
			}
			answer.ErrorCode = s.code(err)
			out.Partitions = append(out.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

func (s *Server) listOffset(req *kmsg.ListOffsetsRequest, topic string, p kmsg.ListOffsetsRequestTopicPartition, out *kmsg.ListOffsetsResponseTopicPartition) error {
	if since, known := specialTimes[p.Timestamp]; p.Timestamp < 0 && (!known || req.Version < since) {
		return kerr.UnsupportedVersion
	}
	part := s.Replicas.Partition(topic, p.Partition)
	if part == nil {
		return s.absent(s.Cluster.Image().Topic(topic), p.Partition)
	}
	epoch := p.CurrentLeaderEpoch
	if req.Version < 4 {
		epoch = -1
	}
	if err := part.CheckLeader(epoch); err != nil {
		return err
	}
	log, end := part.Log(), part.ReadEnd(req.IsolationLevel == 1)
	var found commitlog.TimeOffset
	ok, err := true, error(nil)
	switch p.Timestamp {
	case latestTime:
		found = commitlog.TimeOffset{Offset: end, Timestamp: -1, LeaderEpoch: part.LeaderEpoch()}
	case earliestTime, earliestLocalTime:
		found = commitlog.TimeOffset{Offset: log.StartOffset(), Timestamp: -1, LeaderEpoch: epochAt(log, log.StartOffset())}
	case latestTieredTime, earliestPendingTime:
		ok = false
	case maxTime:
		found, ok, err = log.MaxTimestamp(end)
	default:
		found, ok, err = log.OffsetForTime(p.Timestamp, end)
	}
	if err == nil && ok {
		out.Offset, out.Timestamp, out.LeaderEpoch = found.Offset, found.Timestamp, found.LeaderEpoch
	}
	return err
}
