package controller

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// raftRecord is one RAFT record of the journal: what one drain of the quorum wants durable. Records are numbered without gaps,
// so that recovery knows which of them the files of a checkpoint hold already.
//
//	u8 version (1) | uvarint sequence | u8 flags | with flag 1: uvarint term, varint vote, uvarint commit
//	with flag 2: uvarint index, uvarint term of a snapshot that replaced the log (its file was written before)
//	uvarint number of entries | each: uvarint index, uvarint term, u8 kind, uvarint length, data
//
// The journal's frame has the checksum.
type raftRecord struct {
	sequence uint64
	hard     *quorum.HardState
	snapshot *position
	entries  []quorum.Entry
}

// position is an entry by index and term.
type position struct{ index, term uint64 }

const (
	raftVersion  = 1
	flagHard     = 1
	flagSnapshot = 2
)

func (r raftRecord) encode() []byte {
	size := 64
	for _, e := range r.entries {
		size += 32 + len(e.Data)
	}
	b := append(make([]byte, 0, size), raftVersion)
	b = binary.AppendUvarint(b, r.sequence)
	flags := byte(0)
	if r.hard != nil {
		flags |= flagHard
	}
	if r.snapshot != nil {
		flags |= flagSnapshot
	}
	b = append(b, flags)
	if r.hard != nil {
		b = binary.AppendUvarint(b, r.hard.Term)
		b = binary.AppendVarint(b, int64(r.hard.Vote))
		b = binary.AppendUvarint(b, r.hard.Commit)
	}
	if r.snapshot != nil {
		b = binary.AppendUvarint(b, r.snapshot.index)
		b = binary.AppendUvarint(b, r.snapshot.term)
	}
	b = binary.AppendUvarint(b, uint64(len(r.entries)))
	for _, e := range r.entries {
		b = binary.AppendUvarint(b, e.Index)
		b = binary.AppendUvarint(b, e.Term)
		b = append(b, byte(e.Kind))
		b = binary.AppendUvarint(b, uint64(len(e.Data)))
		b = append(b, e.Data...)
	}
	return b
}

var errRaftRecord = errors.New("damaged RAFT record")

// decodeRaft reads what encode wrote. The entries' data are copies.
func decodeRaft(b []byte) (raftRecord, error) {
	d := raftDecoder{b: b}
	var r raftRecord
	if v := d.byte(); d.err == nil && v != raftVersion {
		return r, fmt.Errorf("%w: version %d", errRaftRecord, v)
	}
	r.sequence = d.uvarint()
	flags := d.byte()
	if flags&flagHard != 0 {
		r.hard = &quorum.HardState{Term: d.uvarint(), Vote: quorum.NodeID(d.varint()), Commit: d.uvarint()}
	}
	if flags&flagSnapshot != 0 {
		r.snapshot = &position{d.uvarint(), d.uvarint()}
	}
	const smallest = 4
	n := d.uvarint()
	if n > uint64(len(d.b)/smallest) {
		d.err = errRaftRecord
	}
	for ; n > 0 && d.err == nil; n-- {
		e := quorum.Entry{Index: d.uvarint(), Term: d.uvarint(), Kind: quorum.Kind(d.byte())}
		e.Data = d.bytes(d.uvarint())
		r.entries = append(r.entries, e)
	}
	if d.err == nil && (len(d.b) > 0 || flags&^(flagHard|flagSnapshot) != 0) {
		d.err = errRaftRecord
	}
	return r, d.err
}

type raftDecoder struct {
	b   []byte
	err error
}

func (d *raftDecoder) cut(n int, ok bool) []byte {
	if d.err != nil || !ok || n > len(d.b) {
		d.err = errRaftRecord
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *raftDecoder) byte() byte {
	if b := d.cut(1, true); b != nil {
		return b[0]
	}
	return 0
}

func (d *raftDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.cut(n, n > 0) == nil {
		return 0
	}
	return v
}

func (d *raftDecoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.cut(n, n > 0) == nil {
		return 0
	}
	return v
}

func (d *raftDecoder) bytes(n uint64) []byte {
	b := d.cut(int(min(n, uint64(len(d.b)))), n <= uint64(len(d.b)))
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}
