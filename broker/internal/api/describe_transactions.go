package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeTransactions (key 65), version 0. KIP-664: the state of transactional ids. Topics that the client may not
// describe are left out.
func (s *Server) describeTransactions(x *network.Exchange, req *kmsg.DescribeTransactionsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
	resp.TransactionStates = make([]kmsg.DescribeTransactionsResponseTransactionState, len(req.TransactionalIDs))
	g := newGather(func() { x.Respond(resp) })
	for i, id := range req.TransactionalIDs {
		out := &resp.TransactionStates[i]
		*out = kmsg.NewDescribeTransactionsResponseTransactionState()
		out.TransactionalID = id
		if err := s.permit(x, describeTransactionsTransaction, id); err != nil {
			out.ErrorCode = s.code(err)
			continue
		}
		if id == "" {
			out.ErrorCode = kerr.InvalidRequest.Code
			continue
		}
		g.add()
		s.askTransaction(id, txn.Describe{IDs: []string{id}}, func(reply any, code int16) {
			if out.ErrorCode = code; code == 0 {
				s.described(x, reply.([]txn.Described)[0], out)
			}
			g.done()
		})
	}
	g.done()
}

func (s *Server) described(x *network.Exchange, d txn.Described, out *kmsg.DescribeTransactionsResponseTransactionState) {
	if d.Value == nil {
		out.ErrorCode = kerr.TransactionalIDNotFound.Code
		return
	}
	out.State, out.TimeoutMillis, out.StartTimestamp = d.State.String(), d.Timeout, d.Started
	out.ProducerID, out.ProducerEpoch = d.ProducerID, d.Epoch
	for _, p := range d.Partitions {
		if !s.sees(x, describeTransactionsTopic, p.Topic) {
			continue
		}
		t := kmsg.NewDescribeTransactionsResponseTransactionStateTopic()
		t.Topic, t.Partitions = p.Topic, p.List
		out.Topics = append(out.Topics, t)
	}
}
