package api

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// DescribeLogDirs (key 35), versions 1-5.
//
//	v2  flexible    v3  top-level error    v4  size of the volume (KIP-827)    v5  cordoned directories (KIP-1066)
//
// Null topics ask for all, an empty list for the directories only; unknown topics are left out. An offline directory is
// KAFKA_STORAGE_ERROR and lists nothing.
func (s *Server) describeLogDirs(x *network.Exchange, req *kmsg.DescribeLogDirsRequest) {
	resp := req.ResponseKind().(*kmsg.DescribeLogDirsResponse)
	if !s.mayCluster(x, describeLogDirsCluster) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		x.Respond(resp)
		return
	}
	wanted := func(commitlog.Partition) bool { return true }
	if req.Topics != nil {
		asked := map[commitlog.Partition]bool{}
		for _, t := range req.Topics {
			for _, p := range t.Partitions {
				asked[commitlog.Partition{Topic: t.Topic, Index: p}] = true
			}
		}
		wanted = func(p commitlog.Partition) bool { return asked[p] }
	}
	logs := s.Storage.Logs()
	slices.SortFunc(logs, func(a, b *commitlog.Log) int {
		return cmp.Or(cmp.Compare(a.Partition().Topic, b.Partition().Topic), cmp.Compare(a.Partition().Index, b.Partition().Index))
	})
	for _, d := range s.Storage.Dirs() {
		out := kmsg.NewDescribeLogDirsResponseDir()
		out.Dir, out.TotalBytes, out.UsableBytes = d.Path, int64(d.TotalBytes), int64(d.FreeBytes)
		if d.Offline != nil {
			out.ErrorCode = kerr.KafkaStorageError.Code
		} else {
			out.Topics = logsIn(d.Path, logs, wanted)
		}
		resp.Dirs = append(resp.Dirs, out)
	}
	x.Respond(resp)
}

func logsIn(dir string, logs []*commitlog.Log, wanted func(commitlog.Partition) bool) (out []kmsg.DescribeLogDirsResponseDirTopic) {
	for _, l := range logs {
		p := l.Partition()
		if l.Dir() != dir || !wanted(p) {
			continue
		}
		if n := len(out); n == 0 || out[n-1].Topic != p.Topic {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = p.Topic
			out = append(out, t)
		}
		d := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		d.Partition, d.Size = p.Index, l.Size()
		out[len(out)-1].Partitions = append(out[len(out)-1].Partitions, d)
	}
	return out
}
