package controller

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// A snapshot is a file in Kafka's form (KIP-630): batches of records with a CRC each, so that Kafka's dump tool reads it.
//
//	control batch: SnapshotHeader, KRaftVersion, KRaftVoters
//	batches of metadata records, in the order of metadata.Image.Records
//	control batch: SnapshotFooter; without it the file is not whole
const (
	snapshotSuffix     = ".checkpoint"
	snapshotBatchBytes = 256 << 10
)

// The control records of a snapshot, by Kafka's numbers.
const (
	controlHeader  = 3
	controlFooter  = 4
	controlVersion = 5
	controlVoters  = 6
)

var errSnapshot = errors.New("damaged snapshot")

func snapshotName(p position) string {
	return fmt.Sprintf("%020d-%010d%s", p.index, p.term, snapshotSuffix)
}

func parseSnapshotName(name string) (position, bool) {
	var p position
	base, ok := strings.CutSuffix(name, snapshotSuffix)
	if !ok {
		return p, false
	}
	if n, err := fmt.Sscanf(base, "%020d-%010d", &p.index, &p.term); n != 2 || err != nil || snapshotName(p) != name {
		return p, false
	}
	return p, true
}

func encodeSnapshot(i *metadata.Image, voters []quorum.NodeID) ([]byte, error) {
	w := snapshotWriter{epoch: i.Epoch}
	w.control(control{controlHeader, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, // version, time of the last record, no tags
		control{controlVersion, []byte{0, 0, 0, 1, 0}}, // version, kraft.version 1, no tags
		control{controlVoters, encodeVoters(voters)})
	w.records(i.Records())
	w.control(control{controlFooter, []byte{0, 0, 0}})
	if w.err != nil {
		return nil, fmt.Errorf("snapshot at %d: %w", i.Offset, w.err)
	}
	return w.out, nil
}

type control struct {
	kind  int16
	value []byte
}

type snapshotWriter struct {
	epoch int32
	next  int64
	out   []byte
	err   error
}

func (w *snapshotWriter) flush(b *record.Builder) {
	if b.Count() == 0 || w.err != nil {
		return
	}
	batch, err := b.Build()
	if err != nil {
		w.err = err
		return
	}
	w.next = batch.NextOffset()
	w.out = append(w.out, batch...)
}

func (w *snapshotWriter) control(records ...control) {
	b := record.Builder{BaseOffset: w.next, LeaderEpoch: w.epoch, Control: true}
	for _, r := range records {
		b.Append(0, []byte{0, 0, 0, byte(r.kind)}, r.value, nil)
	}
	w.flush(&b)
}

func (w *snapshotWriter) records(records []metadata.Record) {
	b := record.Builder{BaseOffset: w.next, LeaderEpoch: w.epoch}
	var frame []byte
	for _, r := range records {
		frame = metadata.Append(frame[:0], r)
		b.Append(0, nil, frame, nil)
		if b.Size() >= snapshotBatchBytes {
			w.flush(&b)
			b = record.Builder{BaseOffset: w.next, LeaderEpoch: w.epoch}
		}
	}
	w.flush(&b)
}

// encodeVoters is a VotersRecord (KIP-853): ids only, since our voters are found by configuration.
//
//	version i16 | compact array of: id i32, directory uuid, endpoints (none), kraft.version from and to i16, tags | tags
func encodeVoters(voters []quorum.NodeID) []byte {
	b := binary.AppendUvarint([]byte{0, 0}, uint64(len(voters))+1)
	for _, id := range voters {
		b = binary.BigEndian.AppendUint32(b, uint32(id))
		b = append(b, make([]byte, 16)...)
		b = append(b, 1, 0, 0, 0, 1, 0, 0) // no endpoints, 0 to 1, tags of the range, tags of the voter
	}
	return append(b, 0)
}

func decodeVoters(b []byte) ([]quorum.NodeID, error) {
	const size = 4 + 16 + 7
	if len(b) < 4 {
		return nil, errSnapshot
	}
	n, used := binary.Uvarint(b[2:])
	b = b[2+max(used, 0):]
	if used <= 0 || n == 0 || n-1 > uint64(len(b)/size) || uint64(len(b)) != (n-1)*size+1 {
		return nil, errSnapshot
	}
	var voters []quorum.NodeID
	for ; n > 1; n-- {
		voters = append(voters, quorum.NodeID(binary.BigEndian.Uint32(b)))
		b = b[size:]
	}
	return voters, nil
}

// decodeSnapshot reads a whole snapshot and checks it: every CRC, the header, the footer, and that it is not empty.
func decodeSnapshot(b []byte, clusterID string, p position) (*metadata.Image, []quorum.NodeID, error) {
	r := snapshotReader{delta: metadata.NewDelta(metadata.Empty(clusterID))}
	for len(b) > 0 {
		batch, rest, err := record.First(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errSnapshot, err)
		}
		if err := r.batch(batch); err != nil {
			return nil, nil, err
		}
		b = rest
	}
	if !r.header || !r.footer || r.count == 0 {
		return nil, nil, fmt.Errorf("%w: header %t, footer %t, %d records", errSnapshot, r.header, r.footer, r.count)
	}
	return r.delta.Image(int64(p.index), epoch(p.term)), r.voters, nil
}

type snapshotReader struct {
	delta          *metadata.Delta
	voters         []quorum.NodeID
	header, footer bool
	count          int
}

func (r *snapshotReader) batch(batch record.Batch) error {
	if !batch.CheckCRC() || r.footer || !r.header && !batch.Control() {
		return fmt.Errorf("%w: bad batch at %d", errSnapshot, batch.BaseOffset())
	}
	records, err := batch.Records(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	for records.Next() {
		rec := records.Record()
		if batch.Control() {
			err = r.control(rec.Key, rec.Value)
		} else {
			err = r.apply(rec.Value)
		}
		if err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	return nil
}

func (r *snapshotReader) control(key, value []byte) (err error) {
	if len(key) < 4 {
		return errSnapshot
	}
	switch binary.BigEndian.Uint16(key[2:]) {
	case controlHeader:
		r.header = true
	case controlFooter:
		r.footer = true
	case controlVoters:
		r.voters, err = decodeVoters(value)
	}
	return err
}

func (r *snapshotReader) apply(value []byte) error {
	rec, err := metadata.Decode(value)
	if err == nil {
		err = r.delta.Apply(rec)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	r.count++
	return nil
}
