package api

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeProducers (key 61), version 0. KIP-664: the producers that partitions led by this broker know.
func (s *Server) describeProducers(x *network.Exchange, req *kmsg.DescribeProducersRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeProducersResponse)
	for _, t := range req.Topics {
		out := kmsg.NewDescribeProducersResponseTopic()
		out.Topic = t.Topic
		for _, index := range t.Partitions {
			if err := s.permit(x, describeProducersTopic, t.Topic); err != nil {
				denied := kmsg.NewDescribeProducersResponseTopicPartition()
				denied.Partition, denied.ErrorCode = index, s.code(err)
				out.Partitions = append(out.Partitions, denied)
				continue
			}
			out.Partitions = append(out.Partitions, s.producersOf(t.Topic, index))
		}
		resp.Topics = append(resp.Topics, out)
	}
	x.Respond(resp)
}

func (s *Server) producersOf(topic string, index int32) kmsg.DescribeProducersResponseTopicPartition {
	out := kmsg.NewDescribeProducersResponseTopicPartition()
	out.Partition = index
	part := s.Replicas.Partition(topic, index)
	if part == nil {
		err := s.absent(s.Cluster.Image().Topic(topic), index)
		out.ErrorCode, out.ErrorMessage = err.Code, kmsg.StringPtr(err.Description)
		return out
	}
	if err := part.CheckLeader(-1); err != nil {
		out.ErrorCode, out.ErrorMessage = s.code(err), kmsg.StringPtr(err.Error())
		return out
	}
	for _, p := range part.Log().Producers(s.Now()) {
		a := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		a.ProducerID, a.ProducerEpoch, a.LastSequence, a.LastTimestamp = p.ProducerID, int32(p.Epoch), p.LastSequence, p.LastTimestamp
		a.CoordinatorEpoch, a.CurrentTxnStartOffset = p.CoordinatorEpoch, p.TxnStartOffset
		out.ActiveProducers = append(out.ActiveProducers, a)
	}
	return out
}
