package record

import (
	"errors"
	"fmt"
)

// What can be wrong with a batch. Validate wraps them with the details; use errors.Is.
var (
	// ErrShort says that a batch is not all there.
	ErrShort = errors.New("batch is cut short")
	// ErrCorrupt is CORRUPT_MESSAGE: the CRC does not fit, or the length cannot be.
	ErrCorrupt = errors.New("batch is corrupt")
	// ErrInvalidRecord is INVALID_RECORD; there may be record errors beside it.
	ErrInvalidRecord = errors.New("invalid record")
	// ErrInvalidTimestamp is INVALID_TIMESTAMP; the record errors name the records.
	ErrInvalidTimestamp = errors.New("timestamp out of range")
	// ErrTooLarge is MESSAGE_TOO_LARGE: the batch as it would be stored, or decompressed, is above the limit.
	ErrTooLarge = errors.New("batch is too large")
	// ErrUnsupportedCompression is UNSUPPORTED_COMPRESSION_TYPE: zstd from a produce request below version 7.
	ErrUnsupportedCompression = errors.New("compression type is not supported")
	// ErrUnknown is where Kafka answers UNKNOWN_SERVER_ERROR: compressed garbage, codecs 5 to 7.
	ErrUnknown = errors.New("batch cannot be read")
)

// RecordError says what is wrong with one record of a batch (KIP-467).
type RecordError struct {
	Index   int32
	Message string
}

// Error is the text that Kafka puts into its summary.
func (e RecordError) Error() string {
	return fmt.Sprintf("RecordError(batchIndex=%d, message='%s')", e.Index, e.Message)
}
