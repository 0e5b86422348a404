// Package marker writes what ends transactions: control batches, into every partition that a transaction wrote to.
//
//	w := marker.New(marker.Config{Coordinators: ..., Partition: ..., Offsets: ...})
//	go w.Run(ctx)
//	w.Lead(3, epoch)   // this broker coordinates partition 3 of __transaction_state from now on
//
// For each partition of __transaction_state that this broker leads a goroutine waits for decided transactions
// (txn.NextMarkers), also those that a crash left without their markers. Each is worked on by a goroutine of its own,
// which tries until every marker is durable, and then tells the coordinator (txn.Completed). A partition whose topic is
// gone counts as done. Markers of __consumer_offsets go through the group coordinator, so that it learns of them.
//
// Invariants
//   - One goroutine at a time writes the markers of a transactional id; a later leadership of this broker begins when
//     those of the earlier one have ended. So no marker is appended once its transaction is complete.
//   - A marker carries the leader epoch of its coordinator's partition: partitions refuse those of an older one.
package marker
