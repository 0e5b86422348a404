// Package tidwall is the journal engine over github.com/tidwall/wal v1.2.1, inside a wrapper without
// which that library must not hold acknowledged data: it has no checksums, cannot open a log with a
// torn tail, writes on after a failed write or sync, and never syncs a directory.
//
// It owns the directories of its generations:
//
//	0000000007.wal/00000000000000000001   segment: entries from index 1 on
//	0000000007.wal/00000000000000000064   the next one, begun when the first held 1 MiB
//	0000000003.gone/                      released, being removed
//
// An entry is an unsigned varint, the size, and one group frame. The rules of the wrapper:
//
//  1. every entry is one group frame, whose CRC and sequence a replay checks;
//  2. a replay reads the files itself, cuts the torn tail and syncs; the library never opens a
//     directory that an earlier process wrote, for a replay is followed by a new generation;
//  3. a panic inside the library becomes an error;
//  4. the first error poisons: no later commit succeeds, no sync is tried twice;
//  5. nothing is truncated through the library: one log for each generation, removed as a whole;
//  6. one goroutine, and no reads while it writes;
//  7. segments of 1 MiB, a cache of one, no copies: that bounds the memory;
//  8. the directory is synced after Open and after each roll.
//
// The library opens files by itself. So this engine works on the operating system's files only; the
// sync of a commit goes through the vfs all the same, on a handle of its own to the tail segment.
package tidwall
