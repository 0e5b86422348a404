// Package replica owns the partitions of this broker: each a log of package commitlog under a pure core of package
// replica/partition, with what waits for it: acknowledgements that wait for the high watermark and fetches that wait
// for data.
//
// The way in is Replicas: Apply takes a new image (and makes, leads and removes partitions), Partition finds one,
// and Partition.Append and Partition.Read are the data path.
//
// Invariants
//   - A waiter is completed once, outside of every lock, in order of its offset.
//   - The high watermark that readers see never falls while this broker leads in one epoch.
//   - Record bytes belong to the caller until its acknowledgement: the journal still reads them.
//
// It never decides who leads and never knows a request. Lock order: Partition.mu, then nothing.
package replica
