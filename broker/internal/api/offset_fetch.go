package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// OffsetFetch (key 9), versions 1-10.
//
//	v2  null topics ask for all; an error of the group    v5  leader epoch (KIP-320)    v6  flexible
//	v7  require stable (KIP-447)                          v8  many groups (KIP-709)
//	v9  member id and epoch (KIP-848)                     v10 topic ids (KIP-848)
//
// What is not committed is offset -1, also in a group that does not exist. What is answered is durable.
func (s *Server) offsetFetch(x *network.Exchange, req *kmsg.OffsetFetchRequest) {
	resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	if req.Version < 8 {
		s.fetchOneGroup(x, req, resp)
		return
	}
	resp.Groups = make([]kmsg.OffsetFetchResponseGroup, len(req.Groups))
	g := newGather(func() { x.Respond(resp) })
	for i, rg := range req.Groups {
		out := &resp.Groups[i]
		f := offsetFetching{s: s, x: x, image: s.Cluster.Image(), byID: req.Version >= 10, req: rg, out: out}
		ev := f.event(req.RequireStable)
		g.add()
		s.askGroupAs(x, offsetFetchGroup, rg.Group, ev, func(reply any, code int16) {
			f.answer(reply, code)
			g.done()
		})
	}
	g.done()
}

// fetchOneGroup is a request of versions below 8.
func (s *Server) fetchOneGroup(x *network.Exchange, req *kmsg.OffsetFetchRequest, resp *kmsg.OffsetFetchResponse) {
	ev := group.OffsetFetch{Group: req.Group, Epoch: -1, All: req.Topics == nil && req.Version >= 2, RequireStable: req.RequireStable}
	var asked, forbidden []group.TopicList
	for _, t := range req.Topics {
		list := group.TopicList{Topic: t.Topic, Partitions: t.Partitions}
		if asked = append(asked, list); s.may(x, offsetFetchTopic, t.Topic) {
			ev.Topics = append(ev.Topics, list)
		} else {
			forbidden = append(forbidden, list)
		}
	}
	s.askGroupAs(x, offsetFetchGroup, req.Group, ev, func(reply any, code int16) {
		if code == 0 {
			code = reply.(group.Fetched).Code
		}
		if resp.ErrorCode = code; code != 0 {
			resp.Topics = failedFetches(asked, code)
			x.Respond(resp)
			return
		}
		resp.Topics = failedFetches(forbidden, kerr.TopicAuthorizationFailed.Code)
		for _, t := range reply.(group.Fetched).Topics {
			if ev.All && !s.sees(x, offsetFetchTopic, t.Topic) {
				continue
			}
			out := kmsg.NewOffsetFetchResponseTopic()
			out.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetFetchResponseTopicPartition()
				rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata, rp.ErrorCode = p.Partition, p.Offset, p.LeaderEpoch, &p.Metadata, p.Code
				out.Partitions = append(out.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, out)
		}
		x.Respond(resp)
	})
}

// failedFetches is an error of the group in every partition: version 1 has no other place for it.
func failedFetches(topics []group.TopicList, code int16) (out []kmsg.OffsetFetchResponseTopic) {
	for _, t := range topics {
		rt := kmsg.NewOffsetFetchResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetFetchResponseTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata, rp.ErrorCode = p, -1, -1, new(""), code
			rt.Partitions = append(rt.Partitions, rp)
		}
		out = append(out, rt)
	}
	return out
}

// offsetFetching is one group of a request.
type offsetFetching struct {
	s     *Server
	x     *network.Exchange
	image *metadata.Image
	byID  bool
	req   kmsg.OffsetFetchRequestGroup
	out   *kmsg.OffsetFetchResponseGroup
}

// event asks for the topics that exist; the others are answered at once.
func (f *offsetFetching) event(stable bool) group.OffsetFetch {
	*f.out = kmsg.NewOffsetFetchResponseGroup()
	f.out.Group = f.req.Group
	ev := group.OffsetFetch{Group: f.req.Group, Member: f.req.MemberID, Epoch: f.req.MemberEpoch, All: f.req.Topics == nil, RequireStable: stable}
	for _, t := range f.req.Topics {
		name := t.Topic
		if f.byID {
			topic := f.image.TopicByID(t.TopicID)
			if topic == nil {
				f.failed(t, kerr.UnknownTopicID.Code)
				continue
			}
			name = topic.Name
		}
		if !f.s.may(f.x, offsetFetchTopic, name) {
			f.failed(t, kerr.TopicAuthorizationFailed.Code)
			continue
		}
		ev.Topics = append(ev.Topics, group.TopicList{Topic: name, Partitions: t.Partitions})
	}
	return ev
}

// failed answers a topic that is not asked for.
func (f *offsetFetching) failed(t kmsg.OffsetFetchRequestGroupTopic, code int16) {
	out := kmsg.NewOffsetFetchResponseGroupTopic()
	out.Topic, out.TopicID = t.Topic, t.TopicID
	for _, p := range t.Partitions {
		rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata, rp.ErrorCode = p, -1, -1, new(""), code
		out.Partitions = append(out.Partitions, rp)
	}
	f.out.Topics = append(f.out.Topics, out)
}

func (f *offsetFetching) answer(reply any, code int16) {
	if code == 0 {
		code = reply.(group.Fetched).Code
	}
	if f.out.ErrorCode = code; code != 0 {
		f.out.Topics = nil
		return
	}
	for _, t := range reply.(group.Fetched).Topics {
		if f.req.Topics == nil && !f.s.sees(f.x, offsetFetchTopic, t.Topic) {
			continue
		}
		out := kmsg.NewOffsetFetchResponseGroupTopic()
		out.Topic = t.Topic
		if topic := f.image.Topic(t.Topic); topic != nil {
			out.TopicID = topic.ID
		} else if f.byID {
			continue // it went, and its commits are about to
		}
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata, rp.ErrorCode = p.Partition, p.Offset, p.LeaderEpoch, &p.Metadata, p.Code
			out.Partitions = append(out.Partitions, rp)
		}
		f.out.Topics = append(f.out.Topics, out)
	}
}
