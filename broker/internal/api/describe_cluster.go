package api

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeCluster (key 60), versions 0-2. KIP-700; v1 endpoint type (KIP-919); v2 fenced brokers (KIP-1073).
func (s *Server) describeCluster(x *network.Exchange, req *kmsg.DescribeClusterRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
	resp.ControllerID = -1
	kind := req.EndpointType
	if req.Version == 0 {
		kind = 1
	}
	switch {
	case kind == 2:
		resp.ErrorCode = kerr.MismatchedEndpointType.Code
		resp.ErrorMessage = kmsg.StringPtr("The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER")
		x.Respond(resp)
		return
	case kind != 1:
		resp.ErrorCode = kerr.UnsupportedEndpointType.Code
		resp.ErrorMessage = kmsg.StringPtr("Unsupported endpoint type " + strconv.Itoa(int(kind)))
		x.Respond(resp)
		return
	}
	image := s.Cluster.Image()
	resp.ClusterID, resp.ControllerID, resp.EndpointType = image.ClusterID, s.Self, 1
	for _, b := range image.Brokers() {
		e, ok := endpoint(b, x.Conn.ListenerName())
		if !ok || b.Fenced && !req.IncludeFencedBrokers {
			continue
		}
		out := kmsg.NewDescribeClusterResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack, out.IsFenced = b.ID, e.Host, int32(e.Port), b.Rack, b.Fenced
		resp.Brokers = append(resp.Brokers, out)
	}
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = s.clusterOperations(x, describeClusterCluster)
	}
	x.Respond(resp)
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }
