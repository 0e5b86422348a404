// Package record owns record batches v2 as bytes: the header view, the CRC, iteration, compression, and the checks that a
// broker makes before it stores a batch.
//
// It never touches a file, a socket or a clock, and never allocates per record on the produce path.
//
// The ways in: First cuts a batch off a byte slice, Batch reads and patches its header in place, Validate is what
// Kafka's LogValidator does to a produced batch, Batch.Records iterates, Builder makes batches.
//
// Invariants:
//   - A Batch is a whole v2 batch as far as its length field goes: First and Validate promise it, accessors rely on it.
//   - The CRC covers byte 21 to the end, so SetBaseOffset and SetLeaderEpoch leave it valid; every other setter recomputes it.
//   - What a decompressor allocates is bounded by the caller's cap, whatever the payload claims.
//
// KIP-98 (format v2), KIP-110 (zstd), KIP-467 (record errors), KIP-534 (delete horizon), KIP-937 (timestamp bounds).
package record
