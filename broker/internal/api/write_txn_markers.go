package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// WriteTxnMarkers (key 27), versions 1-2.
//
//	v1  flexible    v2  transaction version (KIP-1228)
//
// What coordinators ask of the leaders of partitions, and an operator to end a transaction that hangs (KIP-664). Each
// marker is answered when it is durable.
func (s *Server) writeTxnMarkers(x *network.Exchange, req *kmsg.WriteTxnMarkersRequest) {
	resp := req.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	denied := s.permitCluster(x, writeMarkersCluster)
	if denied != nil && s.mayCluster(x, writeMarkersAlter) {
		denied = nil
	}
	resp.Markers = make([]kmsg.WriteTxnMarkersResponseMarker, len(req.Markers))
	g := newGather(func() { x.Respond(resp) })
	for i, m := range req.Markers {
		out := &resp.Markers[i]
		out.ProducerID, out.Topics = m.ProducerID, make([]kmsg.WriteTxnMarkersResponseMarkerTopic, len(m.Topics))
		marker := record.Marker{Type: record.Abort, ProducerID: m.ProducerID, ProducerEpoch: m.ProducerEpoch, CoordinatorEpoch: m.CoordinatorEpoch, Timestamp: s.Now().UnixMilli()}
		if m.Committed {
			marker.Type = record.Commit
		}
		for j, t := range m.Topics {
			out.Topics[j].Topic = t.Topic
			out.Topics[j].Partitions = make([]kmsg.WriteTxnMarkersResponseMarkerTopicPartition, len(t.Partitions))
			for k, index := range t.Partitions {
				place := &out.Topics[j].Partitions[k]
				if place.Partition = index; denied != nil {
					place.ErrorCode = s.code(denied)
					continue
				}
				g.add()
				s.writeMarker(t.Topic, index, marker, m.TransactionVersion >= 2, func(err error) {
					place.ErrorCode = s.code(err)
					g.done()
				})
			}
		}
	}
	g.done()
}

func (s *Server) writeMarker(topic string, index int32, m record.Marker, raised bool, done func(error)) {
	part := s.Replicas.Partition(topic, index)
	switch {
	case part == nil:
		done(kerr.UnknownTopicOrPartition)
	case topic == offsetsTopic:
		s.Groups.EndTransaction(index, m, raised, done)
	default:
		params := commitlog.AppendParams{Origin: commitlog.FromCoordinator, AppendTime: -1, CoordinatorEpoch: m.CoordinatorEpoch, RaisedEpoch: raised}
		if _, err := part.Append(m.Batch(), replica.AcksAll, params, ackFunc(done)); err != nil {
			done(err)
		}
	}
}

// ackFunc is a replica.Ack.
type ackFunc func(error)

// Acked is replica.Ack's.
func (f ackFunc) Acked(err error) { f(err) }
