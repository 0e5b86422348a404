package wire

import (
	"encoding/binary"
	"net"
)

// FetchResponse is the answer of Fetch, versions 4 to 18. It is written by hand because kmsg's would copy the records:
// here they stay where the log read them, and only the bytes around them are new.
//
// v5 log start offset · v7 sessions, top-level error · v11 preferred read replica · v12 flexible, diverging epoch ·
// v13 topic ids · v16 node endpoints (KIP-951). What a version lacks is left out.
type FetchResponse struct {
	ThrottleMillis int32
	ErrorCode      int16
	SessionID      int32
	Topics         []FetchTopic
	NodeEndpoints  []NodeEndpoint // of the current leaders below; written when there are any
}

// FetchTopic is a topic by name up to version 12, by id from 13 on.
type FetchTopic struct {
	Topic      string
	TopicID    [16]byte
	Partitions []FetchPartition
}

// FetchPartition is what one partition has to give.
type FetchPartition struct {
	Partition            int32
	ErrorCode            int16
	HighWatermark        int64
	LastStableOffset     int64
	LogStartOffset       int64
	AbortedTransactions  []AbortedTransaction // nil is null, as a read_uncommitted reader gets it
	PreferredReadReplica int32                // -1 for none
	Records              [][]byte             // whole batches, in order; none is written as no bytes, as Kafka does, never as null

	// The tags of version 12 and later; nil ones are left out.
	DivergingEpoch *EpochEnd
	CurrentLeader  *CurrentLeader
	SnapshotID     *SnapshotID
}

// AbortedTransaction is an aborted transaction that overlaps the records.
type AbortedTransaction struct{ ProducerID, FirstOffset int64 }

// EpochEnd is the last epoch before the reader's that the log has, and its end.
type EpochEnd struct {
	Epoch     int32
	EndOffset int64
}

// CurrentLeader tells a reader that asked the wrong node where to go (KIP-951).
type CurrentLeader struct{ LeaderID, LeaderEpoch int32 }

// SnapshotID names the snapshot a reader has to fetch instead.
type SnapshotID struct {
	EndOffset int64
	Epoch     int32
}

// NodeEndpoint is the address of a leader named in the response.
type NodeEndpoint struct {
	NodeID int32
	Host   string
	Port   int32
	Rack   *string
}

// AppendBuffers encodes the body, header pieces and records in turn. The pieces are new; the record slices are those of
// r, so r's records must stay untouched until the buffers are written.
func (r *FetchResponse) AppendBuffers(version int16) net.Buffers {
	bytes, pieces := r.estimate()
	e := fetchEncoder{version: version, flexible: version >= 12}
	e.dst, e.out = make([]byte, 0, bytes), make(net.Buffers, 0, pieces)
	e.response(r)
	e.cut()
	return e.out
}

// estimate returns the size of all header pieces, a little too large, and the number of buffers.
func (r *FetchResponse) estimate() (bytes, pieces int) {
	bytes, pieces = 32+len(r.NodeEndpoints)*64, 1
	for i := range r.Topics {
		t := &r.Topics[i]
		bytes += 24 + len(t.Topic) + 96*len(t.Partitions)
		for j := range t.Partitions {
			p := &t.Partitions[j]
			bytes += 17 * len(p.AbortedTransactions)
			pieces += 1 + len(p.Records)
		}
	}
	return bytes, pieces
}

// fetchEncoder appends to dst and cuts a piece off it before each run of records.
type fetchEncoder struct {
	version  int16
	flexible bool
	dst      []byte
	from     int // dst[from:] is not in out yet
	out      net.Buffers
}

// cut ends a piece. Should dst have grown since the last cut, the older pieces keep the older array, which is complete.
func (e *fetchEncoder) cut() {
	if e.from < len(e.dst) {
		e.out = append(e.out, e.dst[e.from:len(e.dst):len(e.dst)])
		e.from = len(e.dst)
	}
}

func (e *fetchEncoder) response(r *FetchResponse) {
	e.int32(r.ThrottleMillis)
	if e.version >= 7 {
		e.int16(r.ErrorCode)
		e.int32(r.SessionID)
	}
	e.count(len(r.Topics))
	for i := range r.Topics {
		e.topic(&r.Topics[i])
	}
	if !e.flexible {
		return
	}
	if e.version < 16 || len(r.NodeEndpoints) == 0 {
		e.noTags()
		return
	}
	e.uvarint(1)
	var inner fetchEncoder
	inner.flexible = true
	inner.endpoints(r.NodeEndpoints)
	e.tag(0, len(inner.dst))
	e.dst = append(e.dst, inner.dst...)
}

func (e *fetchEncoder) topic(t *FetchTopic) {
	if e.version >= 13 {
		e.dst = append(e.dst, t.TopicID[:]...)
	} else {
		e.string(t.Topic)
	}
	e.count(len(t.Partitions))
	for i := range t.Partitions {
		e.partition(&t.Partitions[i])
	}
	e.noTags()
}

func (e *fetchEncoder) partition(p *FetchPartition) {
	e.int32(p.Partition)
	e.int16(p.ErrorCode)
	e.int64(p.HighWatermark)
	e.int64(p.LastStableOffset)
	if e.version >= 5 {
		e.int64(p.LogStartOffset)
	}
	e.aborted(p.AbortedTransactions)
	if e.version >= 11 {
		e.int32(p.PreferredReadReplica)
	}
	e.records(p.Records)
	if e.flexible {
		e.partitionTags(p)
	}
}

func (e *fetchEncoder) aborted(txns []AbortedTransaction) {
	if txns == nil {
		e.nullCount()
		return
	}
	e.count(len(txns))
	for _, t := range txns {
		e.int64(t.ProducerID)
		e.int64(t.FirstOffset)
		e.noTags()
	}
}

func (e *fetchEncoder) records(batches [][]byte) {
	size := 0
	for _, b := range batches {
		size += len(b)
	}
	e.count(size)
	if size == 0 {
		return
	}
	e.cut()
	for _, b := range batches {
		if len(b) > 0 {
			e.out = append(e.out, b)
		}
	}
}

func (e *fetchEncoder) partitionTags(p *FetchPartition) {
	n := 0
	for _, present := range [...]bool{p.DivergingEpoch != nil, p.CurrentLeader != nil, p.SnapshotID != nil} {
		if present {
			n++
		}
	}
	e.uvarint(n)
	if d := p.DivergingEpoch; d != nil {
		e.tag(0, 13)
		e.int32(d.Epoch)
		e.int64(d.EndOffset)
		e.noTags()
	}
	if l := p.CurrentLeader; l != nil {
		e.tag(1, 9)
		e.int32(l.LeaderID)
		e.int32(l.LeaderEpoch)
		e.noTags()
	}
	if s := p.SnapshotID; s != nil {
		e.tag(2, 13)
		e.int64(s.EndOffset)
		e.int32(s.Epoch)
		e.noTags()
	}
}

func (e *fetchEncoder) endpoints(nodes []NodeEndpoint) {
	e.count(len(nodes))
	for _, n := range nodes {
		e.int32(n.NodeID)
		e.string(n.Host)
		e.int32(n.Port)
		if n.Rack == nil {
			e.uvarint(0)
		} else {
			e.string(*n.Rack)
		}
		e.noTags()
	}
}

func (e *fetchEncoder) int16(v int16) { e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(v)) }
func (e *fetchEncoder) int32(v int32) { e.dst = binary.BigEndian.AppendUint32(e.dst, uint32(v)) }
func (e *fetchEncoder) int64(v int64) { e.dst = binary.BigEndian.AppendUint64(e.dst, uint64(v)) }
func (e *fetchEncoder) uvarint(n int) { e.dst = binary.AppendUvarint(e.dst, uint64(n)) }

// count writes the length of an array or of bytes.
func (e *fetchEncoder) count(n int) {
	if e.flexible {
		e.uvarint(n + 1)
	} else {
		e.int32(int32(n))
	}
}

func (e *fetchEncoder) nullCount() {
	if e.flexible {
		e.uvarint(0)
	} else {
		e.int32(-1)
	}
}

func (e *fetchEncoder) string(s string) {
	if e.flexible {
		e.uvarint(len(s) + 1)
	} else {
		e.int16(int16(len(s)))
	}
	e.dst = append(e.dst, s...)
}

func (e *fetchEncoder) tag(tag, size int) {
	e.uvarint(tag)
	e.uvarint(size)
}

func (e *fetchEncoder) noTags() {
	if e.flexible {
		e.dst = append(e.dst, 0)
	}
}
