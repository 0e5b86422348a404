package api

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// Fetch (key 1), versions 4-18.
//
//	v4  isolation level (KIP-98)      v5  log start offset       v7  sessions (KIP-227)
//	v9  leader epoch (KIP-320)        v10 zstd                   v11 rack (KIP-392)
//	v12 flexible, diverging epoch     v13 topic ids (KIP-516)    v15 ReplicaState
//	v16 new leader (KIP-951)          v17 directory id           v18 high watermark (KIP-1166)
//
// Consumers see records below the high watermark, or below the last stable offset under read_committed. The first
// batch is returned whole though it exceeds every limit (KIP-74). A fetch with less than min bytes waits for a high
// watermark to move; a partition that does not exist does not end the wait, any other error does.
//
// Differs: batches are never cut in the middle at a limit, because their CRC is checked before they leave.
// The rack is not looked at yet: the leader serves everybody (KIP-392 asks for followers).
func (s *Server) fetch(x *network.Exchange, req *kmsg.FetchRequest) {
	if req.MaxBytes < 0 || req.IsolationLevel < 0 || req.IsolationLevel > 1 {
		s.refuseFetch(x, req, kerr.UnknownServerError.Code)
		return
	}
	session, parts, code := s.sessions.open(req)
	if code != 0 {
		s.refuseFetch(x, req, code)
		return
	}
	f := &fetching{
		s: s, x: x, denied: s.mayFetch(x, req, parts), version: req.Version, session: session, parts: parts,
		minBytes: int(req.MinBytes), maxBytes: s.responseBytes(x, req),
		committed: req.IsolationLevel == 1, opened: req.SessionEpoch == 0,
		deadline: s.Now().Add(time.Duration(req.MaxWaitMillis) * time.Millisecond),
	}
	f.run()
}

// Bytes of a response to a consumer that comes back at once, and the pause that earns so much again.
const (
	quickBytes = 512 << 10
	quickPause = 4 * time.Millisecond
)

// responseBytes is the most that one response holds. A small one stays in the processor's cache between the file, the CRC
// and the socket, which halves its cost; a large one spares a far or slow consumer round trips. So a consumer gets half a
// mebibyte, and that much again for each 4 ms that it let pass since the last answer: 128 MB/s whatever the distance.
func (s *Server) responseBytes(x *network.Exchange, req *kmsg.FetchRequest) int {
	asked := min(int64(req.MaxBytes), s.Static.Int("fetch.max.bytes"))
	earned := quickBytes * (1 + int64(x.Pause()/quickPause))
	return int(min(asked, max(earned, int64(req.MinBytes))))
}

// mayFetch answers which partitions the client may not read; nil: none of them. Who says to be a replica needs the right of
// one: what a replica fetches moves high watermarks (CVE-2018-1288).
func (s *Server) mayFetch(x *network.Exchange, req *kmsg.FetchRequest, parts []*fetchPart) []bool {
	if s.authorizer == nil {
		return nil
	}
	replica := req.ReplicaID >= 0 || req.ReplicaState.ID >= 0
	forged := replica && !s.mayCluster(x, fetchReplica)
	denied := make([]bool, len(parts))
	last, may := "", false
	image := s.Cluster.Image()
	for i, p := range parts {
		name := p.topic
		if req.Version >= 13 {
			t := image.TopicByID(p.id)
			if t == nil {
				continue // answered as unknown
			}
			name = t.Name
		}
		if name != last {
			last, may = name, replica || s.may(x, fetchTopic, name)
		}
		denied[i] = forged || !may
	}
	return denied
}

// refuseFetch answers an error for the whole request.
func (s *Server) refuseFetch(x *network.Exchange, req *kmsg.FetchRequest, code int16) {
	resp := wire.FetchResponse{ErrorCode: code}
	if req.Version < 7 { // no top-level error yet: every partition has it
		for _, t := range req.Topics {
			out := wire.FetchTopic{Topic: t.Topic, TopicID: t.TopicID}
			for _, p := range t.Partitions {
				out.Partitions = append(out.Partitions, failedFetch(p.Partition, code))
			}
			resp.Topics = append(resp.Topics, out)
		}
	}
	x.RespondRaw(resp.AppendBuffers(req.Version), nil)
}

func failedFetch(index int32, code int16) wire.FetchPartition {
	return wire.FetchPartition{
		Partition: index, ErrorCode: code, HighWatermark: -1, LastStableOffset: -1, LogStartOffset: -1, PreferredReadReplica: -1,
	}
}

// fetchPart is one partition of a fetch, as asked.
type fetchPart struct {
	topic       string
	id          metadata.UUID
	index       int32
	offset      int64
	maxBytes    int32
	leaderEpoch int32 // the client's, -1 for none
	lastEpoch   int32 // of the last record the client has, -1 for none

	// What the last answer of a session said; an incremental answer leaves out what did not change.
	answered bool
	high     int64
	logStart int64
}
