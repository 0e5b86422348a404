package api

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// InitProducerId (key 22), versions 0-5.
//
//	v2 flexible    v3 current id and epoch (KIP-360)    v4 PRODUCER_FENCED    v5 TV2 errors (KIP-890)
//
// An idempotent producer gets a fresh id from this broker's block and epoch 0. A transactional id keeps its producer id
// and gets the next epoch; while a transaction that was left open is aborted the answer is CONCURRENT_TRANSACTIONS.
func (s *Server) initProducerID(x *network.Exchange, req *kmsg.InitProducerIDRequest) {
	resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	switch {
	case req.TransactionalID != nil && !s.may(x, initTransaction, *req.TransactionalID):
		resp.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
	case req.TransactionalID == nil && !s.sees(x, initIdempotent, security.ClusterName) && !s.mayAnywhere(x, initIdempotentTopic):
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
	case req.TransactionalID != nil && *req.TransactionalID == "":
		resp.ErrorCode = kerr.InvalidRequest.Code
	case req.Version >= 3 && (req.ProducerID == -1) != (req.ProducerEpoch == -1):
		resp.ErrorCode = kerr.InvalidRequest.Code
	case req.TransactionalID != nil:
		s.beginProducer(x, req, resp)
		return
	default:
		ctx, cancel := s.within(x, 0)
		defer cancel()
		id, err := s.ids.next(ctx, s)
		if resp.ErrorCode = s.code(err); err == nil {
			resp.ProducerID, resp.ProducerEpoch = id, 0
		}
	}
	x.Respond(resp)
}

// beginProducer asks the coordinator of a transactional id.
func (s *Server) beginProducer(x *network.Exchange, req *kmsg.InitProducerIDRequest, resp *kmsg.InitProducerIDResponse) {
	ev := txn.InitProducerID{ID: *req.TransactionalID, Timeout: req.TransactionTimeoutMillis, ExpectedID: txn.NoID, ExpectedEpoch: -1}
	if req.Version >= 3 {
		ev.ExpectedID, ev.ExpectedEpoch = req.ProducerID, req.ProducerEpoch
	}
	event := func(fresh int64) txn.Event { ev.Fresh = fresh; return ev }
	s.askWithID(x, ev.ID, event, func(begun txn.Begun) {
		resp.ErrorCode = fencedCode(begun.Code, req.Version, 4)
		resp.ProducerID, resp.ProducerEpoch = begun.ProducerID, begun.Epoch
		x.Respond(resp)
	})
}

// idBlock hands out producer ids from a block of the controller. A restart skips the rest of a block: ids are never
// given twice.
type idBlock struct {
	mu    sync.Mutex // guards the fields below; held over the fetch of a block so that one caller fetches
	first int64
	left  int32
}

func (b *idBlock) next(ctx context.Context, s *Server) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		if err := b.refill(ctx, s); err != nil {
			return -1, err
		}
	}
	id := b.first
	b.first++
	b.left--
	return id, nil
}

func (b *idBlock) refill(ctx context.Context, s *Server) error {
	ev := cluster.AllocateProducerIDs{BrokerID: s.Self}
	if self := s.Cluster.Image().Broker(s.Self); self != nil {
		ev.BrokerEpoch = self.Epoch
	}
	reply, err := s.Cluster.Submit(ctx, ev)
	if err != nil {
		return err
	}
	block := reply.(cluster.ProducerIDBlock)
	if err := kerr.ErrorForCode(block.Code); err != nil {
		return err
	}
	b.first, b.left = block.First, block.Count
	return nil
}
