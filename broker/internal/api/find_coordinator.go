package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// FindCoordinator (key 10), versions 0-6.
//
//	v1  key type: 0 group, 1 transaction (KIP-98)    v3  flexible
//	v4  many keys in a request (KIP-699)              v6  key type 2, share (KIP-932)
//
// The coordinator of a key is the leader of partition abs(Java hash of the key) mod n of its internal topic, which is
// made on the first ask. Key type 2 is INVALID_REQUEST until share groups are served.
func (s *Server) findCoordinator(x *network.Exchange, req *kmsg.FindCoordinatorRequest) {
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	keys := req.CoordinatorKeys
	if req.Version < 4 {
		keys = []string{req.CoordinatorKey}
	}
	for _, key := range keys {
		resp.Coordinators = append(resp.Coordinators, s.coordinator(x, req.CoordinatorType, key))
	}
	if req.Version < 4 {
		c := resp.Coordinators[0]
		resp.Coordinators = nil
		resp.ErrorCode, resp.ErrorMessage, resp.NodeID, resp.Host, resp.Port = c.ErrorCode, c.ErrorMessage, c.NodeID, c.Host, c.Port
	}
	x.Respond(resp)
}

func (s *Server) coordinator(x *network.Exchange, kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	out := kmsg.NewFindCoordinatorResponseCoordinator()
	out.Key, out.NodeID, out.Port = key, -1, -1
	topic := offsetsTopic
	var denied error
	switch kind {
	case 0:
		denied = s.permit(x, findGroup, key)
	case 1:
		topic, denied = transactionTopic, s.permit(x, findTransaction, key)
	default:
		out.ErrorCode = kerr.InvalidRequest.Code
		return out
	}
	if denied != nil {
		out.ErrorCode = s.code(denied)
		return out
	}
	t := s.ensureInternal(x, topic)
	if t == nil || len(t.Partitions) == 0 {
		out.ErrorCode = kerr.CoordinatorNotAvailable.Code
		return out
	}
	leader := t.Partitions[javaHash(key)%int32(len(t.Partitions))].Leader
	if b := s.Cluster.Image().Broker(leader); b != nil && !b.Fenced {
		if e, ok := endpoint(b, x.Conn.ListenerName()); ok {
			out.NodeID, out.Host, out.Port = b.ID, e.Host, int32(e.Port)
			return out
		}
	}
	out.ErrorCode = kerr.CoordinatorNotAvailable.Code
	return out
}

// ensureInternal answers an internal topic, made when it is missing, or nil.
func (s *Server) ensureInternal(x *network.Exchange, name string) *metadata.Topic {
	if t := s.Cluster.Image().Topic(name); t != nil {
		return t
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, cluster.CreateTopics{Topics: []cluster.NewTopic{s.newTopic(name)}, Internal: true})
	if created, ok := reply.([]cluster.CreatedTopic); ok && err == nil && created[0].Code != kerr.TopicAlreadyExists.Code {
		err = kerr.ErrorForCode(created[0].Code)
	}
	if err != nil {
		s.Logger.Warn("creation of an internal topic failed", "topic", name, "error", err)
	}
	return s.Cluster.Image().Topic(name)
}

// javaHash is Java's String.hashCode over UTF-16, made non-negative as Kafka's Utils.abs does (MIN_VALUE becomes 0).
func javaHash(s string) int32 {
	var h int32
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			h = 31*h + (0xd800 + r>>10)
			h = 31*h + (0xdc00 + r&0x3ff)
			continue
		}
		h = 31*h + r
	}
	if h == -1<<31 {
		return 0
	}
	return max(h, -h)
}
