// Package coordinator is the shape of a coordinator's pure core: what its host hands in and what it gets back. It holds
// types only; package coordinator/runtime is the host, coordinator/group a core.
//
// A core is the state machine of one partition of an internal topic. It has two halves:
//
//   - the durable half, written by Apply alone, live and when the partition is loaded: what the records say;
//   - the soft half, which Decide may write: who waits, whose session runs, what the last image of the cluster was. It is
//     gone after a reload, and nothing that a client was promised may be in it.
//
// Decide is followed at once by the append of its records and by Apply for each of them, before the next event is
// decided. When the append fails the whole machine is thrown away and loaded again, so the soft half never runs ahead
// of the log for long.
package coordinator
