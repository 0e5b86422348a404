// Package metadata owns the metadata log's records, and the images and deltas that they build.
//
// A record is one change of the cluster's state, with Kafka's api keys, versions and field names, in Kafka's own flexible
// binary form, so that Kafka's dump tool reads our snapshots. An Image is the state of the cluster at one offset; it never
// changes. A Delta applies records to an Image and makes the next one; what a record does not touch is shared between the two.
//
// The way in: Decode and Encode for one record, DecodeList and EncodeList for the records of one entry of the log; Empty for the
// first Image, NewDelta and Delta.Apply for every later one, live and at recovery alike. Image.Records lists the records that
// build an image from nothing: that is a snapshot.
//
// It never decides anything, never reads a clock, a file or a socket, and starts no goroutine.
//
// Invariants:
//   - Delta.Apply is the only writer of a state; state after replay equals live state.
//   - An Image that was handed out is never written to again.
//   - Decode allocates no more than a small multiple of the bytes it is given, whatever they claim.
//   - A record that does not fit the state (a partition of no topic, say) is an error: the log is damaged.
//
// KIP-631 (the metadata log), KIP-858 (directories), KIP-903 (broker epochs), KIP-966 (ELR), KIP-1066 (cordoned directories).
package metadata
