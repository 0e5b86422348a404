// Package broker is a Kafka-compatible broker as a library: one node that stores partitions in a write-ahead journal
// plus Kafka-format segments, answers the Kafka protocol, and never loses a record that it acknowledged.
//
// Make one with New, which checks the configuration and binds the listeners, and run it with Run, which blocks until
// its context ends or the broker cannot go on. Tests that want a broker use package brokertest.
//
// The face wires the rooms under internal and decides nothing: the way of a record through them is in ARCHITECTURE.md.
package broker
