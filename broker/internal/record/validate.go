package record

import (
	"fmt"
	"math"
)

// WalkLevel says how deep Validate looks.
type WalkLevel uint8

const (
	WalkFull   WalkLevel = iota // every record, as Kafka
	WalkHeader                  // header and CRC only
)

// Rules are what a topic and a produce request ask of a batch. Zero values are Kafka's most permissive reading, but for
// Compression, whose zero value means uncompressed, and the timestamp bounds, where zero allows nothing: start from
// DefaultRules.
type Rules struct {
	Topic     string // for the texts of record errors
	Partition int32

	MaxBytes        int       // max.message.bytes, against the batch as it will be stored; 0 is no limit
	MaxDecompressed int       // cap on the decompressed records; 0 is DefaultMaxDecompressed
	Compacted       bool      // cleanup.policy has compact: every record needs a key
	Compression     Codec     // compression.type; Producer stores what came
	Level           int       // compression.<codec>.level; DefaultLevel is the codec's own
	Walk            WalkLevel //
	ProduceVersion  int16     // zstd needs 7; 0 is no version

	LogAppendTime bool  // message.timestamp.type
	NowMs         int64 // the clock, in Unix milliseconds
	BeforeMaxMs   int64 // message.timestamp.before.max.ms
	AfterMaxMs    int64 // message.timestamp.after.max.ms

	// NoTransaction refuses transactional batches, for a request without a transactional id (CVE-2018-17196).
	NoTransaction bool
}

// DefaultRules are those of a topic with Kafka's defaults.
func DefaultRules(nowMs int64) Rules {
	return Rules{MaxBytes: 1048588, Compression: Producer, NowMs: nowMs, BeforeMaxMs: math.MaxInt64, AfterMaxMs: 3_600_000}
}

// Validate is what Kafka's ProduceRequest, UnifiedLog and LogValidator do to the records of one partition in a produce
// request, in their order. It answers the batch to store: b itself, patched in place where LogAppendTime or a wrong
// max timestamp ask for it, or a recompressed copy. Bytes behind a first whole batch that are no whole batch are dropped.
//
// Record errors come with ErrInvalidRecord or ErrInvalidTimestamp. An uncompressed or in-place batch costs no allocation.
func Validate(b []byte, r Rules) (Batch, []RecordError, error) {
	batch, err := only(b)
	if err != nil {
		return nil, nil, err
	}
	if err := checkHeader(batch, &r); err != nil {
		return nil, nil, err
	}
	target := r.Compression
	if target == Producer {
		target = batch.Codec()
	}
	if r.Walk == WalkHeader && target == batch.Codec() {
		if r.LogAppendTime {
			batch.SetLogAppendTime(r.NowMs)
		} else {
			batch.SetMaxTimestamp(batch.MaxTimestamp()) // clears a client's LogAppendTime bit
		}
		return batch, nil, nil
	}
	if batch.Codec() == None {
		return validateRecords(batch, batch.Payload(), target, &r)
	}
	d := GetDecompressor(r.MaxDecompressed)
	defer d.Put()
	data, err := d.Decompress(batch.Codec(), batch.Payload())
	if err != nil {
		return nil, nil, err
	}
	return validateRecords(batch, data, target, &r)
}

// only answers the one batch of a produce request (APP-1).
func only(b []byte) (Batch, error) {
	batch, rest, err := First(b)
	if err == ErrShort {
		return nil, fmt.Errorf("%w: no whole record batch in %d bytes", ErrInvalidRecord, len(b))
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := First(rest); err != ErrShort {
		return nil, fmt.Errorf("%w: more than one record batch", ErrInvalidRecord)
	}
	return batch, nil
}

// checkHeader checks what needs no record: Kafka's UnifiedLog.analyzeAndValidateRecords, then LogValidator.validateBatch.
func checkHeader(b Batch, r *Rules) error {
	switch codec := b.Codec(); {
	case codec == Zstd && r.ProduceVersion > 0 && r.ProduceVersion < 7:
		return fmt.Errorf("%w: zstd in a produce request of version %d", ErrUnsupportedCompression, r.ProduceVersion)
	case b.BaseOffset() != 0:
		return fmt.Errorf("%w: the base offset should be 0, but it is %d", ErrInvalidRecord, b.BaseOffset())
	case r.MaxBytes > 0 && len(b) > r.MaxBytes:
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), r.MaxBytes)
	case !b.CheckCRC():
		return fmt.Errorf("%w: the CRC does not fit", ErrCorrupt)
	case codec > Zstd:
		return fmt.Errorf("%w: codec %d", ErrUnknown, codec)
	case b.LastOffsetDelta() < 0 || b.Count() <= 0 || b.LastOffsetDelta() != b.Count()-1:
		return fmt.Errorf("%w: %d records with last offset delta %d", ErrInvalidRecord, b.Count(), b.LastOffsetDelta())
	case b.Control():
		return fmt.Errorf("%w: clients are not allowed to write control records", ErrInvalidRecord)
	case b.ProducerID() != NoProducerID && b.BaseSequence() < 0:
		return fmt.Errorf("%w: sequence %d of producer %d", ErrInvalidRecord, b.BaseSequence(), b.ProducerID())
	case b.Transactional() && r.NoTransaction:
		return fmt.Errorf("%w: transactional batch without a transactional id", ErrInvalidRecord)
	}
	return nil
}

func validateRecords(b Batch, data []byte, target Codec, r *Rules) (Batch, []RecordError, error) {
	s, ok := walk(data, b.Count(), b.BaseTimestamp())
	if b.LogAppendTime() {
		s.minTime, s.maxTime = b.MaxTimestamp(), b.MaxTimestamp()
	}
	if !ok || s.nullKey && r.Compacted || r.suspicious(b, s) {
		if faults, err := explain(b, data, r); err != nil {
			return nil, faults, err
		}
	}
	if s.gap && b.Codec() != None && target == b.Codec() {
		// Kafka gives up the in-place path here, then trips over records that it read without their keys.
		return nil, nil, fmt.Errorf("%w: offset deltas of a compressed batch have a gap", ErrUnknown)
	}
	if target != b.Codec() {
		out, err := rebuild(b, data, target, r.Level, s.gap)
		if err != nil {
			return nil, nil, err
		}
		if r.MaxBytes > 0 && len(out) > r.MaxBytes {
			return nil, nil, fmt.Errorf("%w: %d bytes when compressed with %v, the limit is %d", ErrTooLarge, len(out), target, r.MaxBytes)
		}
		b = out
	}
	if r.LogAppendTime {
		b.SetLogAppendTime(r.NowMs)
	} else {
		b.SetMaxTimestamp(s.maxTime)
	}
	return b, nil, nil
}

// suspicious tells that some timestamp may be out of bounds. Times below 0 are left to explain: -1 means "none" there.
func (r *Rules) suspicious(b Batch, s summary) bool {
	if r.LogAppendTime {
		return b.LogAppendTime()
	}
	return s.minTime < 0 || r.outOfBounds(s.minTime) || r.outOfBounds(s.maxTime)
}

func (r *Rules) outOfBounds(ms int64) bool {
	diff := r.NowMs - ms
	return diff > r.BeforeMaxMs || -diff > r.AfterMaxMs
}

// explain walks the records one by one and collects what is wrong with each (LogValidator.validateRecord). A record
// whose structure is wrong ends the walk.
func explain(b Batch, data []byte, r *Rules) (faults []RecordError, err error) {
	badTime := false
	it := Iterator{data: data, left: b.Count(), base: b.BaseOffset(), baseTime: b.BaseTimestamp(), allTime: b.MaxTimestamp(), append: b.LogAppendTime()}
	for i := int32(0); it.Next(); i++ {
		switch rec := it.Record(); {
		case r.Compacted && rec.Key == nil:
			faults = append(faults, RecordError{i, fmt.Sprintf("Compacted topic cannot accept message without key in topic partition %s-%d", r.Topic, r.Partition)})
		case !r.LogAppendTime && rec.Timestamp != NoTimestamp:
			if r.outOfBounds(rec.Timestamp) {
				badTime = true
				faults = append(faults, RecordError{i, fmt.Sprintf("Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]",
					rec.Timestamp, rec.Offset, r.NowMs-r.BeforeMaxMs, r.NowMs+r.AfterMaxMs)})
			}
		case b.LogAppendTime():
			badTime = true
			faults = append(faults, RecordError{i, fmt.Sprintf("Invalid timestamp type in message with offset %d. Producer should not set timestamp type to LogAppendTime.", rec.Offset)})
		}
	}
	switch {
	case it.Err() != nil:
		return nil, it.Err()
	case badTime:
		return faults, fmt.Errorf("%w: One or more records have been rejected due to invalid timestamp", ErrInvalidTimestamp)
	case len(faults) > 0:
		return faults, fmt.Errorf("%w: %s", ErrInvalidRecord, rejected(faults))
	}
	return nil, nil
}

// rejected is Kafka's summary of record errors.
func rejected(faults []RecordError) string {
	list := ""
	for i, f := range faults[:min(3, len(faults))] {
		if i > 0 {
			list += ", "
		}
		list += f.Error()
	}
	return fmt.Sprintf("One or more records have been rejected due to %d record errors in total, and only showing the first three errors at most: [%s]", len(faults), list)
}
