// Package store owns what a schema registry knows: subjects with their versions, ids, compatibility settings and modes, as
// the records of the _schemas topic make it, in the bytes of Confluent's registry (registry.md 7, 8).
//
// The ways in: State.Apply takes a record, live and at recovery alike; it is the only writer of the state. The other methods of
// State answer questions, or decide: they answer the records that would make a change true, and change nothing.
//
// Pure: no Kafka, no HTTP, no clock. One goroutine writes a State; the caller sees to it that nobody reads meanwhile.
//
// Invariants: the last record of a key wins; what cannot be read is skipped and said, never fatal; an id is never given out
// twice, whatever was deleted; members of values that are not known are kept when a key is written again.
package store
