package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// OffsetCommit (key 8), versions 2-10.
//
//	v2-4  retention time of the client's own    v6  leader epoch (KIP-320)    v7  instance id (KIP-345)
//	v8    flexible                              v9  member epoch (KIP-848)    v10 topic ids (KIP-848)
//
// Commits to topics or partitions that do not exist are refused one by one; the others are stored all or none.
func (s *Server) offsetCommit(x *network.Exchange, req *kmsg.OffsetCommitRequest) {
	resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
	ev := group.OffsetCommit{
		Group: req.Group, Member: req.MemberID, Instance: req.InstanceID, Generation: req.Generation, Version: req.Version, Retention: -1,
	}
	if req.Version <= 4 {
		ev.Retention = req.RetentionTimeMillis
	}
	image, denied := s.Cluster.Image(), s.permit(x, offsetCommitGroup, req.Group)
	var places []*int16 // of the codes of ev.Offsets
	resp.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	for i, t := range req.Topics {
		out := &resp.Topics[i]
		out.Topic, out.TopicID = t.Topic, t.TopicID
		topic, code := findTopic(image, req.Version >= 10, t.Topic, t.TopicID)
		switch name := nameOf(topic, t.Topic); {
		case denied != nil:
			topic, code = nil, s.code(denied)
		case name != "" && !s.may(x, offsetCommitTopic, name):
			topic, code = nil, kerr.TopicAuthorizationFailed.Code
		}
		out.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(t.Partitions))
		for j, p := range t.Partitions {
			place := &out.Partitions[j]
			place.Partition, place.ErrorCode = p.Partition, code
			if topic == nil {
				continue
			}
			if topic.Partition(p.Partition) == nil {
				place.ErrorCode = kerr.UnknownTopicOrPartition.Code
				continue
			}
			o := group.Offset{Topic: topic.Name, TopicID: topic.ID, Partition: p.Partition, Offset: p.Offset, LeaderEpoch: p.LeaderEpoch}
			if p.Metadata != nil {
				o.Metadata = *p.Metadata
			}
			ev.Offsets = append(ev.Offsets, o)
			places = append(places, &place.ErrorCode)
		}
	}
	if len(ev.Offsets) == 0 {
		x.Respond(resp)
		return
	}
	s.askGroup(req.Group, ev, func(reply any, code int16) {
		for i, place := range places {
			if *place = code; code == 0 {
				*place = reply.(group.Committed)[i]
			}
		}
		x.Respond(resp)
	})
}

// nameOf is the name of a topic that was asked for by id or by name; "" for an unknown id.
func nameOf(t *metadata.Topic, asked string) string {
	if t != nil {
		return t.Name
	}
	return asked
}

// findTopic finds a topic by id or by name; the code is why there is none.
func findTopic(image *metadata.Image, byID bool, name string, id metadata.UUID) (*metadata.Topic, int16) {
	if byID {
		if t := image.TopicByID(id); t != nil {
			return t, 0
		}
		return nil, kerr.UnknownTopicID.Code
	}
	if t := image.Topic(name); t != nil {
		return t, 0
	}
	return nil, kerr.UnknownTopicOrPartition.Code
}
