package api

import (
	"crypto/rand"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// Metadata (key 3), versions 0-13.
//
//	v1   null asks for all topics, an empty list for none (version 0: an empty list asks for all)
//	v4   leave to create topics       v5  offline replicas     v7  leader epochs (KIP-320)
//	v8   authorized operations (KIP-430; the cluster's only in v8-10)
//	v9   flexible                     v10 topic ids (KIP-516)
//	v12  ask by id                    v13 top-level error (KIP-1102)
//
// The only place where topics are made on demand: with leave of the request and of auto.create.topics.enable. As in
// Kafka the request that makes a topic is still answered UNKNOWN_TOPIC_OR_PARTITION, and the client asks again.
func (s *Server) metadata(x *network.Exchange, req *kmsg.MetadataRequest) {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	image := s.Cluster.Image()
	switch {
	case req.Topics == nil || req.Version == 0 && len(req.Topics) == 0:
		for _, t := range image.Topics() {
			if s.sees(x, metadataTopicDescribe, t.Name) {
				resp.Topics = append(resp.Topics, s.describeTopic(x, image, t, req))
			}
		}
	default:
		forbidden := s.createMissing(x, image, req)
		for _, ask := range req.Topics {
			resp.Topics = append(resp.Topics, s.askedTopic(x, image, ask, req, forbidden))
		}
	}
	for _, b := range image.Brokers() {
		if e, ok := endpoint(b, x.Conn.ListenerName()); ok && !b.Fenced {
			m := kmsg.NewMetadataResponseBroker()
			m.NodeID, m.Host, m.Port, m.Rack = b.ID, e.Host, int32(e.Port), b.Rack
			resp.Brokers = append(resp.Brokers, m)
		}
	}
	resp.ClusterID = kmsg.StringPtr(image.ClusterID)
	resp.ControllerID = s.Self
	if req.IncludeClusterAuthorizedOperations {
		resp.AuthorizedOperations = s.clusterOperations(x, metadataCluster)
	}
	x.Respond(resp)
}

// endpoint is where clients of a listener reach a broker.
func endpoint(b *metadata.Broker, listener string) (metadata.Endpoint, bool) {
	i := slices.IndexFunc(b.Endpoints, func(e metadata.Endpoint) bool { return e.Listener == listener })
	if i < 0 {
		return metadata.Endpoint{}, false
	}
	return b.Endpoints[i], true
}

// createMissing makes the asked topics that do not exist, where that is allowed. It answers those that the client may
// describe but not make.
func (s *Server) createMissing(x *network.Exchange, image *metadata.Image, req *kmsg.MetadataRequest) (forbidden map[string]bool) {
	if !req.AllowAutoTopicCreation || !s.Static.Bool("auto.create.topics.enable") {
		return nil
	}
	var missing []cluster.NewTopic
	any := s.sees(x, metadataClusterCreate, security.ClusterName)
	for _, ask := range req.Topics {
		if ask.Topic == nil || image.Topic(*ask.Topic) != nil || cluster.CheckTopicName(*ask.Topic) != nil {
			continue
		}
		if slices.ContainsFunc(missing, func(t cluster.NewTopic) bool { return t.Name == *ask.Topic }) {
			continue
		}
		if !s.sees(x, metadataTopicDescribe, *ask.Topic) {
			continue
		}
		if !any && !s.may(x, metadataTopicCreate, *ask.Topic) {
			if forbidden == nil {
				forbidden = map[string]bool{}
			}
			forbidden[*ask.Topic] = true
			continue
		}
		missing = append(missing, s.newTopic(*ask.Topic))
	}
	if len(missing) == 0 {
		return forbidden
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	if _, err := s.Cluster.Submit(ctx, cluster.CreateTopics{Topics: missing, Internal: true}); err != nil {
		s.Logger.Warn("automatic creation of topics failed", "error", err)
	}
	return forbidden
}

// newTopic is a topic made on demand; internal topics have their own numbers.
func (s *Server) newTopic(name string) cluster.NewTopic {
	t := cluster.NewTopic{Name: name, Partitions: -1, ReplicationFactor: -1, ID: randomID()}
	if internal, ok := s.internalTopic(name); ok {
		internal.ID = t.ID
		return internal
	}
	return t
}

// randomID is a version 4 uuid, never one of Kafka's reserved ones.
func randomID() (id metadata.UUID) {
	for id == (metadata.UUID{}) || id == (metadata.UUID{15: 1}) {
		rand.Read(id[:])
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		if id[0]>>2 == 62 { // "-" would be the first character of its text
			id[0] ^= 0x80
		}
	}
	return id
}

func (s *Server) askedTopic(x *network.Exchange, image *metadata.Image, ask kmsg.MetadataRequestTopic, req *kmsg.MetadataRequest, forbidden map[string]bool) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID = ask.Topic, ask.TopicID
	if ask.Topic == nil {
		t := image.TopicByID(ask.TopicID)
		switch {
		case t == nil:
			out.ErrorCode = kerr.UnknownTopicID.Code
		case !s.may(x, metadataTopicDescribe, t.Name):
			out.ErrorCode = kerr.TopicAuthorizationFailed.Code // the id is no secret, the name is
		default:
			return s.describeTopic(x, image, t, req)
		}
		return out
	}
	out.TopicID = metadata.UUID{}
	if !s.may(x, metadataTopicDescribe, *ask.Topic) || forbidden[*ask.Topic] {
		out.ErrorCode = kerr.TopicAuthorizationFailed.Code
		return out
	}
	if t := image.Topic(*ask.Topic); t != nil {
		return s.describeTopic(x, image, t, req)
	}
	out.ErrorCode = kerr.UnknownTopicOrPartition.Code
	if cluster.CheckTopicName(*ask.Topic) != nil {
		out.ErrorCode = kerr.InvalidTopicException.Code
	}
	out.IsInternal = isInternal(*ask.Topic)
	return out
}

func (s *Server) describeTopic(x *network.Exchange, image *metadata.Image, t *metadata.Topic, req *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = kmsg.StringPtr(t.Name), t.ID, isInternal(t.Name)
	if req.IncludeTopicAuthorizedOperations {
		out.AuthorizedOperations = s.operations(x, security.TopicResource, t.Name)
	}
	for i, p := range t.Partitions {
		m := kmsg.NewMetadataResponseTopicPartition()
		m.Partition, m.Leader, m.LeaderEpoch = int32(i), p.Leader, p.LeaderEpoch
		m.Replicas, m.ISR, m.OfflineReplicas = p.Replicas, p.ISR, offline(image, p.Replicas)
		if p.Leader < 0 {
			m.ErrorCode = kerr.LeaderNotAvailable.Code
		}
		out.Partitions = append(out.Partitions, m)
	}
	return out
}

// offline are the replicas whose broker is not there.
func offline(image *metadata.Image, replicas []int32) []int32 {
	out := []int32{}
	for _, id := range replicas {
		if b := image.Broker(id); b == nil || b.Fenced {
			out = append(out, id)
		}
	}
	return out
}
