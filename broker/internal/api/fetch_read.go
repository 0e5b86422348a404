package api

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/security"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// fetching is one fetch until it is answered. While it waits it holds no goroutine and no record bytes.
type fetching struct {
	s         *Server
	x         *network.Exchange
	version   int16
	session   *fetchSession // nil: none
	parts     []*fetchPart
	denied    []bool // by part; nil: none is
	opened    bool   // this request opened the session
	minBytes  int
	maxBytes  int
	committed bool
	deadline  time.Time
}

// reading is what one pass over the partitions found.
type reading struct {
	answers []wire.FetchPartition // by part
	found   []*replica.Partition  // by part; nil where there is none
	chunks  []commitlog.Chunk
	bytes   int
	failed  bool // an error that ends the wait
}

func (r *reading) release() {
	for _, c := range r.chunks {
		if c.Release != nil {
			c.Release()
		}
	}
}

// run reads, and answers or waits.
func (f *fetching) run() {
	r := f.read()
	wait := f.deadline.Sub(f.s.Now())
	if r.failed || r.bytes >= f.minBytes || wait <= 0 || len(f.parts) == 0 || f.s.draining.Load() {
		f.answer(r)
		return
	}
	f.park(r, wait)
}

// park waits for a high watermark to move, for the deadline, or for the end of the connection.
func (f *fetching) park(r *reading, wait time.Duration) {
	highs := make([]int64, len(r.found))
	for i, p := range r.found {
		if p != nil {
			highs[i] = r.answers[i].HighWatermark
		}
	}
	r.release()
	var timer *time.Timer
	var unhook func() bool
	watch := replica.NewWatch(func() {
		go func() { // the committer must not read logs
			timer.Stop()
			unhook()
			f.run()
		}()
	})
	expire := func() {
		if watch.Cancel() {
			timer.Stop()
			unhook()
			f.answer(f.read())
		}
	}
	ready := make(chan struct{})
	timer = time.AfterFunc(wait, func() { <-ready; expire() })
	unhook = context.AfterFunc(f.x.Context(), func() { <-ready; expire() })
	close(ready) // both are set before either of them looks
	for i, p := range r.found {
		if p != nil {
			p.Watch(watch, highs[i])
		}
	}
	if f.s.draining.Load() { // Drain may have come between the look above and the registration
		expire()
	}
}

// read makes one pass over the partitions.
func (f *fetching) read() *reading {
	r := &reading{answers: make([]wire.FetchPartition, len(f.parts)), found: make([]*replica.Partition, len(f.parts))}
	image := f.s.Cluster.Image()
	left := f.maxBytes
	for i, p := range f.parts {
		if f.denied != nil && f.denied[i] {
			r.answers[i], r.failed = failedFetch(p.index, kerr.TopicAuthorizationFailed.Code), true
			continue
		}
		part, code := f.find(image, p)
		if code != 0 {
			r.answers[i] = failedFetch(p.index, code)
			continue // does not end the wait
		}
		out, chunk, err := f.readPart(part, p, left, r.bytes == 0)
		if err != nil {
			out = failedFetch(p.index, f.s.code(err))
			f.leaderHint(part, err, &out)
			r.failed = true
			f.s.Observe(Event{Topic: part.Topic, Kind: FetchFailed, Records: 1})
		}
		if out.DivergingEpoch != nil {
			r.failed = true
		}
		r.answers[i], r.found[i] = out, part
		if n := len(chunk.Bytes); n > 0 {
			r.chunks = append(r.chunks, chunk)
			r.bytes += n
			left = max(0, left-n)
		}
	}
	return r
}

func (f *fetching) find(image *metadata.Image, p *fetchPart) (*replica.Partition, int16) {
	if f.version >= 13 {
		if image.TopicByID(p.id) == nil {
			return nil, kerr.UnknownTopicID.Code
		}
		if part := f.s.Replicas.PartitionByID(p.id, p.index); part != nil {
			return part, 0
		}
		return nil, f.s.absent(image.TopicByID(p.id), p.index).Code
	}
	if part := f.s.Replicas.Partition(p.topic, p.index); part != nil {
		return part, 0
	}
	return nil, f.s.absent(image.Topic(p.topic), p.index).Code
}

// leaderHint tells a client that asked the wrong node where the leader is (KIP-951).
func (f *fetching) leaderHint(part *replica.Partition, err error, out *wire.FetchPartition) {
	if f.version < 16 || f.s.code(err) != kerr.NotLeaderForPartition.Code {
		return
	}
	out.CurrentLeader = &wire.CurrentLeader{LeaderID: part.LeaderID(), LeaderEpoch: part.LeaderEpoch()}
}

// readPart reads one partition. first allows one batch above the limits.
func (f *fetching) readPart(part *replica.Partition, p *fetchPart, left int, first bool) (wire.FetchPartition, commitlog.Chunk, error) {
	out := failedFetch(p.index, 0)
	if err := part.CheckLeader(p.leaderEpoch); err != nil {
		return out, commitlog.Chunk{}, err
	}
	log := part.Log()
	start, end, high, stable := log.StartOffset(), log.EndOffset(), part.HighWatermark(), part.LastStableOffset()
	if p.lastEpoch >= 0 {
		if d := diverging(log, p); d != nil {
			out.HighWatermark, out.LastStableOffset, out.LogStartOffset, out.DivergingEpoch = high, stable, start, d
			return out, commitlog.Chunk{}, nil
		}
	}
	if p.offset < start || p.offset > end {
		return out, commitlog.Chunk{}, commitlog.ErrOffsetOutOfRange
	}
	upTo := high
	if f.committed {
		upTo = stable
	}
	chunk, aborted, err := f.readLog(log, p, upTo, left, first)
	if err != nil {
		return out, commitlog.Chunk{}, err
	}
	out.HighWatermark, out.LastStableOffset, out.LogStartOffset = high, stable, start
	if len(chunk.Bytes) > 0 {
		out.Records = [][]byte{chunk.Bytes}
	}
	if f.committed {
		out.AbortedTransactions = []wire.AbortedTransaction{}
		for _, t := range aborted {
			out.AbortedTransactions = append(out.AbortedTransactions, wire.AbortedTransaction{ProducerID: t.ProducerID, FirstOffset: t.FirstOffset})
		}
	}
	return out, chunk, nil
}

// readLog reads what is below upTo, if there is room for it.
func (f *fetching) readLog(log *commitlog.Log, p *fetchPart, upTo int64, left int, first bool) (commitlog.Chunk, []commitlog.AbortedTxn, error) {
	limit := min(left, int(p.maxBytes))
	if p.offset >= upTo || limit <= 0 && !first {
		return commitlog.Chunk{}, nil, nil
	}
	if f.committed {
		return log.ReadCommitted(p.offset, upTo, limit, first)
	}
	chunk, err := log.Read(p.offset, upTo, limit, first)
	return chunk, nil, err
}

// diverging answers where the log of a reader that has other records than we parts from ours (KIP-595), or nil.
func diverging(log *commitlog.Log, p *fetchPart) *wire.EpochEnd {
	epoch, end := log.EndOffsetForEpoch(p.lastEpoch)
	if epoch == p.lastEpoch && end >= p.offset {
		return nil
	}
	return &wire.EpochEnd{Epoch: epoch, EndOffset: end}
}

// answer sends what a pass found, and lets go of the records when they have left.
func (f *fetching) answer(r *reading) {
	if r.bytes > 0 && f.s.hold(f.x, security.FetchQuota, r.bytes) {
		f.s.takeBack(f.x, security.FetchQuota, r.bytes)
		f.x.RespondRaw(f.heldBack().AppendBuffers(f.version), r.release)
		return
	}
	resp := wire.FetchResponse{ThrottleMillis: f.x.ThrottleMillis()}
	if f.session != nil {
		resp.SessionID = f.session.id
	}
	for i, p := range f.parts {
		a := &r.answers[i]
		if f.session != nil && !f.session.changed(p, a) {
			continue
		}
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != p.topic || resp.Topics[n-1].TopicID != p.id {
			resp.Topics = append(resp.Topics, wire.FetchTopic{Topic: p.topic, TopicID: p.id})
		}
		t := &resp.Topics[len(resp.Topics)-1]
		t.Partitions = append(t.Partitions, *a)
		f.nameLeader(&resp, a)
		for _, b := range a.Records {
			f.s.Observe(Event{Topic: p.topic, Kind: Fetched, Bytes: len(b)})
		}
	}
	if f.session != nil {
		f.session.done()
	}
	f.x.RespondRaw(resp.AppendBuffers(f.version), r.release)
}

// heldBack is the answer of a client that is over its quota: nothing but the time after which to ask again (KIP-219). It
// goes on with its session where it was; a session that this request would have opened is not opened.
func (f *fetching) heldBack() *wire.FetchResponse {
	resp := &wire.FetchResponse{ThrottleMillis: f.x.ThrottleMillis()}
	switch {
	case f.session == nil:
	case f.opened:
		f.s.sessions.close(f.session.id)
	default:
		resp.SessionID = f.session.id
		f.session.done()
	}
	return resp
}

// nameLeader adds the address of a leader that an answer names.
func (f *fetching) nameLeader(resp *wire.FetchResponse, a *wire.FetchPartition) {
	if a.CurrentLeader == nil {
		return
	}
	for _, n := range resp.NodeEndpoints {
		if n.NodeID == a.CurrentLeader.LeaderID {
			return
		}
	}
	if b := f.s.Cluster.Image().Broker(a.CurrentLeader.LeaderID); b != nil {
		if e, ok := endpoint(b, f.x.Conn.ListenerName()); ok {
			resp.NodeEndpoints = append(resp.NodeEndpoints, wire.NodeEndpoint{NodeID: b.ID, Host: e.Host, Port: int32(e.Port), Rack: b.Rack})
		}
	}
}
