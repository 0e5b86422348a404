package api

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// Transactions hosts the transaction coordinators of this broker.
type Transactions interface {
	// Submit hands an event to the coordinator of a partition. Done is called once, from any goroutine.
	Submit(partition int32, ev txn.Event, done func(reply any, err error))
	// Shards lists the partitions whose coordinator this broker is.
	Shards() []int32
}

// transactionPartition is the partition of __transaction_state that a transactional id belongs to; -1 before the topic
// is made.
func (s *Server) transactionPartition(id string) int32 {
	t := s.Cluster.Image().Topic(transactionTopic)
	if t == nil || len(t.Partitions) == 0 {
		return -1
	}
	return javaHash(id) % int32(len(t.Partitions))
}

// askTransaction hands an event to the coordinator of a transactional id and calls done with its reply or a Kafka error
// code.
func (s *Server) askTransaction(id string, ev txn.Event, done func(reply any, code int16)) {
	p := s.transactionPartition(id)
	if p < 0 {
		done(nil, s.code(runtime.ErrNotCoordinator))
		return
	}
	s.Transactions.Submit(p, ev, func(reply any, err error) { done(reply, s.code(err)) })
}

// askWithID asks for something that may need a producer id nobody has. It is asked without one first: most of the time
// none is needed, and an id is never given back.
func (s *Server) askWithID(x *network.Exchange, id string, event func(fresh int64) txn.Event, done func(txn.Begun)) {
	failed := func(code int16) { done(txn.Begun{Code: code, ProducerID: txn.NoID, Epoch: -1}) }
	s.askTransaction(id, event(txn.NoID), func(reply any, code int16) {
		switch {
		case code != 0:
			failed(code)
		case !reply.(txn.Begun).NeedID:
			done(reply.(txn.Begun))
		default:
			go func() { // the coordinator must not wait for the controller
				ctx, cancel := s.within(x, 0)
				defer cancel()
				fresh, err := s.ids.next(ctx, s)
				if err != nil {
					failed(s.code(err))
					return
				}
				s.askTransaction(id, event(fresh), func(reply any, code int16) {
					if code != 0 {
						failed(code)
						return
					}
					done(reply.(txn.Begun))
				})
			}()
		}
	})
}

// joinedCode is the coordinator's answer as who writes is told: producers know one code for a fenced epoch there.
func joinedCode(code int16) int16 {
	if code == kerr.ProducerFenced.Code {
		return kerr.InvalidProducerEpoch.Code
	}
	return code
}

// fencedCode is PRODUCER_FENCED for versions from since on; before that clients know INVALID_PRODUCER_EPOCH only.
func fencedCode(code, version, since int16) int16 {
	if version < since {
		return joinedCode(code)
	}
	return code
}

// isCoordinatorError tells whether a code says that the coordinator cannot answer now.
func isCoordinatorError(code int16) bool {
	return code == kerr.NotCoordinator.Code || code == kerr.CoordinatorLoadInProgress.Code || code == kerr.CoordinatorNotAvailable.Code
}
