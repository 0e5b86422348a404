// Package streams is a typed stream processing library over Kafka's topics: a topology is written in fluent, generic methods, tested
// without a broker by package streamstest, and run by App on Mainstem or on Apache Kafka.
//
//	lines := streams.NewTopic("lines", streams.String, streams.String)
//	counts := streams.NewTopic("counts", streams.String, streams.Int64)
//
//	b := streams.NewBuilder()
//	b.Stream(lines).
//		FlatMapValues(strings.FieldsSeq).
//		GroupBy(func(_, word string) string { return word }, streams.String).
//		Count("word-counts").
//		Stream().
//		To(counts)
//	t, err := b.Build()
//
// Semantics are those of Kafka Streams 4.3.1, operator by operator, and its bytes: of changelogs, repartition topics, windowed keys.
// Where the original is known to be wrong ours follow the documented rule: left and outer joins of streams honour their grace
// (KAFKA-19536, KAFKA-16123), windows that are emitted on close are emitted once whatever time does.
//
// # Names
//
// Every operator with state takes a name: it names the store and the topics (<app>-<name>-changelog, <app>-<name>-repartition).
// Nothing that outlives a process is numbered.
//
// # Nulls
//
// Kafka's keys and values may be null, Go's may not. A function is never called with an invented zero: who wants to see nulls
// declares the type optional (Optional(serde), *T). A null that a function cannot see passes Filter, Peek, Merge and To, becomes a null of the
// new type in MapValues, and is dropped and counted where the value is needed. Record says which of its fields are null.
//
// # Time
//
// A record's time is its timestamp or what TimestampBy makes of it. Stream time is the highest seen: each operator has its own and
// keeps it across restarts. Windows close by stream time, never by the clock.
//
// # Errors
//
// A function's panic, an error of Try, ForEach or a processor, and bytes that cannot be decoded go to Config.OnError: fail the task (the
// default), skip the record at that node, or send it to a dead letter topic besides.
package streams
