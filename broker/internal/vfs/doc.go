// Package vfs owns every file operation of the broker.
//
// It owns the rules that make a write last: which call makes data durable (Sync, or a write
// through DSync), which makes a name durable (SyncDir), and the only right way to replace a small
// file (WriteFileAtomic). It never retries, never hides an errno and never logs.
//
// The way in is an [FS]. There are three:
//
//   - [OS], the real one;
//   - [Mem], a memory disk. It is fast enough to run a broker on, and it is honest: it remembers
//     apart what was synced and what was only written, so [Mem.CrashClone] answers the disk as a
//     power loss would leave it. It fails on command and fills up;
//   - [WithFaults], any of them with faults on command.
//
// Invariants:
//
//   - data is durable only after Sync of its file or a DSync write returned nil, a directory entry
//     only after SyncDir of its directory returned nil;
//   - an operation that fails says which operation on which name, and wraps the errno;
//   - a write that is not whole is an error.
package vfs
