package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// UnregisterBroker (key 64), version 0. KIP-500.
//
// Forgets a broker that will not come back.
//
// Differs: the broker that answers refuses to forget itself, INVALID_REQUEST: its partitions would be gone until it starts
// again.
func (s *Server) unregisterBroker(x *network.Exchange, req *kmsg.UnregisterBrokerRequest) {
	resp := req.ResponseKind().(*kmsg.UnregisterBrokerResponse)
	if !s.mayCluster(x, unregisterBrokerCluster) {
		resp.ErrorCode, resp.ErrorMessage = unregisterBrokerCluster.refused()
		x.Respond(resp)
		return
	}
	if req.BrokerID == s.Self {
		r := invalid("This broker is running: stop it before it is unregistered.")
		resp.ErrorCode, resp.ErrorMessage = r.Code, r.Message
		x.Respond(resp)
		return
	}
	ctx, cancel := s.within(x, 0)
	defer cancel()
	reply, err := s.Cluster.Submit(ctx, cluster.UnregisterBroker{ID: req.BrokerID})
	if resp.ErrorCode = s.code(err); err == nil {
		r := reply.(cluster.Result)
		resp.ErrorCode, resp.ErrorMessage = r.Code, r.Message
	}
	x.Respond(resp)
}
