package api

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// Produce (key 0), versions 3-13; advertised from 0 (see api_versions.go).
//
//	v3  message format v2, transactional id     v5   log start offset
//	v7  zstd                                    v8   errors of single records (KIP-467)
//	v9  flexible                                v10  new leader in the answer (KIP-951)
//	v12 implicit AddPartitionsToTxn (KIP-890)   v13  topic ids (KIP-516)
//
// acks=1 and acks=-1 are answered when the records are fsynced (flush.policy=journal), acks=0 never; an error with
// acks=0 closes the connection, the only way to tell. Record bytes stay slices of the request's frame: they are
// patched in place, written, and free again when the answer leaves.
func (s *Server) produce(x *network.Exchange, req *kmsg.ProduceRequest) {
	p := &production{s: s, x: x, req: req, resp: req.ResponseKind().(*kmsg.ProduceResponse)}
	if req.Acks < -1 || req.Acks > 1 {
		p.refuse(kerr.InvalidRequiredAcks)
		return
	}
	if req.TransactionID != nil && !s.may(x, produceTransaction, *req.TransactionID) {
		p.refuse(kerr.TransactionalIDAuthorizationFailed)
		return
	}
	s.hold(x, security.ProduceQuota, x.Request.Size)
	// Answers are laid out before the first append: an acknowledgement may come while later partitions are written.
	p.layOut()
	p.pending.Store(1)
	denied := make([]error, len(req.Topics))
	for i, t := range req.Topics {
		denied[i] = p.denied(t)
	}
	p.joinTransaction(denied)
	for i, t := range req.Topics {
		if denied[i] != nil {
			p.refuseTopic(i, denied[i])
			continue
		}
		for j := range t.Partitions {
			p.append(t, place{i, j})
		}
	}
	p.startTimer()
	p.done()
}

// production is one produce request on its way to its answer.
type production struct {
	s    *Server
	x    *network.Exchange
	req  *kmsg.ProduceRequest
	resp *kmsg.ProduceResponse

	members map[place]*membership // of transactional batches

	failed  bool // a partition was refused: closes the connection under acks=0
	pending atomic.Int32

	mu       sync.Mutex // guards the answers of waiting partitions, the timer and answered
	answered bool
	timer    *time.Timer
	waits    []*partitionAck
}

// partitionAck is the wait of one partition.
type partitionAck struct {
	p       *production
	out     *kmsg.ProduceResponseTopicPartition
	settled bool // guarded by production.mu
}

// Acked is called by the committer.
func (a *partitionAck) Acked(err error) {
	a.p.mu.Lock()
	if !a.p.answered && err != nil {
		a.p.fail(a.out, err)
	}
	a.settled = true
	a.p.mu.Unlock()
	a.p.done()
}

func (p *production) layOut() {
	p.resp.Topics = make([]kmsg.ProduceResponseTopic, len(p.req.Topics))
	for i, t := range p.req.Topics {
		out := &p.resp.Topics[i]
		out.Topic, out.TopicID = t.Topic, t.TopicID
		out.Partitions = make([]kmsg.ProduceResponseTopicPartition, len(t.Partitions))
		for j, part := range t.Partitions {
			out.Partitions[j] = kmsg.NewProduceResponseTopicPartition()
			out.Partitions[j].Partition = part.Partition
			out.Partitions[j].BaseOffset, out.Partitions[j].LogAppendTime, out.Partitions[j].LogStartOffset = -1, -1, -1
		}
	}
}

// refuse answers every partition with one error.
func (p *production) refuse(err *kerr.Error) {
	p.layOut()
	for i := range p.resp.Topics {
		for j := range p.resp.Topics[i].Partitions {
			p.resp.Topics[i].Partitions[j].ErrorCode = err.Code
		}
	}
	p.failed = true
	p.pending.Store(1)
	p.done()
}

// denied answers why the client may not write to a topic. An id of no topic is answered later: it has no name to ask about.
func (p *production) denied(t kmsg.ProduceRequestTopic) error {
	if p.s.authorizer == nil {
		return nil
	}
	name := t.Topic
	if p.req.Version >= 13 {
		known := p.s.Cluster.Image().TopicByID(t.TopicID)
		if known == nil {
			return nil
		}
		name = known.Name
	}
	return p.s.permit(p.x, produceTopic, name)
}

// refuseTopic answers every partition of a topic with one error.
func (p *production) refuseTopic(i int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for j := range p.resp.Topics[i].Partitions {
		p.fail(&p.resp.Topics[i].Partitions[j], err)
	}
}

// append validates and writes the batch of one partition and registers its acknowledgement.
func (p *production) append(t kmsg.ProduceRequestTopic, at place) {
	in, out := &t.Partitions[at.partition], &p.resp.Topics[at.topic].Partitions[at.partition]
	part, err := p.find(t, in.Partition)
	if err == nil {
		err = p.write(part, in.Records, p.members[at], out)
	}
	if err != nil {
		p.mu.Lock()
		p.fail(out, err)
		p.mu.Unlock()
		p.s.Observe(Event{Topic: t.Topic, Kind: ProduceFailed, Records: 1})
	}
}

func (p *production) find(t kmsg.ProduceRequestTopic, index int32) (*replica.Partition, error) {
	if p.req.Version >= 13 {
		if p.s.Cluster.Image().TopicByID(t.TopicID) == nil {
			return nil, kerr.UnknownTopicID
		}
		if part := p.s.Replicas.PartitionByID(t.TopicID, index); part != nil {
			return part, nil
		}
		return nil, p.s.absent(p.s.Cluster.Image().TopicByID(t.TopicID), index)
	}
	if part := p.s.Replicas.Partition(t.Topic, index); part != nil {
		return part, nil
	}
	return nil, p.s.absent(p.s.Cluster.Image().Topic(t.Topic), index)
}

func (p *production) write(part *replica.Partition, records []byte, member *membership, out *kmsg.ProduceResponseTopicPartition) error {
	cfg := part.Config()
	now := p.s.Now().UnixMilli()
	batch, faults, err := record.Validate(records, p.rules(part, now))
	if err != nil {
		return p.rejected(part, faults, err, out)
	}
	params := commitlog.AppendParams{Origin: commitlog.FromClient, AppendTime: -1}
	if member != nil {
		if member.code != 0 {
			return p.notInTransaction(member.code, out)
		}
		params.Guard = member.guard
	}
	if cfg.LogAppendTime {
		params.AppendTime = now
	}
	if cfg.Validation != nil {
		if batch, faults, err = p.screen(part, cfg.Validation, batch); err != nil {
			return p.rejected(part, faults, err, out)
		}
	}
	ack := &partitionAck{p: p, out: out}
	p.mu.Lock()
	p.waits = append(p.waits, ack)
	p.mu.Unlock()
	p.pending.Add(1)
	count, size := batch.Count(), len(batch)
	done, err := part.Append(batch, replica.Acks(p.req.Acks), params, ack)
	if err != nil {
		p.mu.Lock()
		ack.settled = true
		p.mu.Unlock()
		p.pending.Add(-1)
		return err
	}
	p.mu.Lock()
	if out.ErrorCode == 0 && !p.answered {
		out.BaseOffset, out.LogStartOffset = done.BaseOffset, done.LogStartOffset
		switch {
		case done.Duplicate:
			out.LogAppendTime = done.MaxTimestamp // as Kafka, on CreateTime topics too
		case cfg.LogAppendTime:
			out.LogAppendTime = now
		}
	}
	p.mu.Unlock()
	p.s.Observe(Event{Topic: part.Topic, Kind: Produced, Records: int(count), Bytes: size})
	return nil
}

func (p *production) rules(part *replica.Partition, now int64) record.Rules {
	cfg := part.Config()
	r := record.Rules{
		Topic: part.Topic, Partition: part.Index, MaxBytes: cfg.MaxMessageBytes, Compacted: cfg.Compact,
		Compression: record.Producer, ProduceVersion: p.req.Version, LogAppendTime: cfg.LogAppendTime, NowMs: now,
		BeforeMaxMs: cfg.TimestampBefore.Milliseconds(), AfterMaxMs: cfg.TimestampAfter.Milliseconds(),
		NoTransaction: p.req.TransactionID == nil,
	}
	if codec, err := record.ParseCodec(cfg.CompressionType); err == nil {
		r.Compression, r.Level = codec, record.DefaultLevel
		if codec != record.Producer && codec != record.None && codec != record.Snappy {
			r.Level = cfg.CompressionLevel
		}
	}
	return r
}

// rejected counts records that are refused, and says in the answer which.
func (p *production) rejected(part *replica.Partition, faults []record.RecordError, err error, out *kmsg.ProduceResponseTopicPartition) error {
	if len(faults) > 0 || part.Config().Validation != nil {
		p.explain(out, faults, err)
	}
	p.s.Observe(Event{Topic: part.Topic, Kind: Rejected, Records: max(1, len(faults))})
	return err
}

// explain adds what is wrong with single records (KIP-467).
func (p *production) explain(out *kmsg.ProduceResponseTopicPartition, faults []record.RecordError, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range faults {
		e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		e.RelativeOffset, e.ErrorMessage = f.Index, kmsg.StringPtr(f.Message)
		out.ErrorRecords = append(out.ErrorRecords, e)
	}
	out.ErrorMessage = kmsg.StringPtr(err.Error())
}

// fail writes an error into an answer. The caller holds mu.
func (p *production) fail(out *kmsg.ProduceResponseTopicPartition, err error) {
	p.failed = true
	out.ErrorCode = p.s.code(err)
	out.BaseOffset, out.LogAppendTime, out.LogStartOffset = -1, -1, -1
}

// startTimer bounds the wait of acks=-1 by the request's own timeout.
func (p *production) startTimer() {
	if p.req.Acks != -1 || p.pending.Load() <= 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.answered {
		p.timer = time.AfterFunc(max(0, time.Duration(p.req.TimeoutMillis)*time.Millisecond), p.expire)
	}
}

// expire answers what is not settled with REQUEST_TIMED_OUT. The journal may still read the records, so their bytes are
// not handed to the next request.
func (p *production) expire() {
	p.mu.Lock()
	if p.answered {
		p.mu.Unlock()
		return
	}
	p.answered = true
	for _, w := range p.waits {
		if !w.settled {
			p.fail(w.out, kerr.RequestTimedOut)
		}
	}
	p.mu.Unlock()
	p.x.Keep()
	p.x.Respond(p.resp)
}

// done counts down; the last one answers.
func (p *production) done() {
	if p.pending.Add(-1) != 0 {
		return
	}
	p.mu.Lock()
	already, timer := p.answered, p.timer
	p.answered = true
	p.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	switch {
	case already:
	case p.req.Acks == 0 && p.failed:
		p.x.Close(errAcksZero)
	case p.req.Acks == 0:
		p.x.Skip()
	default:
		p.x.Respond(p.resp)
	}
}
