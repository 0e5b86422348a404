package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// AddOffsetsToTxn (key 25), versions 0-4.
//
//	v2  PRODUCER_FENCED    v3  flexible    v4  TRANSACTION_ABORTABLE (KIP-890)
//
// The partition of __consumer_offsets that a group belongs to joins the transaction.
func (s *Server) addOffsetsToTxn(x *network.Exchange, req *kmsg.AddOffsetsToTxnRequest) {
	resp := req.ResponseKind().(*kmsg.AddOffsetsToTxnResponse)
	answer := func(code int16) {
		resp.ErrorCode = code
		x.Respond(resp)
	}
	if err := s.permit(x, addOffsetsTransaction, req.TransactionalID); err != nil {
		answer(s.code(err))
		return
	}
	if err := s.permit(x, addOffsetsGroup, req.Group); err != nil {
		answer(s.code(err))
		return
	}
	if req.TransactionalID == "" {
		answer(kerr.InvalidRequest.Code)
		return
	}
	s.ensureInternal(x, offsetsTopic)
	partition := s.groupPartition(req.Group)
	if partition < 0 {
		answer(s.code(runtime.ErrNotCoordinator))
		return
	}
	ev := txn.AddPartitions{
		ID: req.TransactionalID, ProducerID: req.ProducerID, Epoch: req.ProducerEpoch,
		Partitions: []txn.TopicPartition{{Topic: offsetsTopic, Partition: partition}},
	}
	s.askTransaction(ev.ID, ev, func(reply any, code int16) {
		if code == 0 {
			code = reply.(txn.Added)[0]
		}
		answer(fencedCode(code, req.Version, 2))
	})
}
