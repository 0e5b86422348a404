// Package quorum owns the raft group of the metadata log: etcd's RawNode behind our types.
//
// A Node takes ticks, messages of peers and proposals, and answers Effects: what to persist, then what to send, then what is
// committed. PreVote and CheckQuorum are on, proposals are never forwarded. The only voter of a group campaigns at once, so
// that one drain of Ready elects it, and one sync makes its term durable.
//
// The way in: New with what was saved, Campaign or Tick, Step and Propose, then Ready until it has nothing. Effects of one
// Ready must be carried out in their order before the next call: persist, send, apply.
//
// It never touches a disk, a socket or a clock, starts no goroutine, and imports nothing of ours. The one source of randomness
// is raft's election jitter, which reads crypto/rand.Reader: a simulation replaces that reader to be replayed from its seed.
//
// Invariants, checked by the simulation after every event: one leader in a term; what is committed never changes; the commit
// index and the term of a node never fall; a leader never loads a snapshot.
package quorum
