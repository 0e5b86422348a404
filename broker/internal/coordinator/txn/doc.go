// Package txn is the core of transaction coordinators: one Machine for each partition of __transaction_state. It is
// pure; package coordinator/runtime hosts it, and package broker writes the markers that it asks for.
//
//	machine.go         Decide, Apply, Loaded
//	init_producer.go   a producer begins or goes on (KIP-98, KIP-360)
//	add_partitions.go  partitions join the transaction, or are looked for in it (KIP-890)
//	end.go             commit and abort, by classic clients and by those of transaction version 2
//	markers.go         what is to be written into partitions, and that it was
//	sweep.go           time-outs and expiry
//	describe.go        DescribeTransactions, ListTransactions
//	state.go           the states and their legal transitions
//	record.go          the records, byte for byte Kafka's
//
// Invariants
//   - A transaction's outcome is decided by the one record that makes it PrepareCommit or PrepareAbort, and is never
//     taken back.
//   - Nothing joins a transaction between that record and the one that completes it, and the latter is written after
//     every marker is durable.
//   - Under transaction version 2 every end raises the epoch, so that a marker never reaches a later transaction.
//   - All that a client was promised is in the records: a Machine that replayed them decides as the live one.
package txn
