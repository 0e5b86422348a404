// Package avrox owns Avro: the schema model, its texts, compatibility, and strict coding of binary data. Nothing else of
// the registry knows a schema library (registry.md 11, ADR 0020).
//
// The ways in: Parse admits a schema exactly when Apache Avro 1.12 for Java does. Schema.Text is Java's toString, which is a
// schema's identity in a registry; Schema.Canonical is Avro's Parsing Canonical Form. Compare lists everything that keeps
// data of a writer from a reader. Schema.Decode, Schema.Encode and Resolve turn binary data into Avro's JSON and back.
//
// Everything here is pure: no Kafka, no HTTP, no global state. A Schema is immutable once Parse has answered, and safe for
// concurrent use.
//
// Invariants:
//
//   - input decides the work: depth, elements and bytes are bounded by what was sent, never by what it claims to be;
//   - data that end early, go on behind the datum, or hold another boolean than 0 and 1 or text that is not UTF-8 are errors.
package avrox
