// Package runtime hosts coordinators: one pure machine for each partition of an internal topic that this broker leads.
//
//	r := runtime.New(runtime.Config[E, R]{Topic: "__consumer_offsets", Machine: ..., Partition: ...})
//	go r.Run(ctx)             // blocks until ctx ends and every shard has stopped
//	r.Lead(3, epoch)          // loads partition 3 by replaying its log
//	r.Submit(3, event, done)  // done is called once, from any goroutine
//	r.Resign(3)
//
// A shard is one goroutine. It takes an event, lets the machine decide, appends the records as one batch with acks=all,
// applies them, and goes on with the next event; the reply leaves when the high watermark has passed the batch. So many
// events share one sync of the journal, and nobody ever sees what is not durable: replies to events without records
// wait for the records before them too.
//
// Life of a shard:
//
//	loading -> active     the log was replayed up to its end, and the end is below the high watermark
//	active  -> loading    an append failed: what was decided and not appended is forgotten with the machine
//	any     -> gone       Resign, a later Lead, or the end of Run
//
// While a shard loads its events are ErrLoading, on other brokers and after Resign ErrNotCoordinator. Whoever waits for
// a reply when the machine goes is told ErrNotCoordinator: clients look the coordinator up again and repeat.
//
// Replay skips tombstones' history as compaction left it, and hands records of transactions and their markers to
// machines that are coordinator.Transactional.
//
// Bounds: Config.MaxQueue events wait for a shard, more are ErrBusy. Publish is not queued: only the newest is kept,
// and it is decided before anything that was submitted after it.
//
// Timers belong to the shard: they fire as events, never after they were cancelled or set anew.
package runtime
