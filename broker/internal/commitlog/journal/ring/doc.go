// Package ring is the default engine of the journal: a few files that are written full of zeros once
// and then overwritten in place, each commit by one direct write.
//
// Why: making a file longer, or writing to blocks that were only reserved, needs a commit of the file
// system's own journal, which may wait for other files' data. Overwriting written blocks does not.
//
// It owns the files of its directory:
//
//	0000000007.ring   generation 7: group frames, zeros or an older generation behind the last one
//	used-1.spare      released, waiting for its next turn; what it holds is invalid by its generation
//	fresh-1.spare     new, being filled with zeros
//
// The way in is [Open]. Nothing waits for the filling: a file whose turn comes earlier grows by
// appending, and is filled before its next turn. One goroutine, the keeper, recycles, fills and puts
// the next file under its name ahead of time; it starts with the first Commit, and Close waits for it.
//
// With [journal.FillNever], the mode for a memory disk, there is no keeper: files grow and are removed.
//
// Invariants:
//
//   - every generation begins with an empty group, which Rotate makes durable with the file's name
//     before it returns: so the generation is known to exist, and at which sequence it starts;
//   - a group starts where the last one ended, in direct mode at the next multiple of 4,096 bytes;
//   - nothing is written to a generation behind a replay: a new Ring begins a new generation.
package ring
