// Command gen writes the shape tables of package wire (WIRE-1).
//
// It reads the message definitions that Apache Kafka ships inside its jars (JSON with line comments) and compiles each
// message and version into a short program of steps: skip four bytes, a compact nullable string, an array of program 17.
// Equal programs are shared, so that the whole protocol fits in a few thousand steps.
//
//	go run ./broker/internal/wire/internal/gen -jars DIR -out broker/internal/wire/zz_generated_shapes.go
//
// DIR holds kafka-clients, kafka-group-coordinator, kafka-share-coordinator, kafka-transaction-coordinator and
// kafka-metadata jars of one Kafka release. The definitions themselves are never written anywhere.
package main
