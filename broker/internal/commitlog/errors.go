package commitlog

import "errors"

// What a caller can do something about. Others are wrapped in one of them with the details; use errors.Is.
var (
	// ErrStorage is KAFKA_STORAGE_ERROR: the log's directory is offline, or a file of it cannot be read.
	ErrStorage = errors.New("log directory is offline")
	// ErrCorrupt is KAFKA_STORAGE_ERROR too: bytes below the durable end do not have the CRC they were stored with. The
	// log serves what is whole and takes no appends until Truncate or Reset removes the damage.
	ErrCorrupt = errors.New("log is corrupt")
	// ErrNewerFormat says that a newer version of this program wrote the directory: nothing of it is touched.
	ErrNewerFormat = errors.New("written by a newer version")
	// ErrOffsetOutOfRange is OFFSET_OUT_OF_RANGE.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrUnexpectedOffset says that a leader's batch does not continue the follower's log.
	ErrUnexpectedOffset = errors.New("batch does not continue the log")
	// ErrSegmentTooSmall is RECORD_LIST_TOO_LARGE: the batch is larger than segment.bytes.
	ErrSegmentTooSmall = errors.New("batch is larger than a segment")
	// ErrDeleted says that the log was deleted meanwhile: UNKNOWN_TOPIC_OR_PARTITION.
	ErrDeleted = errors.New("log is deleted")
	// ErrClosed says that the store is shutting down: NOT_LEADER_OR_FOLLOWER, which clients retry.
	ErrClosed = errors.New("store is closed")
	// ErrTopicID says that Create found a log of the same name and another topic id: INCONSISTENT_TOPIC_ID.
	ErrTopicID = errors.New("partition belongs to another topic id")

	// ErrOutOfOrderSequence is OUT_OF_ORDER_SEQUENCE_NUMBER.
	ErrOutOfOrderSequence = errors.New("out of order sequence number")
	// ErrInvalidProducerEpoch is INVALID_PRODUCER_EPOCH.
	ErrInvalidProducerEpoch = errors.New("invalid producer epoch")
	// ErrInvalidTxnState is INVALID_TXN_STATE: a plain write amid the producer's transaction.
	ErrInvalidTxnState = errors.New("invalid transaction state")
	// ErrCoordinatorFenced is TRANSACTION_COORDINATOR_FENCED: a marker of an older coordinator.
	ErrCoordinatorFenced = errors.New("transaction coordinator is fenced")
)

// errTrailing says that a journal record holds more than its batch.
var errTrailing = errors.New("bytes behind the batch")
