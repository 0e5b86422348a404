// Package group is the core of the group coordinator: consumer groups of the classic protocol and of KIP-848, and
// committed offsets, for one partition of __consumer_offsets. It is pure: it decides and applies, and knows no disk,
// socket, clock or goroutine. Package coordinator/runtime hosts it.
//
// The durable half of its state is what its records say, in Apache Kafka's schemas. For KIP-848 groups that is
// everything but running timers. A classic group is durable at its last stable generation: who is joining, who waits
// for an assignment and whose session runs is soft, and members make it again by rejoining.
//
// Events carry requests as kmsg decodes them, replies are kmsg responses: the api only checks, calls and sends.
// Byte slices of a request are the request's; what the state keeps is copied.
package group
