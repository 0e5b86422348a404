package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// EndTxn (key 26), versions 0-5.
//
//	v2  PRODUCER_FENCED    v3  flexible    v4  TRANSACTION_ABORTABLE (KIP-890)
//	v5  transaction version 2: the next producer id and epoch in the answer (KIP-890)
//
// The answer leaves when the outcome is durable. The markers follow; until they are written the producer's next
// transaction is answered CONCURRENT_TRANSACTIONS.
func (s *Server) endTxn(x *network.Exchange, req *kmsg.EndTxnRequest) {
	resp := req.ResponseKind().(*kmsg.EndTxnResponse)
	if err := s.permit(x, endTxnTransaction, req.TransactionalID); err != nil {
		resp.ErrorCode = s.code(err)
		x.Respond(resp)
		return
	}
	if req.TransactionalID == "" {
		resp.ErrorCode = kerr.InvalidRequest.Code
		x.Respond(resp)
		return
	}
	ev := txn.EndTxn{ID: req.TransactionalID, ProducerID: req.ProducerID, Epoch: req.ProducerEpoch, Commit: req.Commit}
	if req.Version >= 5 {
		ev.ClientVersion = 2
	}
	event := func(fresh int64) txn.Event { ev.Fresh = fresh; return ev }
	s.askWithID(x, ev.ID, event, func(ended txn.Ended) {
		resp.ErrorCode = fencedCode(ended.Code, req.Version, 2)
		resp.ProducerID, resp.ProducerEpoch = ended.ProducerID, ended.Epoch
		x.Respond(resp)
	})
}
