// Package journal owns the one shared journal of a data directory: the format of its records and
// groups, the rule that tells a torn tail from damage, and the [Journal] contract that its engines
// keep. Engines: ring (default) and tidwall; package engine opens either by name.
//
// It never serves a read while the broker runs, never retries a write or a sync, and never drops
// something that was acknowledged without saying so.
//
// The way in, for an engine: [Encoder] builds the frame of a group, [History] reads back what is on
// disk, [Poison] keeps the first error.
//
// A commit is one group frame, big endian:
//
//	offset  size  field
//	0       4     magic 9d 4d 53 4a
//	4       4     crc32c of everything behind this field
//	8       4     generation
//	12      8     sequence: one more than that of the group before, over all generations
//	20      4     length of the records
//	24            records
//
// A record:
//
//	offset  size  field
//	0       4     length: bytes behind the crc field
//	4       4     crc32c of the length field and of everything behind this field
//	8       4     generation
//	12      1     type
//	13      4     partition (local id)
//	17      4     leader epoch
//	21      8     base offset
//	29      8     segment base
//	37      8     position in the segment's .log
//	45            payload
//
// Invariants:
//
//   - a group is durable before the next one is written. So a bad frame with nothing valid behind it is
//     the torn tail of a crash, and is cut; a bad frame with a whole frame of a later sequence behind
//     it, at any byte of the rest or in a later generation, is damage, and is refused;
//   - sequences rise by one and never restart, generations rise by one, so a lost file is a gap;
//   - a generation begins with an empty group of the journal's own, durable before Open, Replay or
//     Rotate tell anybody of the generation. It takes a sequence number;
//   - a generation number in every frame and record makes what a recycled file held before invalid.
package journal
