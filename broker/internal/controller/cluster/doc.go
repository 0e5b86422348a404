// Package cluster owns the pure core of the cluster: topics, partitions, their leaders and moves, registrations,
// configurations, features, producer ids, quotas, credentials and ACLs.
//
// Machine.Decide answers an event with the records that make it true and the reply that is valid once they are committed; it
// never writes the state. Machine.Apply takes a record into the state and is its only writer, live and at recovery. The state
// is a metadata image and nothing else: whatever is not in a record is not in the state. The shell in package controller
// proposes the records, waits until the quorum has them, and publishes images.
//
// The way in: New for an image, Decide with an event, Apply for each of its records, and Bootstrap for the records that a new
// cluster begins with. Events are in events.go, events_replica.go and events_security.go, each with its reply. Every change of
// a partition goes through election.go, which holds the rules for leaders, ISR and ELR.
//
// It never does I/O, never reads a clock or a random source (placement is seeded by the topic's id, which the caller made),
// never proposes anything and never checks who asks: authorization is the API's.
//
// Invariants:
//   - A partition has at most one leader per leader epoch, and the epoch rises with every change and every resumption of a
//     leadership (rule 2: no same-epoch comeback).
//   - A leader is unfenced, and it is in the ISR. ISR and ELR do not overlap.
//   - A replica whose recovery lost something is in neither ISR nor ELR until it has caught up again (rule 6).
//   - An item's error leaves nothing of that item in the records; other items of the request go on.
//   - What is iterated and can be seen outside is sorted.
//
// KIP-455 (reassignment), KIP-460 (ElectLeaders), KIP-584 (features), KIP-700, KIP-730 (producer ids), KIP-858 (directories),
// KIP-903 (broker epochs in ISR changes), KIP-966 (ELR), KIP-1066 (cordoned directories).
package cluster
