package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// DeleteTopics (key 20), versions 1-6.
//
//	v4  flexible    v5  error message    v6  by topic id (KIP-516)
//
// The topic is gone from metadata when the answer comes; its files go after file.delete.delay.ms. A name that comes
// twice is INVALID_REQUEST, once; the rest goes through.
func (s *Server) deleteTopics(x *network.Exchange, req *kmsg.DeleteTopicsRequest) {
	resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
	var refs []cluster.TopicRef
	for _, name := range req.TopicNames { // up to version 5
		refs = append(refs, cluster.TopicRef{Name: name})
	}
	for _, t := range req.Topics {
		ref := cluster.TopicRef{ID: t.TopicID}
		if t.Topic != nil {
			ref.Name = *t.Topic
		}
		none, both := t.Topic == nil && t.TopicID == metadata.UUID{}, t.Topic != nil && t.TopicID != metadata.UUID{}
		switch {
		case none:
			resp.Topics = append(resp.Topics, deletedTopic(cluster.DeletedTopic{TopicRef: ref, Result: invalid("Neither topic name nor id were specified.")}))
		case both:
			resp.Topics = append(resp.Topics, deletedTopic(cluster.DeletedTopic{TopicRef: ref, Result: invalid("You may not specify both topic name and topic id.")}))
		default:
			refs = append(refs, ref)
		}
	}
	refs, refused := s.mayDelete(x, req.Version, refs)
	resp.Topics = append(resp.Topics, refused...)
	resp.Topics = append(resp.Topics, s.deleteAll(x, req, refs)...)
	x.Respond(resp)
}

// mayDelete sorts out what the client may not delete, or not now. A topic that it may not even describe is not named when it
// was asked for by id.
func (s *Server) mayDelete(x *network.Exchange, version int16, refs []cluster.TopicRef) (may []cluster.TopicRef, refused []kmsg.DeleteTopicsResponseTopic) {
	any := s.sees(x, deleteTopicsCluster, security.ClusterName)
	image := s.Cluster.Image()
	for _, ref := range refs {
		t := image.Topic(ref.Name)
		if ref.Name == "" {
			t = image.TopicByID(ref.ID)
		}
		name := ref.Name
		if t != nil {
			name = t.Name
		}
		if name == "" {
			may = append(may, ref) // an unknown id
			continue
		}
		var err error
		if !any {
			err = s.permit(x, deleteTopicsTopic, name)
		}
		switch {
		case err != nil && ref.Name == "" && s.sees(x, deleteTopicsDescribe, name):
			ref.Name = name
		case err == nil && t != nil:
			err = s.mutate(x, len(t.Partitions), version >= 5)
		}
		if err == nil {
			may = append(may, ref)
			continue
		}
		refused = append(refused, deletedTopic(cluster.DeletedTopic{TopicRef: ref, Result: cluster.Result{Code: s.code(err), Message: kmsg.StringPtr(explain(err))}}))
	}
	return may, refused
}

func (s *Server) deleteAll(x *network.Exchange, req *kmsg.DeleteTopicsRequest, refs []cluster.TopicRef) (out []kmsg.DeleteTopicsResponseTopic) {
	if len(refs) == 0 {
		return nil
	}
	failAll := func(r cluster.Result) []kmsg.DeleteTopicsResponseTopic {
		for _, ref := range refs {
			out = append(out, deletedTopic(cluster.DeletedTopic{TopicRef: ref, Result: r}))
		}
		return out
	}
	if !s.Static.Bool("delete.topic.enable") {
		return failAll(cluster.Result{Code: kerr.TopicDeletionDisabled.Code})
	}
	ctx, cancel := s.within(x, req.TimeoutMillis)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, cluster.DeleteTopics{Topics: refs})
	if err != nil {
		return failAll(cluster.Result{Code: s.code(err)})
	}
	told := map[cluster.TopicRef]bool{}
	for i, d := range reply.([]cluster.DeletedTopic) {
		if told[refs[i]] {
			continue
		}
		told[refs[i]] = true
		out = append(out, deletedTopic(d))
	}
	return out
}

func invalid(message string) cluster.Result {
	return cluster.Result{Code: kerr.InvalidRequest.Code, Message: &message}
}

func deletedTopic(d cluster.DeletedTopic) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	if d.Name != "" {
		out.Topic = kmsg.StringPtr(d.Name)
	}
	out.TopicID, out.ErrorCode, out.ErrorMessage = d.ID, d.Code, d.Message
	return out
}
