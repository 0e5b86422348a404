// Package controller owns the quorum's loop and the published image of the cluster.
//
// It is the shell around two pure cores. One goroutine, Run, owns the raft node of package quorum and the machine of package
// cluster. It takes events from Submit, lets the machine decide them, proposes their records, makes entries and hard state
// durable as RAFT records of the shared journal, sends to peers, applies what is committed to the image, publishes it, and only
// then answers. Events that wait at the same time share one sync.
//
// The way in: New recovers from the newest good snapshot, the entries beside it and the RAFT records that the journal replayed;
// it starts nothing. OnImage before Run, then Run, Submit, Image, Status. Deliver takes messages of peers.
//
// Speculation: at the leader the machine is ahead of the published image by what is proposed and not committed yet, so that
// events are decided on what came before them. It is thrown away with the leadership and made anew from the image, which holds
// committed state only.
//
// It never holds cluster state of its own, never decides, and never writes anything but the files of __cluster_metadata-0:
//
//	<index, 20 digits>-<term, 10 digits>.checkpoint   a snapshot in Kafka's form (snapshot.go)
//	<sequence, 20 digits>.entries                     the entries behind the older of two snapshots (entries.go)
//	quorum-state                                      term, vote, commit, and which entries file counts (state.go)
//
// Invariants:
//   - Nothing is sent and nothing applied before what it rests on is durable.
//   - A reply leaves after its records are committed, applied and published, in the order of the events.
//   - When the journal releases a generation, everything its RAFT records say is durable in these files.
//   - A snapshot that is empty or damaged never wins over a longer log: the one before it is kept, with its entries.
//
// KIP-595 and KIP-631 (what the files look like), KIP-630 (snapshots), KIP-836 (the status that DescribeQuorum shows).
package controller
