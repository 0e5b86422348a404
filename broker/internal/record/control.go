package record

import "fmt"

// ControlType is what a control record says.
type ControlType int16

const (
	Abort           ControlType = 0
	Commit          ControlType = 1
	LeaderChange    ControlType = 2
	SnapshotHeader  ControlType = 3
	SnapshotFooter  ControlType = 4
	unknownControl  ControlType = -1
	controlKeySize              = 4
	endTxnValueSize             = 6
)

// Marker ends a producer's transaction in a partition.
type Marker struct {
	Type             ControlType // Commit or Abort
	ProducerID       int64
	ProducerEpoch    int16
	CoordinatorEpoch int32
	Timestamp        int64 // Unix milliseconds
}

// Batch makes the control batch of a marker: transactional, with no sequence.
//
//	key:   version i16 = 0, type i16
//	value: version i16 = 0, coordinator epoch i32
func (m Marker) Batch() Batch {
	key := be.AppendUint16(make([]byte, 2, controlKeySize), uint16(m.Type))
	value := be.AppendUint32(make([]byte, 2, endTxnValueSize), uint32(m.CoordinatorEpoch))
	b := Builder{Transactional: true, Control: true, Producer: ProducerStamp{true, m.ProducerID, m.ProducerEpoch, NoSequence}}
	b.Append(m.Timestamp, key, value, nil)
	batch, err := b.Build()
	if err != nil {
		panic(fmt.Sprintf("record: building the marker %+v: %v", m, err)) // uncompressed: nothing can fail
	}
	return batch
}

// ParseMarker reads the first record of a control batch. Types above Commit have no producer's meaning: only Type is set.
// A control batch that compaction emptied says nothing any more, and has a type of its own.
func ParseMarker(b Batch) (Marker, error) {
	if b.Count() == 0 {
		return Marker{Type: unknownControl}, nil
	}
	it, err := b.Records(nil)
	if err != nil {
		return Marker{Type: unknownControl}, fmt.Errorf("parse control batch at %d: %w", b.BaseOffset(), err)
	}
	if !it.Next() {
		return Marker{Type: unknownControl}, fmt.Errorf("parse control batch at %d: %w: no record: %w", b.BaseOffset(), ErrInvalidRecord, it.Err())
	}
	rec := it.Record()
	if len(rec.Key) < controlKeySize {
		return Marker{Type: unknownControl}, fmt.Errorf("parse control batch at %d: %w: key of %d bytes", b.BaseOffset(), ErrInvalidRecord, len(rec.Key))
	}
	m := Marker{Type: ControlType(be.Uint16(rec.Key[2:])), ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(), Timestamp: rec.Timestamp}
	if m.Type != Commit && m.Type != Abort {
		return m, nil
	}
	if len(rec.Value) < endTxnValueSize {
		return m, fmt.Errorf("parse control batch at %d: %w: value of %d bytes", b.BaseOffset(), ErrInvalidRecord, len(rec.Value))
	}
	m.CoordinatorEpoch = int32(be.Uint32(rec.Value[2:]))
	return m, nil
}
