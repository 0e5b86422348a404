package commitlog

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"slices"
)

// A producer snapshot, Kafka's format:
//
//	version i16 = 1, crc u32 (CRC-32C from byte 6 on), count i32, then 46 bytes each:
//	producer id i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64,
//	coordinator epoch i32, current transaction's first offset i64
//
// Kafka keeps a producer's last batch alone, so that a restart makes it forget four of the five that it answers as
// duplicates. We write an entry for each kept batch, oldest first: of several entries for one producer, Kafka's reader
// keeps the last, which is the one it would have written. When a marker came behind the last batch, that batch stands
// there twice, because the entry's timestamp is then the marker's.
const (
	snapshotVersion    = 1
	snapshotHeader     = 10
	snapshotEntryBytes = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshot encodes the state.
func (s *producers) snapshot() []byte {
	b := make([]byte, snapshotHeader, snapshotHeader+len(s.byID)*snapshotEntryBytes)
	count := uint32(0)
	for _, p := range s.sorted() {
		for i := range int(p.kept) {
			k := p.batches[i]
			first := int64(noTxn)
			if i == int(p.kept)-1 {
				first = p.txnFirst
			}
			b = appendSnapshotEntry(b, p, k, k.timestamp, first)
			count++
		}
		switch {
		case p.kept == 0:
			b = appendSnapshotEntry(b, p, producerBatch{lastSequence: -1, lastOffset: -1}, p.lastTimestamp, p.txnFirst)
			count++
		case p.last().timestamp != p.lastTimestamp:
			b = appendSnapshotEntry(b, p, *p.last(), p.lastTimestamp, p.txnFirst)
			count++
		}
	}
	be.PutUint16(b, snapshotVersion)
	be.PutUint32(b[6:], count)
	be.PutUint32(b[2:], crc32.Checksum(b[6:], castagnoli))
	return b
}

func appendSnapshotEntry(b []byte, p *producer, k producerBatch, timestamp, txnFirst int64) []byte {
	b = be.AppendUint64(b, uint64(p.id))
	b = be.AppendUint16(b, uint16(p.epoch))
	b = be.AppendUint32(b, uint32(k.lastSequence))
	b = be.AppendUint64(b, uint64(k.lastOffset))
	b = be.AppendUint32(b, uint32(k.delta))
	b = be.AppendUint64(b, uint64(timestamp))
	b = be.AppendUint32(b, uint32(p.coordinatorEpoch))
	return be.AppendUint64(b, uint64(txnFirst))
}

// parseSnapshot decodes a snapshot file, ours or Kafka's.
func parseSnapshot(b []byte) (*producers, error) {
	if len(b) < snapshotHeader {
		return nil, fmt.Errorf("%w: snapshot of %d bytes", ErrCorrupt, len(b))
	}
	if v := be.Uint16(b); v != snapshotVersion {
		return nil, fmt.Errorf("%w: snapshot of version %d", ErrCorrupt, v)
	}
	if crc32.Checksum(b[6:], castagnoli) != be.Uint32(b[2:]) {
		return nil, fmt.Errorf("%w: snapshot's CRC does not fit", ErrCorrupt)
	}
	count := int64(be.Uint32(b[6:]))
	b = b[snapshotHeader:]
	if count*snapshotEntryBytes != int64(len(b)) {
		return nil, fmt.Errorf("%w: snapshot of %d entries has %d bytes of them", ErrCorrupt, count, len(b))
	}
	s := &producers{}
	for ; len(b) > 0; b = b[snapshotEntryBytes:] {
		s.load(b)
	}
	for _, p := range s.byID {
		if p.txnFirst != noTxn {
			s.open = append(s.open, txn{p.id, p.txnFirst, noTxn})
		}
	}
	slices.SortFunc(s.open, func(a, b txn) int { return cmp.Compare(a.first, b.first) })
	return s, nil
}

func (s *producers) load(b []byte) {
	p := s.get(int64(be.Uint64(b)))
	p.setEpoch(int16(be.Uint16(b[8:])))
	k := producerBatch{
		lastSequence: int32(be.Uint32(b[10:])), lastOffset: int64(be.Uint64(b[14:])),
		delta: int32(be.Uint32(b[22:])), timestamp: int64(be.Uint64(b[26:])),
	}
	p.lastTimestamp = k.timestamp
	p.coordinatorEpoch = int32(be.Uint32(b[34:]))
	p.txnFirst = max(int64(be.Uint64(b[38:])), noTxn)
	again := p.kept > 0 && p.last().lastOffset == k.lastOffset
	if k.lastOffset >= 0 && !again {
		p.add(k)
	}
}
