package api

import (
	"errors"
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// ListTransactions (key 66), versions 0-2.
//
//	v1  duration (KIP-994)    v2  pattern (KIP-1152)
//
// The transactional ids that this broker coordinates. States that do not exist come back as unknown. While a coordinator
// loads, nothing is listed.
func (s *Server) listTransactions(x *network.Exchange, req *kmsg.ListTransactionsRequest) {
	resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
	ev := txn.List{Producers: req.ProducerIDFilters, Longer: -1}
	for _, name := range req.StateFilters {
		if state, ok := txn.ParseState(name); ok {
			ev.States = append(ev.States, state)
		} else {
			resp.UnknownStateFilters = append(resp.UnknownStateFilters, name)
		}
	}
	if req.Version >= 1 {
		ev.Longer = req.DurationFilterMillis
	}
	if p := req.TransactionalIDPattern; req.Version >= 2 && p != nil && *p != "" {
		pattern, err := regexp.Compile("^(?:" + *p + ")$")
		if err != nil {
			resp.ErrorCode = kerr.InvalidRegularExpression.Code
			x.Respond(resp)
			return
		}
		ev.Pattern = pattern
	}
	g := newGather(func() {
		if resp.ErrorCode != 0 {
			resp.TransactionStates = nil
		}
		x.Respond(resp)
	})
	for _, shard := range s.Transactions.Shards() {
		g.add()
		s.Transactions.Submit(shard, ev, func(reply any, err error) {
			g.mu.Lock()
			s.listed(x, reply, err, resp)
			g.mu.Unlock()
			g.done()
		})
	}
	g.done()
}

// listed takes the answer of one coordinator.
func (s *Server) listed(x *network.Exchange, reply any, err error, resp *kmsg.ListTransactionsResponse) {
	if err != nil {
		if !errors.Is(err, runtime.ErrNotCoordinator) { // somebody else lists them
			resp.ErrorCode = s.code(err)
		}
		return
	}
	for _, d := range reply.([]txn.Described) {
		if !s.sees(x, listTransactionsTransaction, d.ID) {
			continue
		}
		t := kmsg.NewListTransactionsResponseTransactionState()
		t.TransactionalID, t.ProducerID, t.TransactionState = d.ID, d.ProducerID, d.State.String()
		resp.TransactionStates = append(resp.TransactionStates, t)
	}
}
