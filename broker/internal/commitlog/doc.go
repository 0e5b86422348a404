// Package commitlog owns partitions on disk: segments in Kafka's formats, indexes, producer state, leader epochs,
// retention, compaction, and recovery. It opens the one journal of each data directory and decides, through it, what is durable.
//
// It never knows a leader, an ISR or a socket, never acknowledges what is not durable, never retries a failed write or
// sync, and never truncates what was promised.
//
// The ways in: Open recovers the directories, Store.Run keeps them going, Store.Create makes a Log, Log.Append and
// Log.Read do the work, Log.OnDurable tells when an append counts.
//
// An append is one pwrite into the page cache and one queued journal record; the committer takes all that is queued as
// one group, syncs it once, and moves the durable ends. Segments are synced by checkpoints, which release the journal.
// Reads never touch the journal.
//
// Invariants:
//
//   - what lies below DurableEnd survives a power loss: it is in the journal, or below a recovery point that was written
//     after its segment was synced;
//   - a checkpoint writes, in this order: segments and what their records say, recovery points, journal-state; only then
//     the generation is released;
//   - a log's records are in the journal in the order of its appends, and a TRUNCATE comes before what follows it;
//   - the producer state is a function of the batches: no batch between the newest snapshot and the recovery point
//     changed it, unless the log was truncated since, which the journal then says;
//   - every batch that is served had its CRC checked on the way, and the offset, which the CRC does not cover, held
//     against its neighbours. A segment is immutable after the roll; its files outlive its last reader;
//   - a cleaned segment holds every offset bound of those it replaces: base, end, newest record of each key and last sequence
//     of each producer; a reader sees the old files or the new one, each surviving record once;
//   - the first failed write or sync takes a directory offline until a restart.
//
// Lock order, each leaf taken alone: Log.swapping, then Log.flushing or directory.writing, then Log.mu, then one of Log.advance,
// directory.mu, Store.mu, sparse.mu, file.opening followed by files.mu. Nobody holds one of them over a sync, but swapping,
// flushing and writing, which are there for that, and Log.mu when flush.policy changes to journal.
//
// KIP-58, KIP-354 (compaction lags), KIP-98 (producer state), KIP-101 (epochs), KIP-106, KIP-360 (unknown producers),
// KIP-516 (topic ids), KIP-534 (tombstones), KIP-966 (unclean).
package commitlog
