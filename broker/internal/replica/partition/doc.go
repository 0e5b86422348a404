// Package partition is the pure core of one replica: is it the leader, in which epoch, who is in sync, and how far
// is everything durable on all of them.
//
// A replica's position is its durable log end, never the end in the page cache (storage.md 11.2 rule 1). The high
// watermark is the smallest durable end over the in-sync replicas; it never falls within a leader epoch and stands
// still while fewer than min.insync.replicas are in sync (KIP-966). KIPs: 101, 279, 320, 392, 966.
//
// It owns decisions only: no log, no lock, no clock. Its shell is package replica, which calls it under the
// partition's mutex.
package partition
