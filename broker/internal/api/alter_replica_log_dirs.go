package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// AlterReplicaLogDirs (key 34), versions 1-2 (2 flexible). KIP-113.
//
// Differs: a replica stays in the directory it was made in. A wish for that directory is a success, one for another
// directory of this broker INVALID_REQUEST, and one for a directory that there is not LOG_DIR_NOT_FOUND.
func (s *Server) alterReplicaLogDirs(x *network.Exchange, req *kmsg.AlterReplicaLogDirsRequest) {
	resp := req.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	denied := s.permitCluster(x, alterLogDirsCluster)
	at := map[string]int{}
	for _, d := range req.Dirs {
		for _, t := range d.Topics {
			i, seen := at[t.Topic]
			if !seen {
				i = len(resp.Topics)
				at[t.Topic] = i
				out := kmsg.NewAlterReplicaLogDirsResponseTopic()
				out.Topic = t.Topic
				resp.Topics = append(resp.Topics, out)
			}
			for _, p := range t.Partitions {
				err := denied
				if err == nil {
					err = s.moveTo(d.Dir, t.Topic, p)
				}
				out := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				out.Partition, out.ErrorCode = p, s.code(err)
				resp.Topics[i].Partitions = append(resp.Topics[i].Partitions, out)
			}
		}
	}
	x.Respond(resp)
}

func (s *Server) moveTo(dir, topic string, index int32) error {
	known := false
	for _, d := range s.Storage.Dirs() {
		known = known || d.Path == dir
	}
	if !known {
		return kerr.LogDirNotFound
	}
	part := s.Replicas.Partition(topic, index)
	switch {
	case part == nil:
		return kerr.UnknownTopicOrPartition
	case part.Log().Dir() != dir:
		return kerr.InvalidRequest
	}
	return nil
}
