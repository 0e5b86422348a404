package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// AddPartitionsToTxn (key 24), versions 0-5.
//
//	v2  PRODUCER_FENCED    v3  flexible    v4  many transactions, verify only: between brokers (KIP-890)
//	v5  TRANSACTION_ABORTABLE
//
// A partition that does not exist, or that the client may not write to, spoils the request: the others are
// OPERATION_NOT_ATTEMPTED.
func (s *Server) addPartitionsToTxn(x *network.Exchange, req *kmsg.AddPartitionsToTxnRequest) {
	if req.Version >= 4 {
		s.addPartitionsOfMany(x, req)
		return
	}
	resp := req.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	adding := &adding{s: s, x: x, version: req.Version}
	for _, t := range req.Topics {
		adding.topic(t.Topic, t.Partitions)
	}
	ev := txn.AddPartitions{ID: req.TransactionalID, ProducerID: req.ProducerID, Epoch: req.ProducerEpoch}
	adding.run(ev, s.permit(x, addPartitionsTransaction, req.TransactionalID), func(codes []int16) {
		for _, t := range req.Topics {
			out := kmsg.NewAddPartitionsToTxnResponseTopic()
			out.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewAddPartitionsToTxnResponseTopicPartition()
				rp.Partition, rp.ErrorCode, codes = p, codes[0], codes[1:]
				out.Partitions = append(out.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, out)
		}
		x.Respond(resp)
	})
}

// addPartitionsOfMany is what brokers ask each other.
func (s *Server) addPartitionsOfMany(x *network.Exchange, req *kmsg.AddPartitionsToTxnRequest) {
	resp := req.ResponseKind().(*kmsg.AddPartitionsToTxnResponse)
	if err := s.permit(x, addPartitionsCluster, security.ClusterName); err != nil {
		resp.ErrorCode = s.code(err)
		x.Respond(resp)
		return
	}
	resp.Transactions = make([]kmsg.AddPartitionsToTxnResponseTransaction, len(req.Transactions))
	g := newGather(func() { x.Respond(resp) })
	for i, t := range req.Transactions {
		adding := &adding{s: s, x: x, version: req.Version, trusted: true}
		for _, rt := range t.Topics {
			adding.topic(rt.Topic, rt.Partitions)
		}
		ev := txn.AddPartitions{ID: t.TransactionalID, ProducerID: t.ProducerID, Epoch: t.ProducerEpoch, VerifyOnly: t.VerifyOnly, ClientVersion: 2}
		g.add()
		adding.run(ev, nil, func(codes []int16) {
			out := &resp.Transactions[i]
			out.TransactionalID = t.TransactionalID
			for _, rt := range t.Topics {
				topic := kmsg.NewAddPartitionsToTxnResponseTransactionTopic()
				topic.Topic = rt.Topic
				for _, p := range rt.Partitions {
					rp := kmsg.NewAddPartitionsToTxnResponseTransactionTopicPartition()
					rp.Partition, rp.ErrorCode, codes = p, codes[0], codes[1:]
					topic.Partitions = append(topic.Partitions, rp)
				}
				out.Topics = append(out.Topics, topic)
			}
			g.done()
		})
	}
	g.done()
}

// adding is the partitions of one transaction on their way to the coordinator.
type adding struct {
	s          *Server
	x          *network.Exchange
	version    int16
	trusted    bool // a broker asks: it has looked whether the client may write
	partitions []txn.TopicPartition
	codes      []int16 // by partition
	spoiled    bool
}

func (a *adding) topic(name string, partitions []int32) {
	image := a.s.Cluster.Image()
	denied := error(nil)
	if !a.trusted {
		denied = a.s.permit(a.x, addPartitionsTopic, name)
	}
	for _, p := range partitions {
		code := int16(0)
		switch {
		case denied != nil:
			code = a.s.code(denied)
		case image.Topic(name).Partition(p) == nil:
			code = kerr.UnknownTopicOrPartition.Code
		}
		a.spoiled = a.spoiled || code != 0
		a.partitions, a.codes = append(a.partitions, txn.TopicPartition{Topic: name, Partition: p}), append(a.codes, code)
	}
}

// run calls done with a code for each partition.
func (a *adding) run(ev txn.AddPartitions, denied error, done func(codes []int16)) {
	all := func(code int16) []int16 {
		for i := range a.codes {
			a.codes[i] = code
		}
		return a.codes
	}
	switch {
	case denied != nil:
		done(all(a.s.code(denied)))
		return
	case a.spoiled:
		for i, code := range a.codes {
			if code == 0 {
				a.codes[i] = kerr.OperationNotAttempted.Code
			}
		}
		done(a.codes)
		return
	case ev.ID == "":
		done(all(kerr.InvalidRequest.Code))
		return
	}
	ev.Partitions = a.partitions
	a.s.askTransaction(ev.ID, ev, func(reply any, code int16) {
		if code != 0 {
			done(all(code))
			return
		}
		for i, code := range reply.(txn.Added) {
			if code == kerr.TransactionAbortable.Code && a.version < 5 {
				code = kerr.InvalidTxnState.Code
			}
			a.codes[i] = fencedCode(code, a.version, 2)
		}
		done(a.codes)
	})
}
