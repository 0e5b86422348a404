package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// TxnOffsetCommit (key 28), versions 0-5.
//
//	v2  leader epoch (KIP-320)           v3  flexible; generation, member and instance (KIP-447)
//	v4  TRANSACTION_ABORTABLE (KIP-890)  v5  joins the transaction by itself (KIP-890)
//
// The offsets are staged and count when the transaction commits. Before v5 the group's partition must have joined by
// AddOffsetsToTxn; that is verified with the transaction's coordinator before the first of them is written.
func (s *Server) txnOffsetCommit(x *network.Exchange, req *kmsg.TxnOffsetCommitRequest) {
	c := &txnCommit{s: s, x: x, req: req, resp: req.ResponseKind().(*kmsg.TxnOffsetCommitResponse)}
	c.layOut()
	for _, err := range []error{s.permit(x, txnCommitTransaction, req.TransactionalID), s.permit(x, txnCommitGroup, req.Group)} {
		if err != nil {
			c.deny(s.code(err))
			return
		}
	}
	if len(c.ev.Offsets) == 0 {
		x.Respond(c.resp)
		return
	}
	partition := s.groupPartition(req.Group)
	part := s.Replicas.Partition(offsetsTopic, partition)
	if part == nil {
		c.refuse(kerr.NotCoordinator.Code)
		return
	}
	// The end of the log is read before the coordinator is asked: a marker behind it refuses the offsets.
	c.ev.Producer = &coordinator.Producer{ID: req.ProducerID, Epoch: req.ProducerEpoch, Guarded: true, Since: part.Log().EndOffset()}
	if part.Log().OngoingTransaction(req.ProducerID, req.ProducerEpoch) {
		c.commit()
		return
	}
	s.join(x.Context(), txn.AddPartitions{
		ID: req.TransactionalID, ProducerID: req.ProducerID, Epoch: req.ProducerEpoch, VerifyOnly: req.Version < 5, ClientVersion: 2,
		Partitions: []txn.TopicPartition{{Topic: offsetsTopic, Partition: partition}},
	}, func() { c.ev.Producer.Since = part.Log().EndOffset() }, func() bool {
		return part.Log().TransactionEnded(req.ProducerID, c.ev.Producer.Since)
	}, func(codes []int16) {
		if codes[0] != 0 {
			c.refuse(c.joinCode(codes[0]))
			return
		}
		c.commit()
	})
}

// txnCommit is one request until it is answered.
type txnCommit struct {
	s      *Server
	x      *network.Exchange
	req    *kmsg.TxnOffsetCommitRequest
	resp   *kmsg.TxnOffsetCommitResponse
	ev     group.OffsetCommit
	places []*int16 // of the codes of ev.Offsets
}

// layOut makes the answer; what does not exist or may not be read is refused there one by one.
func (c *txnCommit) layOut() {
	req, image := c.req, c.s.Cluster.Image()
	c.ev = group.OffsetCommit{Group: req.Group, Member: req.MemberID, Instance: req.InstanceID, Generation: req.Generation, Version: req.Version, Retention: -1}
	if req.Version < 3 {
		c.ev.Generation = -1
	}
	c.resp.Topics = make([]kmsg.TxnOffsetCommitResponseTopic, len(req.Topics))
	for i, t := range req.Topics {
		out := &c.resp.Topics[i]
		out.Topic, out.Partitions = t.Topic, make([]kmsg.TxnOffsetCommitResponseTopicPartition, len(t.Partitions))
		topic, code := findTopic(image, false, t.Topic, group.UUID{})
		if err := c.s.permit(c.x, txnCommitTopic, t.Topic); err != nil {
			topic, code = nil, c.s.code(err)
		}
		for j, p := range t.Partitions {
			place := &out.Partitions[j]
			if place.Partition, place.ErrorCode = p.Partition, code; topic == nil {
				continue
			}
			if topic.Partition(p.Partition) == nil {
				place.ErrorCode = kerr.UnknownTopicOrPartition.Code
				continue
			}
			o := group.Offset{Topic: topic.Name, TopicID: topic.ID, Partition: p.Partition, Offset: p.Offset, LeaderEpoch: -1}
			if req.Version >= 2 {
				o.LeaderEpoch = p.LeaderEpoch
			}
			if p.Metadata != nil {
				o.Metadata = *p.Metadata
			}
			c.ev.Offsets, c.places = append(c.ev.Offsets, o), append(c.places, &place.ErrorCode)
		}
	}
}

// deny answers every partition alike: who may not commit learns nothing about topics.
func (c *txnCommit) deny(code int16) {
	for _, t := range c.resp.Topics {
		for i := range t.Partitions {
			t.Partitions[i].ErrorCode = code
		}
	}
	c.x.Respond(c.resp)
}

// refuse answers every partition that has no error of its own with one.
func (c *txnCommit) refuse(code int16) {
	for _, place := range c.places {
		*place = code
	}
	c.x.Respond(c.resp)
}

func (c *txnCommit) commit() {
	c.s.askGroup(c.req.Group, c.ev, func(reply any, code int16) {
		if code != 0 {
			c.refuse(code)
			return
		}
		for i, code := range reply.(group.Committed) {
			if code == kerr.StaleMemberEpoch.Code {
				code = kerr.IllegalGeneration.Code // what clients of this API know
			}
			*c.places[i] = code
		}
		c.x.Respond(c.resp)
	})
}

// joinCode is the transaction coordinator's refusal as the versions know it. Who asked the right group coordinator must
// not look for another one.
func (c *txnCommit) joinCode(code int16) int16 {
	switch {
	case code == kerr.TransactionAbortable.Code && c.req.Version < 4:
		return kerr.InvalidTxnState.Code
	case isCoordinatorError(code):
		return kerr.CoordinatorLoadInProgress.Code
	default:
		return code
	}
}
