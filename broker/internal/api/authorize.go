package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// may tells whether the client may do what a row of needs says to the resource of that name. A refusal goes into the audit
// log. Without an authorizer it costs a comparison.
func (s *Server) may(x *network.Exchange, n need, name string) bool {
	return s.authorizer == nil || s.asked(x, n, name)
}

func (s *Server) asked(x *network.Exchange, n need, name string) bool {
	r := needs[n]
	return s.authorizer.Authorize(s.client(x).subject, r.operation, r.resource, name, r.api.Name())
}

// mayCluster is may for a row about the cluster.
func (s *Server) mayCluster(x *network.Exchange, n need) bool {
	return s.may(x, n, security.ClusterName)
}

// permit is may as an error.
func (s *Server) permit(x *network.Exchange, n need, name string) error {
	if s.may(x, n, name) {
		return nil
	}
	return needs[n].refusal()
}

// permitCluster is permit for a row about the cluster.
func (s *Server) permitCluster(x *network.Exchange, n need) error {
	return s.permit(x, n, security.ClusterName)
}

// sees is may without a line in the audit log: for what is left out of a list, and where another right would do as well.
func (s *Server) sees(x *network.Exchange, n need, name string) bool {
	if s.authorizer == nil {
		return true
	}
	r := needs[n]
	return s.authorizer.Allowed(s.client(x).subject, r.operation, r.resource, name)
}

// mayAnywhere tells whether there is any resource that the client may do it to.
func (s *Server) mayAnywhere(x *network.Exchange, n need) bool {
	if s.authorizer == nil {
		return true
	}
	r := needs[n]
	return s.authorizer.Anywhere(s.client(x).subject, r.operation, r.resource)
}

// operations are the bits of what a client may do to a resource (KIP-430): without an authorizer everything that the
// resource knows.
func (s *Server) operations(x *network.Exchange, kind security.ResourceType, name string) (bits int32) {
	if s.authorizer != nil {
		return s.authorizer.Bits(s.client(x).subject, kind, name)
	}
	for _, op := range kind.Operations() {
		bits |= 1 << op
	}
	return bits
}

// clusterOperations are the cluster's bits; a client that may not describe the cluster learns of none.
func (s *Server) clusterOperations(x *network.Exchange, n need) int32 {
	if !s.sees(x, n, security.ClusterName) {
		return 0
	}
	return s.operations(x, security.ClusterResource, security.ClusterName)
}

// refused is the code of a row's refusal with Kafka's words.
func (n need) refused() (code int16, message *string) {
	err := needs[n].refusal()
	return err.Code, kmsg.StringPtr(err.Description)
}
