package record

// CONTRACT (written first, so that the rooms above can be built beside this one).
//
//	HeaderSize = 61; LogOverhead = 12
//	type Batch []byte                       // one v2 batch, whole; accessors read in place, Set... patch in place
//	func First(b []byte) (Batch, rest []byte, err error) // cuts the first whole batch; ErrShort when it is not all there
//	func (Batch) BaseOffset, LastOffset, Length(total bytes), LeaderEpoch, Magic, CRC, Attributes, Codec, LogAppendTime, Transactional, Control, HasDeleteHorizon,
//	     LastOffsetDelta, BaseTimestamp, MaxTimestamp, ProducerID, ProducerEpoch, BaseSequence, LastSequence, Count, Payload
//	func (Batch) CheckCRC() bool; SetBaseOffset; SetLeaderEpoch; SetLogAppendTime(ms) // recomputes the CRC; SetMaxTimestamp
//	func (Batch) Records(d *Decompressor) (*Iterator, error)  // offset, timestamp, key, value, headers; no allocation per record
//	func Validate(b []byte, r Rules) (Batch, []RecordError, error) // what LogValidator checks (broker.md 5.1, kafka-facts.md)
//	func Recompress(b Batch, codec Codec, level int) (Batch, error)
//	type Builder: build batches (internal topics, tests, control batches)
